// From a command line to a method with parameters, and back to help.
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/cli/command.h"

enum { WATCH_MS_MIN = 100, WATCH_MS_MAX = 3600000 };

static bool is_option(const struct argument *argument)
{
    return argument->name[0] == '-';
}

static uint32_t word_count(const struct command *command)
{
    return command->words[1] ? 2 : 1;
}

// --- help ---

static void print_usage(FILE *out, const struct command *command)
{
    fputs("tickgate", out);
    for (uint32_t i = 0; i < word_count(command); i++)
        fprintf(out, " %s", command->words[i]);
    for (const struct argument *a = command->arguments;
         a < command->arguments + ARGUMENTS_MAX && a->name; a++) {
        fprintf(out, a->required ? " %s" : " [%s", a->name);
        if (a->value)
            fprintf(out, " %s", a->value);
        if (!a->required)
            fputc(']', out);
    }
    fputc('\n', out);
}

static void print_arguments(FILE *out, const struct command *command)
{
    for (const struct argument *a = command->arguments;
         a < command->arguments + ARGUMENTS_MAX && a->name; a++) {
        char text[64];
        snprintf(text, sizeof text, "%s%s%s", a->name, a->value ? " " : "",
                 a->value ? a->value : "");
        fprintf(out, "  %-20s %s\n", text, a->help);
    }
}

static void print_options(FILE *out)
{
    for (uint32_t i = 0; i < common_count; i++) {
        const struct argument *option = &common_options[i];
        char text[64];
        const char *value = option->value ? option->value : "";
        snprintf(text, sizeof text, "%s%s%s", option->name, *value && *value != '[' ? " " : "",
                 value);
        fprintf(out, "  %-20s %s\n", text, option->help);
    }
    fputs("\n  tickgate -f FILE     commands of a file, until one fails (-: standard input; -x: "
          "print them)\n"
          "  tickgate             commands as they are typed, at a terminal\n",
          out);
    fprintf(out, "\nExit code: %s.\nData goes to standard output, messages to standard error.\n",
            exit_codes_help);
}

static bool matches(const struct command *command, const char *const *words, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (command->words[i] == NULL || strcmp(command->words[i], words[i]) != 0)
            return false;
    return true;
}

void help_print(FILE *out, const char *const *words, uint32_t count)
{
    const struct command *only = NULL;
    uint32_t found = 0;
    for (uint32_t i = 0; i < command_count; i++)
        if (matches(&commands[i], words, count)) {
            only = &commands[i];
            found++;
        }
    if (found == 1) {
        fputs("Usage: ", out);
        print_usage(out, only);
        fprintf(out, "\n%s\n\n", only->help);
        print_arguments(out, only);
    } else {
        fputs("Usage: tickgate COMMAND [options]\n\n", out);
        for (uint32_t i = 0; i < command_count; i++)
            if (matches(&commands[i], words, count)) {
                char text[64];
                snprintf(text, sizeof text, "%s%s%s", commands[i].words[0],
                         commands[i].words[1] ? " " : "",
                         commands[i].words[1] ? commands[i].words[1] : "");
                fprintf(out, "  %-20s %s\n", text, commands[i].help);
            }
        fputc('\n', out);
    }
    print_options(out);
}

// --- parsing ---

struct parser {
    struct invocation *out;
    int argc;
    char **argv;
    int at;
    const char *words[WORDS_MAX]; // of the command
    uint32_t word_count;
    uint32_t positional;            // positional arguments seen
    const struct argument *unnamed; // a scope of which the next word is the name
    bool help;
    bool version;
    struct error *err;
};

static bool set_argument(struct parser *p, const struct argument *argument, const char *text)
{
    json_t *value = NULL;
    if (argument->kind == ARGUMENT_NUMBER) {
        char *end;
        errno = 0;
        long long number = strtoll(text, &end, 10);
        if (*text == 0 || *end || errno)
            return error_set(p->err, EXIT_USAGE, "%s: '%s' is not a number", argument->name, text);
        value = json_integer(number);
    } else if (argument->kind == ARGUMENT_LIST) {
        if (strcmp(text, "all") == 0)
            return true;
        value = json_array();
        for (const char *at = text; at;) {
            const char *comma = strchr(at, ',');
            size_t len = comma ? (size_t)(comma - at) : strlen(at);
            if (len == 0) {
                json_decref(value);
                return error_set(p->err, EXIT_USAGE, "'%s': an empty name between commas", text);
            }
            json_array_append_new(value, json_stringn(at, len));
            at = comma ? comma + 1 : NULL;
        }
    } else {
        value = argument->kind == ARGUMENT_FLAG ? json_true() : json_string(text);
    }
    if (value == NULL)
        return error_set(p->err, EXIT_USAGE, "%s: not valid UTF-8", argument->name);
    json_object_set_new(argument->param ? p->out->params : p->out->options,
                        argument->param ? argument->param : argument->name, value);
    return true;
}

