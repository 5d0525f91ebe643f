// docs/control.md is made from the tables of methods, errors and commands.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <unistd.h>

#include "controlplane/cli/command.h"
#include "controlplane/control/method.h"
#include "controlplane/control/server.h"
#include "tests/lib/golden.h"

static void print_intro(FILE *out)
{
    fprintf(
        out,
        "# The control socket and the command line\n\n"
        "Made from the tables of `controlplane/control` and `controlplane/cli`; `make unit` fails "
        "when this page is behind them.\n\n"
        "`tickgate-controlplane` attaches to the dataplane's region (see [abi.md](abi.md)), waits "
        "for it where it is not there,\n"
        "and answers on a Unix stream socket that its owner and group may use. "
        "`tickgate` asks there. When the dataplane\n"
        "ends, requests are refused with its reason; when a new instance comes up, the control "
        "plane attaches to it by itself.\n"
        "The folder `%s` is made (mode 0755) where it is missing, for a start without systemd's "
        "`RuntimeDirectory`; the\n"
        "folder of any other path must be there.\n\n",
        SERVER_FOLDER);
}

static void print_protocol(FILE *out)
{
    fprintf(
        out,
        "## Protocol\n\n"
        "[JSON-RPC 2.0](https://www.jsonrpc.org/specification), one request and one answer a "
        "line:\n\n"
        "```\n"
        "$ echo '{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"book\", \"params\": {\"symbol\": "
        "\"AAPL\", \"depth\": 1}}' |\n"
        "      socat - UNIX-CONNECT:/run/tickgate/control.sock\n"
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"symbol\":\"AAPL\", ...}}\n"
        "```\n\n"
        "- Parameters by name or by position; unknown ones are errors. No batches.\n"
        "- Prices are decimal texts with four places, times in nanoseconds, counts integers. What "
        "is "
        "not there is `null`.\n"
        "- A request has at most %u bytes, its newline included. Requests of a client are answered "
        "in order.\n"
        "- At most %u clients, and %u of one user. One that does not read its answers for %u s is "
        "cut off; while more "
        "than %u KiB wait\n"
        "  to be sent to a client no further request of it is taken. `status` counts both.\n"
        "- `subscribe` sends notifications (requests without an id) on the same connection: "
        "`event`, `counters`, `log`. While\n"
        "  %u KiB of them wait, no more are added; a client for which the newest %u events or %u "
        "log "
        "lines go by meanwhile\n"
        "  is cut off. `missed` tells of a burst that was longer than that. `log` has the level, "
        "event, code, text and\n"
        "  fields of a [line of the log](operate.md#logs).\n\n"
        "## Roles\n\n"
        "| role | may |\n|---|---|\n"
        "| `view` | look |\n"
        "| `operate` | and do what narrows: `kill`, `halt`, `reduce`, `cancel`, "
        "`strategy_disable`, `filter_set` |\n"
        "| `risk` | and do what widens: `resume`, `strategy_enable`, `strategy_set`, `limit_set`, "
        "`approve`, `config_apply`, `config_rollback` |\n\n"
        "Limits that the file has under `broker` are set (`limit_set` with `owner` broker) by "
        "users of the role `risk` that\n"
        "`control.broker` names, by nobody else: who may set the firm's limits cannot raise the "
        "broker's.\n\n"
        "The section `control` of the [configuration](configuration.md#control) gives them to "
        "users "
        "and groups of the machine, which the\n"
        "kernel tells of whoever connects. Root and the control plane's own user have every role, "
        "and may set the broker's limits; without a\n"
        "configuration everybody who can connect has every role. Who changed what and why stands "
        "in the "
        "log.\n\n",
        SERVER_LINE_MAX, SERVER_CLIENTS_MAX, SERVER_USER_MAX, SERVER_PATIENCE_MS / 1000,
        SERVER_OUT_SOFT / 1024, SERVER_STREAM_SOFT / 1024, EVENT_LOG_LEN, LOG_LINES);
}

