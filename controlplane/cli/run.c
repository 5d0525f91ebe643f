#include "controlplane/cli/run.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "controlplane/cli/direct.h"
#include "dataplane/base/clock.h"

#define SOCKET_PATH "/run/tickgate/control.sock"

void watch_signals(void)
{
    struct sigaction action = {.sa_handler = invocation_stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

void run_begin(struct run *run)
{
    memset(run, 0, sizeof *run);
    run->client.fd = -1;
}

void run_end(struct run *run)
{
    client_close(&run->client);
}

static void print_result(const struct invocation *invocation, const json_t *result)
{
    if (!invocation->json) {
        invocation->command->print(stdout, result, invocation->options);
        return;
    }
    // One line a sample when there are many, so that a line is a document.
    json_dumpf(result, stdout, invocation->watch_ms ? JSON_COMPACT : JSON_INDENT(2));
    fputc('\n', stdout);
}

// What widens is asked for once more; where nobody can answer, --yes has to say it.
static bool confirmed(const struct invocation *invocation, struct error *err)
{
    const struct command *command = invocation->command;
    const bool raises = json_object_get(invocation->params, "for") != NULL;
    char answer[16] = "";
    if ((command->does != WIDENS && !raises) ||
        json_is_true(json_object_get(invocation->options, "--yes")))
        return true;
    if (!isatty(STDIN_FILENO))
        return error_set(err, EXIT_APPROVAL,
                         "%s: this widens what may be traded, and nobody is at a terminal to "
                         "confirm it; add --yes",
                         command->words[command->words[1] ? 1 : 0]);
    fprintf(stderr, "tickgate %s%s%s: %s. Type yes to go on: ", command->words[0],
            command->words[1] ? " " : "", command->words[1] ? command->words[1] : "",
            command->help);
    if (fgets(answer, sizeof answer, stdin) && strcmp(answer, "yes\n") == 0)
        return true;
    return error_set(err, EXIT_APPROVAL, "not confirmed: nothing was changed");
}

static const char *from_environment(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value && *value ? value : otherwise;
}

// A kill that needs no control plane.
static void go_direct(const struct invocation *invocation, const struct run *run, struct error *err)
{
    const uint64_t asked_ns = clock_utc_ns();
    const char *path = invocation->socket ? invocation->socket : run->socket;
    const char *region = json_string_value(json_object_get(invocation->options, "--region"));
    if (region == NULL)
        region = from_environment("TICKGATE_REGION", "tickgate");
    json_t *result = direct_kill(invocation->params, region, err);
    direct_tell(path ? path : from_environment("TICKGATE_SOCKET", SOCKET_PATH), asked_ns);
    if (result)
        print_result(invocation, result);
    json_decref(result);
}

static bool is_direct(const struct invocation *invocation, struct error *err)
{
    if (json_is_true(json_object_get(invocation->options, "--direct")))
        return true;
    if (json_object_get(invocation->options, "--region"))
        error_set(err, EXIT_USAGE, "--region: only with --direct");
    return false;
}

// Whoever kills and gets no answer is told the way that needs none.
static void tell_direct(const struct invocation *invocation, struct error *err)
{
    const size_t len = strlen(err->text);
    if (err->code == EXIT_NOT_CONNECTED && strcmp(invocation->command->method, "kill") == 0 &&
        strstr(err->text, "--direct") == NULL)
        snprintf(err->text + len, sizeof err->text - len,
                 "; `tickgate kill --direct` needs no control plane");
}

// One question and its answer on <client>, which is opened if need be. False with <err>.
static bool ask(const struct invocation *invocation, struct client *client, const char *path,
                struct error *err)
{
    bool following = invocation->command->does == FOLLOWS && invocation->watch_ms;
    json_t *result = NULL;
    if (client->fd >= 0 || client_open(client, path, err))
        result =
            client_call(client, invocation->command->method, json_copy(invocation->params), err);
    if (result == NULL) {
        tell_direct(invocation, err);
        client_close(client);
        return false;
    }
    if (invocation->watch_ms && !following && !invocation->json && isatty(STDOUT_FILENO))
        fputs("\033[H\033[J", stdout); // upper left corner, clear the rest
    print_result(invocation, result);
    if (invocation->watch_ms && !following && !invocation->json && !isatty(STDOUT_FILENO))
        fputc('\n', stdout);
    if (following)
        json_object_set(invocation->params, "after", json_object_get(result, "next_after"));
    json_decref(result);
    return true;
}

// False: standard output is closed or full.
static bool flush_output(struct error *err)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    return error_set(err, EXIT_FAILED, "cannot write to standard output: %s", strerror(errno));
}

// Again and again; a control plane that goes away is waited for.
static void watch(const struct invocation *invocation, struct client *client, const char *path,
                  struct error *err)
{
    bool told = false;
    while (!invocation_stopped() && flush_output(err)) {
        struct error lost = {0};
        struct timespec pause = {.tv_sec = invocation->watch_ms / 1000,
                                 .tv_nsec = invocation->watch_ms % 1000 * 1000000L};
        nanosleep(&pause, NULL);
        if (invocation_stopped() || ask(invocation, client, path, &lost)) {
            told = false;
            continue;
        }
        if (!told)
            fprintf(stderr, "tickgate: %s\n", lost.text);
        told = true;
    }
}

// The control plane reads the file, from wherever it was started.
static void file_absolute(const struct invocation *invocation)
{
    const char *file = json_string_value(json_object_get(invocation->params, "file"));
    char *full = file ? realpath(file, NULL) : NULL;
    if (full)
        json_object_set_new(invocation->params, "file", json_string(full));
    free(full);
}

static void go(const struct invocation *invocation, struct run *run, struct error *err)
{
    const char *path = invocation->socket ? invocation->socket : run->socket;
    struct client *client = &run->client;
    const char *method = invocation->command->method;
    if (method && strcmp(method, "kill") == 0) // the stopwatch runs from here
        json_object_set_new(invocation->params, "asked_ns",
                            json_integer((json_int_t)clock_utc_ns()));
    file_absolute(invocation);
    if (path == NULL)
        path = from_environment("TICKGATE_SOCKET", SOCKET_PATH);
    if (client->fd >= 0 && strcmp(client->path, path) != 0)
        client_close(client);
    if (command_sequence(invocation->command)) {
        watch_signals();
        if (client->fd >= 0 || client_open(client, path, err))
            day_run(invocation, client, err);
    } else if (invocation->command->does == STREAMS || invocation->command->does == TOP) {
        if (client->fd < 0 && !client_open(client, path, err))
            return;
        watch_signals();
        if (invocation->command->does == STREAMS)
            follow(invocation, client, err);
        else
            top_show(invocation, client, err);
        client_close(client);
    } else if (ask(invocation, client, path, err) && invocation->watch_ms) {
        watch_signals();
        watch(invocation, client, path, err);
    }
}

enum exit_code run_words(struct run *run, int argc, char **argv)
{
    struct invocation invocation;
    struct error err = {0};
    if (!invocation_parse(&invocation, argc, argv, stdout, &err) || invocation.command == NULL) {
        // help was asked for, or <err> says what is wrong
    } else if (invocation.command->does == TELLS) {
        invocation.command->print(stdout, NULL, invocation.options);
    } else if (command_offline(invocation.command)) {
        watch_signals();
        command_offline(invocation.command)(&invocation, &err);
    } else if (is_direct(&invocation, &err)) {
        go_direct(&invocation, run, &err);
    } else if (err.code == EXIT_OK && confirmed(&invocation, &err)) {
        go(&invocation, run, &err);
    }
    run->interrupted = invocation_stopped();
    flush_output(&err);
    if (err.code != EXIT_OK)
        fprintf(stderr, "tickgate: %s\n", err.text);
    invocation_free(&invocation);
    return err.code;
}

// --- lines ---

bool line_split(char *line, int *argc, char *argv[LINE_WORDS_MAX + 1], struct error *err)
{
    static char program[] = "tickgate";
    char *to = line, quote = 0;
    bool word = false;
    *argc = 1;
    argv[0] = program;
    for (const char *c = line; *c; c++) {
        if (quote == 0 && (*c == ' ' || *c == '\t' || *c == '\n' || *c == '\r')) {
            if (word)
                *to++ = 0;
            word = false;
            continue;
        }
        if (!word) {
            if (*argc == LINE_WORDS_MAX)
                return error_set(err, EXIT_USAGE, "more than %d words in a line",
                                 LINE_WORDS_MAX - 1);
            argv[(*argc)++] = to;
            word = true;
        }
        if (*c == quote)
            quote = 0;
        else if (quote == 0 && (*c == '"' || *c == '\''))
            quote = *c;
        else
            *to++ = *c;
    }
    *to = 0;
    argv[*argc] = NULL;
    return quote == 0 || error_set(err, EXIT_USAGE, "a quote (%c) is not closed", quote);
}

static enum exit_code run_line(struct run *run, char *line)
{
    char *argv[LINE_WORDS_MAX + 1];
    struct error err = {0};
    int argc;
    if (line_split(line, &argc, argv, &err))
        return argc > 1 ? run_words(run, argc, argv) : EXIT_OK;
    fprintf(stderr, "tickgate: %s\n", err.text);
    return err.code;
}

// The next line. False: there is none, or <err> says why it cannot be had.
static bool line_next(FILE *file, char **line, size_t *line_max, struct error *err)
{
    errno = 0;
    const ssize_t len = getline(line, line_max, file);
    if (len < 0)
        return feof(file) ? false : error_set(err, EXIT_FAILED, "%s", strerror(errno));
    if (strlen(*line) != (size_t)len) // what stands behind it would be left out
        return error_set(err, EXIT_USAGE, "a zero byte in the line: this is no text");
    return true;
}

enum exit_code run_file(struct run *run, const char *path, bool echo)
{
    const bool own = strcmp(path, "-") == 0;
    FILE *file = own ? stdin : fopen(path, "re");
    enum exit_code code = EXIT_OK;
    struct error err = {0};
    char *line = NULL;
    size_t line_max = 0, number = 1;
    if (file == NULL) {
        fprintf(stderr, "tickgate: %s: %s; name a file with commands, or - for standard input\n",
                path, strerror(errno));
        return EXIT_USAGE;
    }
    for (; !run->interrupted && line_next(file, &line, &line_max, &err); number++) {
        if (line[strspn(line, " \t")] == '#')
            continue;
        if (echo)
            fprintf(stdout, "> %s%s", line, strchr(line, '\n') ? "" : "\n");
        if ((code = run_line(run, line)) != EXIT_OK)
            break;
    }
    if (err.code != EXIT_OK) {
        fprintf(stderr, "tickgate: %s\n", err.text);
        code = err.code;
    }
    if (code != EXIT_OK)
        fprintf(stderr, "tickgate: %s:%zu: stopped here\n", own ? "standard input" : path, number);
    free(line);
    if (!own)
        fclose(file);
    return code;
}
