#include "dataplane/config/day_files.h"

#include <stddef.h>

#include "dataplane/config/bands.h"
#include "dataplane/config/calendar.h"
#include "dataplane/config/restricted.h"
#include "dataplane/config/windows.h"

static const struct {
    const struct sheet_kind *kind;
    size_t path; // of struct config_day
    bool (*check)(struct sheet *s, const struct config *config, const struct symbol_index *index,
                  int32_t today, struct error *err);
} files[DAY_FILES] = {
    [DAY_REFERENCE] = {&reference_kind, offsetof(struct config_day, reference), reference_check},
    [DAY_POSITIONS] = {&positions_kind, offsetof(struct config_day, positions), positions_check},
    [DAY_RESTRICTED] = {&restricted_kind, offsetof(struct config_day, restricted),
                        restricted_check},
    [DAY_WINDOWS] = {&windows_kind, offsetof(struct config_day, windows), windows_check},
    [DAY_CALENDAR] = {&calendar_kind, offsetof(struct config_day, calendar), calendar_check},
    [DAY_BANDS] = {&bands_kind, offsetof(struct config_day, bands), bands_check},
};

const char *day_file_path(const struct config *config, enum day_file file)
{
    return (const char *)&config->day + files[file].path;
}

bool day_file_load(enum day_file file, struct sheet *s, const struct config *config,
                   const struct symbol_index *index, int32_t today, struct error *err)
{
    const char *path = day_file_path(config, file);
    *s = (struct sheet){.kind = files[file].kind, .day = today};
    if (*path == 0)
        return true;
    if (!sheet_load(s, files[file].kind, path, err))
        return false;
    if (files[file].check(s, config, index, today, err))
        return true;
    sheet_free(s);
    return false;
}
