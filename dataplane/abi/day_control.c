#include "dataplane/abi/day_control.h"

#include <string.h>

static const struct {
    const char *name;
    bool again;
} files[DAY_FILES] = {
#define DAY_FILE_ROW(upper, lower, again_) [DAY_##upper] = {#lower, again_},
    DAY_FILE_LIST(DAY_FILE_ROW)
#undef DAY_FILE_ROW
};

const char *day_file_name(unsigned file)
{
    return file < DAY_FILES ? files[file].name : "?";
}

enum day_file day_file_find(const char *name)
{
    unsigned at = 0;
    while (at < DAY_FILES && strcmp(files[at].name, name) != 0)
        at++;
    return (enum day_file)at;
}

bool day_file_again(enum day_file file)
{
    return file < DAY_FILES && files[file].again;
}