static void print_methods(FILE *out)
{
    static const char *const types[] = {
        [PARAM_STRING] = "string", [PARAM_INTEGER] = "integer", [PARAM_STRINGS] = "strings"};
    fprintf(out, "## Methods\n");
    for (uint32_t i = 0; i < method_count; i++) {
        const struct method *method = &methods[i];
        fprintf(out, "\n### %s\n\n%s.%s\n", method->name, method->help,
                method->need != NEEDS_NOTHING ? "" : " Also without a dataplane.");
        if (method->role > ROLE_VIEW)
            fprintf(out, "Takes the role `%s`.\n", role_name(method->role));
        if (method->params[0].name)
            fprintf(out, "\n| parameter | type | from | to | meaning |\n|---|---|---|---|---|\n");
        for (uint32_t k = 0; k < PARAMS_MAX && method->params[k].name; k++) {
            const struct param *param = &method->params[k];
            fprintf(out, "| `%s`%s | %s | %lld | %lld | %s |\n", param->name,
                    param->required ? " (required)" : "", types[param->type], (long long)param->min,
                    (long long)param->max, param->help);
        }
    }
    fprintf(out, "\nThe bounds of a string are those of its length, the bounds of strings those of "
                 "their number.\n");
}

static void print_governing(FILE *out)
{
    fprintf(
        out,
        "\n## Governing what trades\n\n"
        "| order | new orders and replaces | what is open |\n|---|---|---|\n"
        "| `kill` | refused | one cancel per order, the next that the exchange reads |\n"
        "| `halt` | refused | stays, cancels pass |\n"
        "| `reduce` | only what makes a position smaller | stays |\n"
        "| `cancel` | pass | one cancel per order |\n"
        "| `resume` | pass again | cancels that a kill has begun go on |\n\n"
        "Each concerns everything (`firm`; `global` in answers), an account, a strategy, a symbol "
        "or a session (`symbol:MSFT`, or `symbol MSFT`), on\n"
        "every lane that has it. What is in\n"
        "force in one scope is taken back in that scope: a `resume` of a session leaves a global "
        "kill as it is, and says so.\n\n"
        "- The answer names, for each lane, the event from which the order is in force: no "
        "decision behind it was made without.\n"
        "  An event GOVERNED with the reason and the uid of whoever asked stands beside it. "
        "`null`: the lane's event ring had no room.\n"
        "- What narrows is done whatever state the event ring is in. What widens (`resume`, "
        "`strategy_enable`, `strategy_set`, `reduce`\n"
        "  after `halt`) is recorded first, and refused where there is no room for the record.\n"
        "- A `kill` needs no reason and asks nobody. Its words are set in the region before the "
        "lanes are asked; the answer waits\n"
        "  for their word, and says so when a lane gives none.\n"
        "- `tickgate kill --direct` needs no control plane: it sets words of its own in the "
        "region, for which it must be allowed to write\n"
        "  the region's file. Its kill is lifted by `resume` like any other.\n"
        "- `resume` claims what a lane stopped by itself: a symbol after an execution that nobody "
        "ordered, a session whose own checks\n"
        "  halted it. Of a strategy that was applied as often as its `repeats` allow it counts the "
        "orders anew.\n"
        "- `strategy_set` gives all parameters at once; what they mean, and which values it takes, "
        "is the strategy's.\n\n"
        "Positions and trading states are what the lanes hold at the moment; counts of sessions, "
        "strategies and accounts are up to\n"
        "100 ms old. Open orders are worked out from the events. A control plane that is started "
        "while a dataplane trades reads those\n"
        "of before in the journal, in the background; `orders` waits up to five seconds for that. "
        "Where there is no journal, or events\n"
        "are not in it (they were lost, or their segments were removed), the list is incomplete, "
        "and the answer says so.\n");
}

