// The table of options as Markdown.
#include <string.h>

#include "dataplane/config/option.h"

static const char introduction[] =
    "# Configuration\n"
    "\n"
    "Generated from the table of options by `make docs`; do not edit.\n"
    "\n"
    "`tickgate-dataplane --config FILE` reads one YAML file. Unknown and repeated keys, values "
    "out\n"
    "of range, names that nothing has and cores that do not exist are errors that name file, line\n"
    "and key; `tickgate-dataplane --config FILE --check` looks for them and stops.\n"
    "\n"
    "```yaml\n"
    "node:\n"
    "  name: ny4-feed-1\n"
    "  memory_limit: 512MiB\n"
    "  main_core: 0\n"
    "\n"
    "ports:\n"
    "  - name: p0\n"
    "    device: net_af_packet0,iface=feed0\n"
    "    ip: 10.1.0.2\n"
    "    gateway: 10.1.0.1\n"
    "\n"
    "lanes:\n"
    "  - name: md\n"
    "    core: 1\n"
    "\n"
    "channels:\n"
    "  - name: totalview\n"
    "    protocol: itch50\n"
    "    lane: md\n"
    "    start: snapshot\n"
    "    lines:\n"
    "      - {name: A, port: p0, group: 233.54.12.111, udp_port: 26477}\n"
    "      - {name: B, port: p0, group: 233.49.196.111, udp_port: 26477}\n"
    "    recovery:\n"
    "      servers: [10.1.8.17:18300, 10.1.8.18:18300]\n"
    "    snapshot:\n"
    "      server: 10.1.8.20:17300\n"
    "      username: user01\n"
    "      password: secret\n"
    "```\n"
    "\n"
    "Sizes take `KiB`, `MiB` or `GiB` (also `K`, `M`, `G`). Times are in the unit that ends the "
    "key, or carry `us`, "
    "`ms`\n"
    "or `s`. A list stands as `[a, b]` or as lines that begin with `-`.\n";

// A bar would end the cell of a table.
static void cell(const char *text)
{
    for (; *text; text++)
        printf(*text == '|' ? "\\|" : "%c", *text);
}

static void row_print(const struct option_row *row)
{
    char range[VALUE_WHY_LEN];
    value_range(row, range, sizeof range);
    printf("| `%s` | ", row->key);
    cell(range);
    printf(" | ");
    if (row->fallback == NULL)
        printf("required");
    else if (*row->fallback)
        printf("`%s`", row->fallback);
    else
        printf("empty");
    printf(" | ");
    cell(row->help);
    printf(" |\n");
}

void config_print_options(void)
{
    fputs(introduction, stdout);
    for (uint32_t s = 0; s < SECTIONS; s++) {
        const struct section_row *section = &section_rows[s];
        printf("\n## %s\n\n%s", section->key, section->help);
        if (section->max)
            printf(" A list of 1 to %u entries.", section->max);
        printf("\n\n| key | value | default | meaning |\n|---|---|---|---|\n");
        for (uint32_t i = 0; i < option_count; i++)
            if (option_rows[i].section == s)
                row_print(&option_rows[i]);
    }
}
