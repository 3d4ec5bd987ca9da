#include "jobs/cli/past/point.h"

#include "engine/checkpoint/manifest.h"
#include "engine/expr/civil.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_epoch(const char *text, mr_point *point)
{
    char *end;
    if (!isdigit((unsigned char)text[0]))
        return false;
    *point = (mr_point){.kind = MR_POINT_EPOCH, .epoch = strtoull(text, &end, 10)};
    return *end == '\0';
}

static bool read_time(const char *text, mr_point *point)
{
    char copy[64];
    int64_t micros;
    size_t length = strlen(text);
    if (length < 10 || length >= sizeof copy)
        return false;
    memcpy(copy, text, length + 1);
    if (copy[length - 1] == 'Z')
        copy[--length] = '\0';
    if (length > 10 && copy[10] == 'T')
        copy[10] = ' ';
    if (length == 16) /* minutes */
        length += (size_t)snprintf(copy + length, sizeof copy - length, ":00");
    if (!mr_timestamp_parse(copy, length, &micros))
        return false;
    *point = (mr_point){.kind = MR_POINT_TIME, .time_ms = mr_floor_div(micros, MR_US_PER_MS)};
    return true;
}

/* Topics have no colon. */
static bool read_offsets(const char *text, mr_arena *arena, mr_point *point)
{
    size_t room = 1;
    for (const char *c = text; *c != '\0'; c++)
        room += *c == ',';
    mr_log_offset *offsets = mr_arena_zalloc(arena, room, sizeof *offsets);
    uint32_t count = 0;
    for (const char *at = text;; at++) {
        size_t topic = strcspn(at, ":,");
        int end = 0;
        mr_log_offset *to = &offsets[count++];
        if (topic == 0 || at[topic] != ':' ||
            sscanf(at + topic, ":%" SCNd32 ":%" SCNd64 "%n", &to->partition, &to->offset, &end) !=
                2)
            return false;
        to->topic = mr_arena_string(arena, at, topic);
        at += topic + (size_t)end;
        if (*at == '\0')
            break;
        if (*at != ',')
            return false;
    }
    *point = (mr_point){.kind = MR_POINT_OFFSETS, .offsets = offsets, .offsets_count = count};
    return true;
}

static bool read_checkpoint(const char *text, mr_point *point)
{
    uint64_t epoch;
    int64_t log_offset;
    const char *id = strrchr(text, '/'), *task = strstr(text, "task-");
    *point = (mr_point){.kind = MR_POINT_CHECKPOINT, .id = id != NULL ? id + 1 : text};
    if (id != NULL && (task == NULL || sscanf(task, "task-%" SCNu32 "/", &point->task) != 1))
        return false;
    return mr_manifest_id_read(point->id, &epoch, &log_offset);
}

bool mr_point_read(const char *text, mr_arena *arena, mr_point *point)
{
    bool is_beginning = strcmp(text, "beginning") == 0;
    if (is_beginning || strcmp(text, "end") == 0) {
        *point = (mr_point){.kind = is_beginning ? MR_POINT_EPOCH : MR_POINT_END};
        return true;
    }
    return read_checkpoint(text, point) || read_epoch(text, point) || read_time(text, point) ||
           read_offsets(text, arena, point);
}

bool mr_point_read_flag(const char *command, const char *flag, const char *text, mr_arena *arena,
                        mr_point *point)
{
    if (mr_point_read(text, arena, point))
        return true;
    fprintf(stderr,
            "millrace %s: %s: `%s` is no epoch, no time (2026-11-21 14:00:00), no offsets "
            "(topic:partition:offset,..) and no checkpoint (`millrace checkpoints list`)\n",
            command, flag, text);
    return false;
}
