#include "jobs/plan/zone.h"

#include <stdio.h>
#include <string.h>

#define FOLDER "/usr/share/zoneinfo/"
#define FILE_BYTES_MAX 65536

mr_status mr_zone_load(const char *name, mr_zone **zone, mr_error *err)
{
    *zone = NULL;
    if (name == NULL || strcmp(name, "UTC") == 0)
        return MR_OK;
    if (mr_zone_of_offset(name, zone, err) == MR_OK)
        return MR_OK;
    char path[sizeof FOLDER + MR_ZONE_NAME_MAX];
    if (strlen(name) > MR_ZONE_NAME_MAX || strstr(name, "..") != NULL || name[0] == '/')
        return mr_error_set(err, MR_E_SETTING, "`%s` is no time zone", name);
    snprintf(path, sizeof path, "%s%s", FOLDER, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return mr_error_set(err, MR_E_SETTING, "unknown time zone `%s` (no file %s)", name, path);
    char bytes[FILE_BYTES_MAX];
    size_t length = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return mr_zone_parse(name, bytes, length, zone, err);
}