static void print_limits_of_day(FILE *out)
{
    fprintf(
        out,
        "\n## Limits during the day\n\n"
        "`limit_set` sets one limit on all lanes. What the configuration says is the bound: below "
        "it a limit goes down and up again\n"
        "without an end; beyond it only for a time (`for`, at most "
        "[control.raise_max_ms](configuration.md#control)).\n\n"
        "- When its time is over the dataplane sets the limit back by itself to what was there "
        "before the raise, also while no control\n"
        "  plane runs. Setting it lower meanwhile, to less than was there before, ends the raise "
        "at once; a later `for` moves its end.\n"
        "- What lets more pass is durable in the journal (LIMIT_ASKED, with the reason, the user "
        "and who approved) before the first lane\n"
        "  gets it; a journal that does not take it in time is code -32006 and nothing is changed. "
        "What lets less pass is in force first.\n"
        "- With [control.second_person](configuration.md#control) whatever lets more pass waits: "
        "the answer is code -32008 (exit code 5) with\n"
        "  the number of the change, and `approve` by another user of the role `risk` makes it. "
        "The time of a raise begins then. What waits is\n"
        "  forgotten after %d minutes, with the control plane and with the dataplane.\n"
        "- With two owners ([trading.md](trading.md)) the answer names whose limit it was "
        "(`owner`), whose binds after the change (`binds`)\n"
        "  and what holds (`bound`); each owner's raise ends for itself.\n"
        "- Actions of controls are set like limits of the firm, by the code of the refusal: a "
        "weaker one than configured takes a time.\n"
        "- `tickgate limits headroom` shows what is used most, `show limits` what is raised, until "
        "when and what it will be then,\n"
        "  `tickgate limits history` all of it from a journal: asked for, raised, in force, "
        "over.\n",
        APPROVAL_S / 60);
}

static void print_keys(FILE *out, const char *where, enum limit_section section)
{
    fprintf(out, "| %s |", where);
    for (unsigned i = 1; i < LIMIT_CONTROLS; i++)
        if (limit_control_table[i].name && limit_control_table[i].section == section)
            fprintf(out, " `%s`", limit_control_name(i));
    fprintf(out, " |\n");
}

static void print_live(FILE *out)
{
    fprintf(
        out,
        "\n## The configuration while everything runs\n\n"
        "`tickgate config diff` says what the file says other than what is in force, and what each "
        "key takes; `config apply` puts it into\n"
        "force, all of it or nothing, and refuses keys that take a restart by their names. Every "
        "other key takes one: of\n"
        "`tickgate-controlplane` where it stands in `control`, `http`, `store`, `trace`, `journal` "
        "(or is the directory or a size of\n"
        "`capture`, or `node.control_socket`), else of `tickgate-dataplane`.\n\n"
        "| section | live |\n|---|---|\n");
    print_keys(out,
               "`limits` of trading, an account, a strategy, a client, a session, a symbol row",
               LIMIT_LIMITS);
    print_keys(out, "`symbols`", LIMIT_SYMBOL);
    print_keys(out, "`sessions`", LIMIT_SESSION);
    print_keys(out, "`actions` of trading", LIMIT_ACTIONS);
    fprintf(
        out,
        "| `control` | `second_person` `raise_max_ms` |\n\n"
        "- With a file [`day.reference`](reference.md#reference-data) what it may say of a symbol "
        "(`average_volume`, `previous_close`,\n"
        "  `tick`, `lot`, `locates`) takes a restart in `symbols`: the file stands over it, and "
        "`tickgate reload reference` is the way.\n"
        "- A file that is not good is refused as at the start: file, line, key, cause, remedy. "
        "Another one than the control\n"
        "  plane's own stands in the same folder, and is named with its whole path.\n"
        "- `--confirm-within 5m`: it goes back by itself then, unless `config confirm` comes "
        "before; also by a control plane that was\n"
        "  started again meanwhile. Until then no other `apply` is taken.\n"
        "- `config rollback` puts into force what was before the last `apply`, step by step back "
        "to what the dataplane was started with.\n"
        "  The file stays as it is.\n"
        "- What lets more pass is in the journal first, and takes a second person where "
        "`control.second_person` says so; so does taking\n"
        "  that key away. A raise of a limit that the file changes ends.\n"
        "- At most %d limits change at once, a symbol row counting once for each of its symbols.\n"
        "- Versions are kept beside the journal (its directory and `.config`), of the dataplane "
        "that runs. A control plane without\n"
        "  `--config`, without a journal, or with another file than the dataplane was started with "
        "refuses, and says why.\n",
        LIMIT_CHANGES_MAX);
}

static void print_errors(FILE *out)
{
    fprintf(out, "\n## Errors\n\n| code | meaning | exit code of `tickgate` |\n|---|---|---|\n");
#define ERROR_ROW(upper, code, meaning)                                                     \
    fprintf(out, "| %d | %s | %d |\n", code, meaning,                                       \
            (code) == -32001 || (code) == -32002                       ? EXIT_NOT_CONNECTED \
            : (code) == -32006                                         ? EXIT_STATE         \
            : (code) == -32007                                         ? EXIT_FORBIDDEN     \
            : (code) == -32008                                         ? EXIT_APPROVAL      \
            : (code) == -32600 || (code) == -32601 || (code) == -32602 ? EXIT_USAGE         \
                                                                       : EXIT_FAILED);
    RPC_ERROR_LIST(ERROR_ROW)
}