// The value of an option: behind "=" or the next word.
static const char *option_value(struct parser *p, const char *equals)
{
    if (equals)
        return equals + 1;
    return p->at + 1 < p->argc ? p->argv[++p->at] : NULL;
}

static bool watch_parse(struct parser *p, const char *text)
{
    char *end;
    double seconds = text ? strtod(text, &end) : 1;
    if (text && (*text == 0 || *end))
        return error_set(p->err, EXIT_USAGE, "--watch: '%s' is no number of seconds", text);
    if (!(seconds * 1000 >= WATCH_MS_MIN && seconds * 1000 <= WATCH_MS_MAX))
        return error_set(p->err, EXIT_USAGE, "--watch: from 0.1 to 3600 seconds");
    p->out->watch_ms = (uint32_t)(seconds * 1000);
    return true;
}

static bool common_option(struct parser *p, const char *name, const char *equals, bool *known)
{
    *known = true;
    if (strcmp(name, "--json") == 0 && !equals)
        p->out->json = true;
    else if (strcmp(name, "--help") == 0 && !equals)
        p->help = true;
    else if (strcmp(name, "--version") == 0 && !equals)
        p->version = true;
    else if (strcmp(name, "--watch") == 0)
        return watch_parse(p, equals ? equals + 1 : NULL);
    else if (strcmp(name, "--socket") == 0) {
        p->out->socket = option_value(p, equals);
        if (p->out->socket == NULL)
            return error_set(p->err, EXIT_USAGE, "--socket: a path is missing");
    } else
        *known = false;
    return true;
}

static bool command_option(struct parser *p, const char *name, const char *equals)
{
    const struct command *command = p->out->command;
    for (uint32_t i = 0; command && i < ARGUMENTS_MAX && command->arguments[i].name; i++) {
        const struct argument *argument = &command->arguments[i];
        if (strcmp(argument->name, name) != 0)
            continue;
        if (argument->kind == ARGUMENT_FLAG && equals)
            return error_set(p->err, EXIT_USAGE, "%s takes no value", name);
        const char *value = argument->kind == ARGUMENT_FLAG ? "" : option_value(p, equals);
        if (value == NULL)
            return error_set(p->err, EXIT_USAGE, "%s: %s is missing", name, argument->value);
        return set_argument(p, argument, value);
    }
    static const char *const flags[] = {"--json", "--help", "--version"};
    for (size_t i = 0; equals && i < sizeof flags / sizeof flags[0]; i++)
        if (strcmp(flags[i], name) == 0)
            return error_set(p->err, EXIT_USAGE, "%s takes no value", name);
    return error_set(p->err, EXIT_USAGE, "no option %s here; --help lists them", name);
}

static bool option(struct parser *p, const char *word)
{
    char name[32];
    bool known;
    const char *equals = strchr(word, '=');
    size_t len = equals ? (size_t)(equals - word) : strlen(word);
    if (len >= sizeof name)
        return error_set(p->err, EXIT_USAGE, "no option %s; --help lists them", word);
    memcpy(name, word, len);
    name[len] = 0;
    if (!common_option(p, name, equals, &known))
        return false;
    return known || command_option(p, name, equals);
}

// A command of two words whose first is a command by itself: it is meant where the second says so.
static const struct command *longer(const struct parser *p, const char *text)
{
    const char *const words[] = {p->words[0], text};
    if (p->word_count != 1 || p->positional)
        return NULL;
    for (uint32_t i = 0; i < command_count; i++)
        if (word_count(&commands[i]) == 2 && matches(&commands[i], words, 2))
            return &commands[i];
    return NULL;
}

static bool positional(struct parser *p, const struct argument *argument, const char *text)
{
    static const char *const named[] = {"account", "strategy", "session", "symbol"};
    p->positional++;
    for (size_t i = 0; argument->kind == ARGUMENT_SCOPE && i < sizeof named / sizeof *named; i++)
        if (strcmp(text, named[i]) == 0)
            p->unnamed = argument;
    return set_argument(p, argument, text);
}

