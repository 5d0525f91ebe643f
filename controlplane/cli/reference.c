// The manual page, made from the command tree.
#include <string.h>

#include "controlplane/cli/run.h"

static void name_print(FILE *out, const struct command *command, const char *between)
{
    fprintf(out, "%s%s%s", command->words[0], command->words[1] ? between : "",
            command->words[1] ? command->words[1] : "");
}

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

void print_man(FILE *out, const json_t *result, const json_t *options)
{
    (void)result;
    (void)options;
    reference_man(out);
}
