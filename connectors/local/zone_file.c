#include "connectors/local/zone_file.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX (256 * 1024)
#define PATH_BYTES_MAX 512

/* A name must not lead out of the folder. */
static bool is_name(const char *name)
{
    if (name[0] == '/' || name[0] == '\0' || strstr(name, "..") != NULL)
        return false;
    for (const char *at = name; *at != '\0'; at++)
        if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/", *at) ==
            NULL)
            return false;
    return strlen(name) < MR_ZONE_NAME_MAX;
}

static mr_status parse_file(const char *name, FILE *file, mr_zone **zone, mr_error *err)
{
    char *bytes = malloc(FILE_BYTES_MAX);
    if (bytes == NULL)
        return mr_error_set(err, MR_E_MEMORY, "no memory for time zone %s", name);
    size_t length = fread(bytes, 1, FILE_BYTES_MAX, file);
    mr_status status = mr_zone_parse(name, bytes, length, zone, err);
    free(bytes);
    return status;
}

mr_status mr_zone_load(const char *name, mr_zone **zone, mr_error *err)
{
    /* Offsets first: tzdata has files such as GMT+5 with the sign the other way round. */
    mr_error ignored;
    if (mr_zone_of_offset(name, zone, &ignored) == MR_OK)
        return MR_OK;
    const char *folder = getenv("TZDIR");
    char path[PATH_BYTES_MAX];
    snprintf(path, sizeof path, "%s/%s", folder != NULL ? folder : "/usr/share/zoneinfo", name);
    FILE *file = is_name(name) ? fopen(path, "rb") : NULL;
    if (file == NULL)
        return mr_error_set(err, MR_E_SETTING,
                            "there is no time zone `%s` (names as Europe/Berlin, UTC, +02:00)",
                            name);
    mr_status status = parse_file(name, file, zone, err);
    fclose(file);
    return status;
}
