// tickgate: asks the control plane and prints its answers.
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "controlplane/cli/client.h"
#include "controlplane/cli/command.h"
#include "controlplane/cli/direct.h"

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

// What widens is asked for once more where somebody can answer.
static bool confirmed(const struct invocation *invocation, struct error *err)
{
    const struct command *command = invocation->command;
    char answer[16] = "";
    if (command->does != WIDENS || json_is_true(json_object_get(invocation->options, "--yes")) ||
        !isatty(STDIN_FILENO))
        return true;
    fprintf(stderr, "tickgate %s%s%s: %s. Type yes to go on: ", command->words[0],
            command->words[1] ? " " : "", command->words[1] ? command->words[1] : "",
            command->help);
    if (fgets(answer, sizeof answer, stdin) && strcmp(answer, "yes\n") == 0)
        return true;
    return error_set(err, EXIT_FAILED, "not confirmed: nothing was changed");
}

static const char *from_environment(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value && *value ? value : otherwise;
}

// A kill that needs no control plane.
static void go_direct(const struct invocation *invocation, struct error *err)
{
    const char *region = json_string_value(json_object_get(invocation->options, "--region"));
    if (region == NULL)
        region = from_environment("TICKGATE_REGION", "tickgate");
    json_t *result = direct_kill(invocation->params, region, err);
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

// One question and its answer on <client>, which is opened if need be. False with <err>.
static bool ask(const struct invocation *invocation, struct client *client, const char *path,
                struct error *err)
{
    bool following = invocation->command->does == FOLLOWS && invocation->watch_ms;
    if (client->fd < 0 && !client_open(client, path, err))
        return false;
    json_t *result =
        client_call(client, invocation->command->method, json_copy(invocation->params), err);
    if (result == NULL) {
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

int main(int argc, char **argv)
{
    struct invocation invocation;
    struct client client = {.fd = -1};
    struct error err = {0};
    struct sigaction action = {.sa_handler = invocation_stop};
    signal(SIGPIPE, SIG_IGN);
    if (!invocation_parse(&invocation, argc, argv, stdout, &err) || invocation.command == NULL) {
        // help was asked for, or <err> says what is wrong
    } else if (command_offline(invocation.command)) {
        sigaction(SIGINT, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
        command_offline(invocation.command)(&invocation, &err);
    } else if (is_direct(&invocation, &err)) {
        go_direct(&invocation, &err);
    } else if (err.code == EXIT_OK && confirmed(&invocation, &err)) {
        const char *path = invocation.socket;
        if (path == NULL)
            path = from_environment("TICKGATE_SOCKET", "/run/tickgate/control.sock");
        bool answered = ask(&invocation, &client, path, &err);
        if (answered && invocation.watch_ms) {
            sigaction(SIGINT, &action, NULL);
            sigaction(SIGTERM, &action, NULL);
            watch(&invocation, &client, path, &err);
        }
    }
    flush_output(&err);
    if (err.code != EXIT_OK)
        fprintf(stderr, "tickgate: %s\n", err.text);
    client_close(&client);
    invocation_free(&invocation);
    return (int)err.code;
}
