// Commands as they are typed: history and completion by libedit, words from the command tree.
#include <errno.h>
#include <histedit.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/cli/run.h"

enum { HISTORY_LINES = 1000 };

// --- completion ---

static const char *const common[] = {"--json", "--watch", "--socket", "--help"};

static bool begins(const char *word, const char *with)
{
    return strncmp(word, with, strlen(with)) == 0;
}

static bool complete_command(const struct command *command, const char *const *words,
                             uint32_t count)
{
    const uint32_t own = command->words[1] ? 2 : 1;
    for (uint32_t i = 0; i < own; i++)
        if (i >= count || strcmp(command->words[i], words[i]) != 0)
            return false;
    return true;
}

// The next word of commands that begin with the words before it, each once.
static void next_words(const char *const *words, uint32_t count,
                       void (*each)(const char *word, void *context), void *context)
{
    const char *last = NULL;
    for (uint32_t i = 0; i < command_count && count <= WORDS_MAX; i++) {
        bool fits = true;
        for (uint32_t k = 0; k + 1 < count; k++)
            fits = fits && commands[i].words[k] && strcmp(commands[i].words[k], words[k]) == 0;
        const char *word = fits ? commands[i].words[count - 1] : NULL;
        if (word && begins(word, words[count - 1]) && (last == NULL || strcmp(word, last) != 0)) {
            each(word, context);
            last = word;
        }
    }
}

// How many of the words are options before the command, and their values.
static uint32_t options_before(const char *const *words, uint32_t count)
{
    uint32_t n = 0;
    while (n + 1 < count && words[n][0] == '-')
        n += strcmp(words[n], "--socket") == 0 ? 2 : 1;
    return n;
}

void complete_words(const char *const *words, uint32_t count,
                    void (*each)(const char *word, void *context), void *context)
{
    const uint32_t before = options_before(words, count);
    if (before >= count)
        return; // the word is a value
    words += before;
    count -= before;
    const char *word = words[count - 1];
    if (*word != '-') {
        next_words(words, count, each, context);
        return;
    }
    for (uint32_t i = 0; i < command_count; i++)
        if (complete_command(&commands[i], words, count - 1))
            for (uint32_t k = 0; k < ARGUMENTS_MAX && commands[i].arguments[k].name; k++)
                if (commands[i].arguments[k].name[0] == '-' &&
                    begins(commands[i].arguments[k].name, word))
                    each(commands[i].arguments[k].name, context);
    for (size_t i = 0; i < sizeof common / sizeof common[0]; i++)
        if (begins(common[i], word))
            each(common[i], context);
}

// --- the terminal ---

struct found {
    uint32_t count;
    char first[64]; // what all of them begin with
};

static void found_add(const char *word, void *context)
{
    struct found *found = context;
    if (found->count++ == 0)
        snprintf(found->first, sizeof found->first, "%s", word);
    size_t same = 0;
    while (found->first[same] && found->first[same] == word[same])
        same++;
    found->first[same] = 0;
}

static void found_print(const char *word, void *context)
{
    (void)context;
    printf("  %s", word);
}

static unsigned char on_tab(EditLine *edit, int key)
{
    const LineInfo *info = el_line(edit);
    const size_t len = (size_t)(info->cursor - info->buffer);
    char line[1024], *words[LINE_WORDS_MAX + 1];
    struct error err = {0};
    struct found found = {0};
    static char nothing[] = "";
    int argc;
    (void)key;
    if (len >= sizeof line)
        return CC_ERROR;
    memcpy(line, info->buffer, len);
    line[len] = 0;
    const bool behind = len == 0 || line[len - 1] == ' ';
    if (!line_split(line, &argc, words, &err) || argc >= LINE_WORDS_MAX)
        return CC_ERROR;
    if (behind)
        words[argc++] = nothing;
    const char *const *own = (const char *const *)(words + 1);
    complete_words(own, (uint32_t)argc - 1, found_add, &found);
    const size_t typed = strlen(words[argc - 1]);
    if (found.count == 0)
        return CC_ERROR;
    if (found.count > 1 && strlen(found.first) == typed) {
        putchar('\n');
        complete_words(own, (uint32_t)argc - 1, found_print, NULL);
        putchar('\n');
        return CC_REDISPLAY;
    }
    if (el_insertstr(edit, found.first + typed) != 0 ||
        (found.count == 1 && el_insertstr(edit, " ") != 0))
        return CC_ERROR;
    return CC_REFRESH;
}

