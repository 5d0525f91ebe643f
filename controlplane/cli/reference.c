// Manual page and completions, made from the command tree.
#include <string.h>

#include "controlplane/cli/run.h"

static void name_print(FILE *out, const struct command *command, const char *between)
{
    fprintf(out, "%s%s%s", command->words[0], command->words[1] ? between : "",
            command->words[1] ? command->words[1] : "");
}

// --- man ---

// A line must not begin with a dot or a quote, a backslash is a command, a dash is a minus.
static void roff(FILE *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", out);
    for (; *text; text++) {
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '-')
            fputs("\\-", out);
        else
            fputc(*text, out);
    }
}

static void man_argument(FILE *out, const struct argument *argument)
{
    fputs(".TP\n.B ", out);
    roff(out, argument->name);
    if (argument->value) {
        fputs(" \\fI", out);
        roff(out, argument->value);
        fputs("\\fR", out);
    }
    fputc('\n', out);
    roff(out, argument->help);
    fputs(argument->required ? " (required)\n" : "\n", out);
}

void reference_man(FILE *out)
{
    fputs(".TH TICKGATE 1 \"\" \"tickgate " TICKGATE_VERSION "\" \"tickgate\"\n"
          ".SH NAME\ntickgate \\- look at a trading node and govern it\n"
          ".SH SYNOPSIS\n.B tickgate\n.I command\n[\\fIoptions\\fR]\n.br\n.B tickgate \\-f\n"
          ".I file\n[\\fB\\-x\\fR]\n.br\n.B tickgate\n"
          ".SH DESCRIPTION\nAsks the control plane on its socket and prints the answer. Without a "
          "command, at a terminal, commands are read as they are typed.\n"
          ".SH COMMANDS\n",
          out);
    for (uint32_t i = 0; i < command_count; i++) {
        fputs(".SS \"", out);
        name_print(out, &commands[i], " ");
        fputs("\"\n", out);
        roff(out, commands[i].help);
        fputc('\n', out);
        for (uint32_t k = 0; k < ARGUMENTS_MAX && commands[i].arguments[k].name; k++)
            man_argument(out, &commands[i].arguments[k]);
    }
    fputs(".SH OPTIONS\n", out);
    for (uint32_t i = 0; i < common_count; i++)
        man_argument(out, &common_options[i]);
    fputs(".SH EXIT STATUS\n", out);
    roff(out, exit_codes_help);
    fputs("\n.SH ENVIRONMENT\n.TP\n.B TICKGATE_SOCKET\nControl socket.\n.TP\n.B TICKGATE_REGION\n"
          "Region of kill \\-\\-direct.\n"
          ".SH FILES\n/run/tickgate/control.sock\n",
          out);
}

// --- completion ---

static void options_print(FILE *out, const struct command *command)
{
    const char *between = "";
    for (uint32_t k = 0; k < ARGUMENTS_MAX && command->arguments[k].name; k++)
        if (command->arguments[k].name[0] == '-') {
            fprintf(out, "%s%s", between, command->arguments[k].name);
            between = " ";
        }
    for (uint32_t i = 0; i < common_count; i++)
        if (command->does == LOOKS || strcmp(common_options[i].name, "--watch") != 0) {
            fprintf(out, "%s%s", between, common_options[i].name);
            between = " ";
        }
}

// Words at place <at> behind "first", each once.
static void words_print(FILE *out, const char *first, uint32_t at)
{
    const char *last = NULL;
    for (uint32_t i = 0; i < command_count; i++) {
        const char *word = commands[i].words[at];
        if (word == NULL || (first && strcmp(commands[i].words[0], first) != 0) ||
            (last && strcmp(last, word) == 0))
            continue;
        fprintf(out, "%s%s", last ? " " : "", word);
        last = word;
    }
}

static void cases_print(FILE *out)
{
    const char *last = NULL;
    for (uint32_t i = 0; i < command_count; i++) {
        const struct command *command = &commands[i];
        if (command->words[1] && (last == NULL || strcmp(last, command->words[0]) != 0)) {
            last = command->words[0];
            fprintf(out, "        \"%s\") words=\"", last);
            words_print(out, last, 1);
            fputs("\" ;;\n", out);
        }
        fputs("        \"", out);
        name_print(out, command, " ");
        fputs("\"*) words=\"", out);
        options_print(out, command);
        fputs("\" ;;\n", out);
    }
}

// The same function for both shells: what stands before the word decides what it may be. Longer
// commands stand behind shorter ones of the same words.
static void function_print(FILE *out)
{
    fputs("_tickgate_words() {\n    local words=\"\"\n    case \"$*\" in\n        \"\") words=\"",
          out);
    words_print(out, NULL, 0);
    fputs(" -f\" ;;\n", out);
    cases_print(out);
    fputs("    esac\n    printf '%s' \"$words\"\n}\n", out);
}

void reference_bash(FILE *out)
{
    fputs("# bash completion of tickgate\n", out);
    function_print(out);
    fputs("_tickgate() {\n"
          "    local word=\"${COMP_WORDS[COMP_CWORD]}\"\n"
          "    case \"${COMP_WORDS[COMP_CWORD-1]}\" in\n"
          "        --socket | -f | --region) mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
          "            return ;;\n"
          "    esac\n"
          "    mapfile -t COMPREPLY < <(compgen -W \"$(_tickgate_words "
          "\"${COMP_WORDS[@]:1:COMP_CWORD-1}\")\" -- \"$word\")\n"
          "}\n"
          "complete -F _tickgate tickgate\n",
          out);
}

void reference_zsh(FILE *out)
{
    fputs("#compdef tickgate\n", out);
    function_print(out);
    fputs("_tickgate() {\n"
          "    case \"${words[CURRENT-1]}\" in\n"
          "        --socket | -f | --region) _files; return ;;\n"
          "    esac\n"
          "    local -a known\n"
          "    known=(${(s: :)\"$(_tickgate_words \"${(@)words[2,CURRENT-1]}\")\"})\n"
          "    compadd -- $known\n"
          "}\n"
          "if [ \"$funcstack[1]\" = \"_tickgate\" ]; then _tickgate \"$@\"; else compdef _tickgate "
          "tickgate; fi\n",
          out);
}

void print_man(FILE *out, const json_t *result, const json_t *options)
{
    (void)result;
    (void)options;
    reference_man(out);
}

void print_bash(FILE *out, const json_t *result, const json_t *options)
{
    (void)result;
    (void)options;
    reference_bash(out);
}

void print_zsh(FILE *out, const json_t *result, const json_t *options)
{
    (void)result;
    (void)options;
    reference_zsh(out);
}
