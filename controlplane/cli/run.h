// Commands carried out: one, a file of them, or as they are typed.
#pragma once

#include <stdbool.h>

#include "controlplane/cli/client.h"
#include "controlplane/cli/command.h"

enum { LINE_WORDS_MAX = 64, LINE_LEN_MAX = 65536 };

// A connection that is kept from one command to the next.
struct run {
    struct client client;
    const char *socket; // for commands that name none; null: the environment's, or the default
    bool interrupted;   // SIGINT or SIGTERM came while a command went on and on
};

void run_begin(struct run *run);
void run_end(struct run *run);

// One command line without the program's name before it: argv[1] is its first word. Says what is
// wrong on standard error and returns the exit code.
enum exit_code run_words(struct run *run, int argc, char **argv);

// The lines of a file ("-": standard input), until one fails; blank lines and those that begin with
// # are skipped. <echo>: each is printed before it is carried out.
enum exit_code run_file(struct run *run, const char *path, bool echo);

// Lines of a terminal, with completion and history, until its end or `quit`.
enum exit_code run_shell(struct run *run);

// A line into words: blanks separate, single and double quotes hold together. <line> is written to,
// the words point into it; argv[0] is the program's name. False: a quote is not closed, or too many
// words.
bool line_split(char *line, int *argc, char *argv[LINE_WORDS_MAX + 1], struct error *err);

// follow.c: what goes on until it is interrupted. False with <err>.
bool follow(const struct invocation *invocation, struct client *client, struct error *err);
bool top_show(const struct invocation *invocation, struct client *client, struct error *err);
// SIGINT and SIGTERM end the command (invocation_stopped), not the program.
void watch_signals(void);

// day_run.c: start or end of the day, step by step. <err>: of the step that failed.
void day_run(const struct invocation *invocation, struct client *client, struct error *err);

// shell.c: what a word that begins like the last one of <words> may be; calls <each> for every one.
void complete_words(const char *const *words, uint32_t count,
                    void (*each)(const char *word, void *context), void *context);

// reference.c, completion.c: made from the command tree.
void reference_man(FILE *out);
void reference_bash(FILE *out);
void reference_zsh(FILE *out);