static bool scope_name_add(struct parser *p, const char *name)
{
    char text[128];
    const struct argument *argument = p->unnamed;
    const json_t *scope = json_object_get(p->out->params, argument->param);
    snprintf(text, sizeof text, "%s:%s", json_string_value(scope), name);
    p->unnamed = NULL;
    return set_argument(p, argument, text);
}

// A word of the command, or a positional argument once the command is complete.
static bool word(struct parser *p, const char *text)
{
    struct invocation *out = p->out;
    if (out->command == NULL) {
        uint32_t found = 0;
        if (p->word_count < WORDS_MAX)
            p->words[p->word_count++] = text;
        for (uint32_t i = 0; i < command_count; i++)
            if (matches(&commands[i], p->words, p->word_count)) {
                found++;
                if (word_count(&commands[i]) == p->word_count)
                    out->command = &commands[i];
            }
        if (found == 0)
            return error_set(p->err, EXIT_USAGE, "no command '%s%s%s'; tickgate --help lists them",
                             p->words[0], p->word_count > 1 ? " " : "",
                             p->word_count > 1 ? p->words[1] : "");
        return true;
    }
    const struct command *command = longer(p, text);
    if (command) {
        p->words[p->word_count++] = text;
        out->command = command;
        return true;
    }
    if (p->unnamed)
        return scope_name_add(p, text);
    uint32_t seen = 0;
    for (uint32_t i = 0; i < ARGUMENTS_MAX && out->command->arguments[i].name; i++)
        if (!is_option(&out->command->arguments[i]) && seen++ == p->positional)
            return positional(p, &out->command->arguments[i], text);
    return error_set(p->err, EXIT_USAGE, "'%s' is one word too many; --help shows the usage", text);
}

static bool given(const struct parser *p, const struct argument *argument)
{
    return json_object_get(argument->param ? p->out->params : p->out->options,
                           argument->param ? argument->param : argument->name) != NULL;
}

static bool complete(struct parser *p)
{
    const struct command *command = p->out->command;
    uint32_t seen = 0;
    if (command == NULL)
        return error_set(p->err, EXIT_USAGE, "%s; tickgate --help lists the commands",
                         p->word_count ? "the command is not complete" : "no command");
    if (p->out->watch_ms && command->does >= STREAMS && command->does != TOP)
        return error_set(p->err, EXIT_USAGE, "--watch: only for what looks, not for what changes");
    for (uint32_t i = 0; i < ARGUMENTS_MAX && command->arguments[i].name; i++)
        if (is_option(&command->arguments[i])
                ? command->arguments[i].required && !given(p, &command->arguments[i])
                : seen++ >= p->positional && command->arguments[i].required)
            return error_set(p->err, EXIT_USAGE, "%s is missing; --help shows the usage",
                             command->arguments[i].name);
    return true;
}

// A word that is an option rather than a value: "-" alone is a value (standard input), and so is a
// negative number, which what it is given to refuses by its own range.
static bool names_an_option(const char *text)
{
    return text[0] == '-' && text[1] && !isdigit((unsigned char)text[1]);
}

static volatile sig_atomic_t stopped;

bool invocation_parse(struct invocation *invocation, int argc, char **argv, FILE *out,
                      struct error *err)
{
    struct parser p = {.out = invocation, .argc = argc, .argv = argv, .err = err};
    memset(invocation, 0, sizeof *invocation);
    stopped = 0;
    invocation->params = json_object();
    invocation->options = json_object();
    for (p.at = 1; p.at < argc; p.at++) {
        const char *text = argv[p.at];
        if (!(names_an_option(text) ? option(&p, text) : word(&p, text)))
            return false;
    }
    if (p.help || p.version) {
        invocation->command = NULL;
        if (p.help)
            help_print(out, p.words, p.word_count);
        else
            fputs("tickgate " TICKGATE_VERSION "\n", out);
        return true;
    }
    return complete(&p);
}

void invocation_stop(int number)
{
    (void)number;
    stopped = 1;
}

bool invocation_stopped(void)
{
    return stopped != 0;
}

void invocation_free(struct invocation *invocation)
{
    json_decref(invocation->params);
    json_decref(invocation->options);
}