static void print_commands(FILE *out)
{
    fprintf(out, "\n## Command line\n\n```\n");
    help_print(out, NULL, 0);
    fprintf(
        out,
        "```\n\n"
        "Tables are aligned and without colour; `--json` prints the result of the method, with "
        "`--watch` one line a sample.\n"
        "`--watch` waits for a control plane that goes away, and ends at SIGINT or SIGTERM.\n\n"
        "- `tickgate -f FILE` carries out the lines of a file and stops at the first that "
        "fails, with its exit code; so does one that\n"
        "  cannot be read, or holds a zero byte.\n"
        "- `tickgate` alone, at a terminal, reads commands as they are typed: Tab completes, "
        "Ctrl-C drops the line, `quit` or\n"
        "  Ctrl-D ends.\n"
        "- `events` follows by `subscribe`; `top` is a live view at a terminal, elsewhere one "
        "look.\n"
        "- What widens asks at a terminal; elsewhere it takes `--yes`, or ends with 5. A kill "
        "never asks.\n"
        "- `man` and `completion` print the manual page and the completions that `make install` "
        "installs.\n\n"
        "`journal` and `explain` need no control plane: they read a journal's directory, or a "
        "copy of one, also while it is\n"
        "written. `verify` ends with 1 where something is damaged, or numbers of trading "
        "events are missing or come again; an\n"
        "end that a crash tore off is told and is no damage.\n\n"
        "| command | method | arguments |\n|---|---|---|\n");
    for (uint32_t i = 0; i < command_count; i++) {
        const struct command *command = &commands[i];
        fprintf(out, "| `tickgate %s%s%s` | %s%s%s | ", command->words[0],
                command->words[1] ? " " : "", command->words[1] ? command->words[1] : "",
                command->method ? "`" : "", command->method ? command->method : "offline",
                command->method ? "`" : "");
        for (uint32_t k = 0; k < ARGUMENTS_MAX && command->arguments[k].name; k++) {
            const struct argument *argument = &command->arguments[k];
            fprintf(out, "%s`", k ? "; " : "");
            for (const char *c = argument->name; *c; c++) // a bar would end the cell
                fprintf(out, *c == '|' ? "\\|" : "%c", *c);
            fprintf(out, "%s%s` %s", argument->value ? " " : "",
                    argument->value ? argument->value : "", argument->help);
        }
        fprintf(out, " |\n");
    }
}

static void print_doc(FILE *out)
{
    print_intro(out);
    print_protocol(out);
    print_methods(out);
    print_governing(out);
    print_limits_of_day(out);
    print_live(out);
    print_errors(out);
    print_commands(out);
}

static void test_document(void **state)
{
    (void)state;
    golden_compare("docs/control.md", print_doc);
}

// Every command asks for a method that there is, with parameters that it has.
static void test_commands_fit_methods(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < command_count; i++) {
        const struct method *method = NULL;
        for (uint32_t k = 0; k < method_count; k++)
            if (commands[i].method && strcmp(methods[k].name, commands[i].method) == 0)
                method = &methods[k];
        if (method == NULL) { // it asks nobody
            assert_null(commands[i].method);
            assert_true(commands[i].does == TELLS || command_sequence(&commands[i]) ||
                        command_offline(&commands[i]));
            continue;
        }
        for (uint32_t k = 0; k < ARGUMENTS_MAX && commands[i].arguments[k].name; k++) {
            const char *param = commands[i].arguments[k].param;
            bool known = param == NULL;
            for (uint32_t p = 0; !known && p < PARAMS_MAX && method->params[p].name; p++)
                known = strcmp(method->params[p].name, param) == 0;
            assert_true(known);
        }
    }
}

int main(void)
{
    if (access("docs", F_OK) != 0) {
        fprintf(stderr, "start this from the root of the tree: docs is not here\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_document),
        cmocka_unit_test(test_commands_fit_methods),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
