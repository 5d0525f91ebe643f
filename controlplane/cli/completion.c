// Completions of bash and zsh, made from the command tree.
#include <string.h>

#include "controlplane/cli/run.h"

static const char *next(const char *between, const char **later)
{
    const char *first = *later ? *later : "";
    *later = between;
    return first;
}

static bool is_option(const struct argument *argument)
{
    return argument->name[0] == '-';
}

static void options_print(FILE *out, const struct command *command)
{
    const char *between = NULL;
    for (uint32_t k = 0; command && k < ARGUMENTS_MAX && command->arguments[k].name; k++)
        if (is_option(&command->arguments[k]))
            fprintf(out, "%s%s", next(" ", &between), command->arguments[k].name);
    for (uint32_t i = 0; i < common_count; i++)
        if (command == NULL || command->does <= FOLLOWS || command->does == TOP ||
            strcmp(common_options[i].name, "--watch") != 0)
            fprintf(out, "%s%s", next(" ", &between), common_options[i].name);
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

// Its options, and how many words stand before each of its files.
static void command_print(FILE *out, const struct command *command)
{
    uint32_t before = command->words[1] ? 2 : 1;
    fputs(" options=\"", out);
    options_print(out, command);
    fputs("\" files=\" ", out);
    for (uint32_t k = 0; k < ARGUMENTS_MAX && command->arguments[k].name; k++) {
        if (is_option(&command->arguments[k]))
            continue;
        if (command->arguments[k].kind == ARGUMENT_FILE)
            fprintf(out, "%u ", before);
        before++;
    }
    fputs("\" ;;\n", out);
}

static const struct command *single(const char *word)
{
    for (uint32_t i = 0; i < command_count; i++)
        if (commands[i].words[1] == NULL && strcmp(commands[i].words[0], word) == 0)
            return &commands[i];
    return NULL;
}

static bool begins_others(const struct command *command)
{
    for (uint32_t i = 0; i < command_count; i++)
        if (commands[i].words[1] && strcmp(commands[i].words[0], command->words[0]) == 0)
            return true;
    return false;
}

// A case decides by the first pattern that fits: commands of two words before those of one.
static void cases_print(FILE *out)
{
    const char *last = "";
    for (uint32_t i = 0; i < command_count; i++) {
        const char *const *words = commands[i].words;
        if (words[1] && strcmp(last, words[0]) != 0) {
            last = words[0];
            fprintf(out, "        \"%s\") words=\"", last);
            words_print(out, last, 1);
            fputc('"', out);
            if (single(last)) {
                command_print(out, single(last));
            } else {
                fputs(" options=\"", out);
                options_print(out, NULL);
                fputs("\" ;;\n", out);
            }
        }
        if (words[1]) {
            fprintf(out, "        \"%s %s\" | \"%s %s \"*)", words[0], words[1], words[0],
                    words[1]);
            command_print(out, &commands[i]);
        }
    }
    for (uint32_t i = 0; i < command_count; i++)
        if (commands[i].words[1] == NULL) {
            const char *word = commands[i].words[0];
            fputs("        ", out);
            if (!begins_others(&commands[i])) // else it stands above by itself
                fprintf(out, "\"%s\" | ", word);
            fprintf(out, "\"%s \"*)", word);
            command_print(out, &commands[i]);
        }
}

// Whether an option of the name stands before <until>.
static bool named_before(const char *name, const struct argument *until)
{
    for (uint32_t i = 0; i < command_count; i++)
        for (uint32_t k = 0; k < ARGUMENTS_MAX && commands[i].arguments[k].name; k++) {
            if (&commands[i].arguments[k] == until)
                return false;
            if (strcmp(commands[i].arguments[k].name, name) == 0)
                return true;
        }
    return false;
}

// Options that a value follows, as a pattern; <files>: only those whose value is a file.
static void values_print(FILE *out, bool files)
{
    fputs("--socket", out);
    for (uint32_t i = 0; i < command_count; i++)
        for (uint32_t k = 0; k < ARGUMENTS_MAX && commands[i].arguments[k].name; k++) {
            const struct argument *option = &commands[i].arguments[k];
            if (is_option(option) && option->kind != ARGUMENT_FLAG &&
                (!files || option->kind == ARGUMENT_FILE) && !named_before(option->name, option))
                fprintf(out, " | %s", option->name);
        }
}

// The same function for both shells: the words up to the one that is typed decide what that may be.
// It says the words, or "<files>". bash takes "=" for a word of its own.
static void function_print(FILE *out)
{
    fputs("_tickgate_words() {\n"
          "    local plain=\"\" count=0 before=\"\" batch=\"\" words=\"\" options=\"\" files=\"\"\n"
          "    while [ $# -gt 1 ]; do\n"
          "        before=\"$1\"\n"
          "        shift\n"
          "        case \"$count$before\" in\n"
          "            0-f | 0--file) before=\"--file\" batch=\"yes\" ;;\n"
          "        esac\n"
          "        case \"$before\" in\n"
          "            --file | ",
          out);
    values_print(out, false);
    fputs(")\n"
          "                if [ $# -gt 1 ] && [ \"$1\" = \"=\" ]; then shift; fi\n"
          "                if [ $# -gt 1 ]; then shift; before=\"\"; fi ;;\n"
          "            -*)\n"
          "                if [ $# -gt 2 ] && [ \"$1\" = \"=\" ]; then shift 2; fi\n"
          "                before=\"\" ;;\n"
          "            *) plain=\"$plain${plain:+ }$before\" count=$((count + 1)) before=\"\" ;;\n"
          "        esac\n"
          "    done\n"
          "    case \"$before\" in\n"
          "        \"\") ;;\n"
          "        --file | ",
          out);
    values_print(out, true);
    fputs(") printf '%s' '<files>'; return ;;\n"
          "        *) return ;;\n"
          "    esac\n"
          "    case \"$batch$plain\" in\n"
          "        yes*) options=\"-x --socket\" ;;\n"
          "        \"\") words=\"",
          out);
    words_print(out, NULL, 0);
    fputs("\" options=\"-f ", out);
    options_print(out, NULL);
    fputs("\" ;;\n", out);
    cases_print(out);
    fputs("    esac\n"
          "    case \"$1\" in\n"
          "        -*) printf '%s' \"$options\"; return ;;\n"
          "    esac\n"
          "    case \"$files\" in\n"
          "        *\" $count \"*) printf '%s' '<files>' ;;\n"
          "        *) printf '%s' \"${words:-$options}\" ;;\n"
          "    esac\n"
          "}\n",
          out);
}

// Files are left to readline, which knows quotes, blanks and the tilde.
void reference_bash(FILE *out)
{
    fputs("# bash completion of tickgate\n", out);
    function_print(out);
    fputs("_tickgate() {\n"
          "    local known\n"
          "    COMPREPLY=()\n"
          "    known=\"$(_tickgate_words \"${COMP_WORDS[@]:1:COMP_CWORD}\")\"\n"
          "    case \"$known\" in\n"
          "        '<files>') compopt -o default ;;\n"
          "        *) mapfile -t COMPREPLY < <(compgen -W \"$known\" -- "
          "\"${COMP_WORDS[COMP_CWORD]}\") ;;\n"
          "    esac\n"
          "}\n"
          "complete -F _tickgate tickgate\n",
          out);
}

void reference_zsh(FILE *out)
{
    fputs("#compdef tickgate\n", out);
    function_print(out);
    fputs("_tickgate() {\n"
          "    local -a known\n"
          "    known=(${(s: :)\"$(_tickgate_words \"${(@)words[2,CURRENT]}\")\"})\n"
          "    if [ \"$known[1]\" = '<files>' ]; then _files; else compadd -- $known; fi\n"
          "}\n"
          "if [ \"$funcstack[1]\" = \"_tickgate\" ]; then _tickgate \"$@\"; else compdef _tickgate "
          "tickgate; fi\n",
          out);
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