// Ctrl-C and Ctrl-Z come as keys (the terminal makes no signals of them while a line is edited):
// libedit would pass a signal on to the whole process group.

// Drops the line.
static unsigned char on_interrupt(EditLine *edit, int key)
{
    bool *dropped;
    (void)key;
    el_get(edit, EL_CLIENTDATA, &dropped);
    *dropped = true;
    fputs("^C\n", stdout);
    return CC_NEWLINE;
}

static unsigned char on_suspend(EditLine *edit, int key)
{
    struct sigaction stop = {.sa_handler = SIG_DFL}, before;
    (void)key;
    el_set(edit, EL_PREP_TERM, 0);
    sigaction(SIGTSTP, &stop, &before);
    raise(SIGTSTP); // and nothing where no shell could continue this one
    sigaction(SIGTSTP, &before, NULL);
    el_set(edit, EL_PREP_TERM, 1);
    return CC_REDISPLAY;
}

static char *prompt(EditLine *edit)
{
    static char text[] = "tickgate> ";
    (void)edit;
    return text;
}

static bool is_word(const char *line, const char *word)
{
    const size_t len = strlen(word);
    return strncmp(line, word, len) == 0 && strspn(line + len, " \t\n") == strlen(line + len);
}

static void run_typed(struct run *run, const char *line)
{
    char *copy = strdup(line), *argv[LINE_WORDS_MAX + 1];
    struct error err = {0};
    struct sigaction term;
    int argc;
    if (copy == NULL)
        return;
    sigaction(SIGTERM, NULL, &term);
    if (!line_split(copy, &argc, argv, &err))
        fprintf(stderr, "tickgate: %s\n", err.text);
    else if (argc > 1)
        run_words(run, argc, argv);
    sigaction(SIGTERM, &term, NULL); // a command that went on and on has taken it
    run->interrupted = false;
    clearerr(stdin);
    free(copy);
}

// The next line. <dropped>: there is none, and this is not the end.
static const char *line_typed(EditLine *edit, bool *dropped)
{
    int count = 0;
    *dropped = false;
    el_set(edit, EL_PREP_TERM, 1); // before the prompt: whoever sees that may press Ctrl-C
    const char *line = el_gets(edit, &count);
    *dropped = *dropped || (line == NULL && count < 0 && errno == EINTR);
    return *dropped || count <= 0 ? NULL : line;
}

enum exit_code run_shell(struct run *run)
{
    // Ends a command or its question; never the shell, however late it comes.
    struct sigaction interrupt = {.sa_handler = invocation_stop};
    EditLine *edit = el_init("tickgate", stdin, stdout, stderr);
    History *past = history_init();
    HistEvent event;
    const char *line;
    bool dropped;
    if (edit == NULL || past == NULL) {
        fprintf(stderr, "tickgate: the terminal cannot be used; give a command\n");
        return EXIT_FAILED;
    }
    history(past, &event, H_SETSIZE, HISTORY_LINES);
    el_set(edit, EL_PROMPT, prompt);
    el_set(edit, EL_EDITOR, "emacs");
    el_set(edit, EL_HIST, history, past);
    el_set(edit, EL_ADDFN, "complete-word", "complete a word", on_tab);
    el_set(edit, EL_BIND, "^I", "complete-word", NULL);
    el_set(edit, EL_CLIENTDATA, &dropped);
    el_set(edit, EL_ADDFN, "drop-line", "drop the line", on_interrupt);
    el_set(edit, EL_ADDFN, "suspend", "stop until the shell goes on", on_suspend);
    el_set(edit, EL_SETTY, "-d", "-isig", NULL);
    el_set(edit, EL_BIND, "^C", "drop-line", NULL);
    el_set(edit, EL_BIND, "^Z", "suspend", NULL);
    el_set(edit, EL_SIGNAL, 1);
    sigaction(SIGINT, &interrupt, NULL);
    while ((line = line_typed(edit, &dropped)) != NULL || dropped) {
        if (dropped)
            continue;
        if (is_word(line, "quit") || is_word(line, "exit"))
            break;
        if (line[strspn(line, " \t\n")])
            history(past, &event, H_ENTER, line);
        if (is_word(line, "help") || is_word(line, "?"))
            help_print(stdout, NULL, 0);
        else
            run_typed(run, line);
    }
    if (line == NULL)
        putchar('\n'); // the caller's prompt begins a line
    history_end(past);
    el_end(edit);
    return EXIT_OK;
}
