// tickgate: asks the control plane and prints its answers.
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "controlplane/cli/run.h"

// -f FILE [-x], with --socket before or behind it. False: something else.
static bool is_batch(int argc, char **argv, const char **file, bool *echo, const char **socket)
{
    for (int i = 1; i < argc; i++) {
        if ((strcmp(argv[i], "-f") == 0 || strcmp(argv[i], "--file") == 0) && i + 1 < argc)
            *file = argv[++i];
        else if (strcmp(argv[i], "-x") == 0)
            *echo = true;
        else if (strcmp(argv[i], "--socket") == 0 && i + 1 < argc)
            *socket = argv[++i];
        else
            return false;
    }
    return *file != NULL;
}

static bool is_shell(int argc, char **argv, const char **socket)
{
    const bool named = argc == 3 && strcmp(argv[1], "--socket") == 0;
    if (named)
        *socket = argv[2];
    return (argc == 1 || named) && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

int main(int argc, char **argv)
{
    struct run run;
    const char *file = NULL;
    bool echo = false;
    enum exit_code code;
    signal(SIGPIPE, SIG_IGN);
    run_begin(&run);
    if (is_batch(argc, argv, &file, &echo, &run.socket))
        code = run_file(&run, file, echo);
    else if (is_shell(argc, argv, &run.socket))
        code = run_shell(&run);
    else
        code = run_words(&run, argc, argv);
    run_end(&run);
    return (int)code;
}
