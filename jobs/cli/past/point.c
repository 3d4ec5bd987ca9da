#include "jobs/cli/past/point.h"

#include "engine/checkpoint/shelf.h"
#include "engine/expr/civil.h"
#include "jobs/cli/failure.h"

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

/* "Z" or "+01:00" at the end, behind minutes at least: cut off. Without it UTC is meant. */
static int64_t cut_zone(char *text, size_t *length)
{
    int hours, minutes, end = 0;
    if (text[*length - 1] == 'Z') {
        text[--*length] = '\0';
        return 0;
    }
    char *sign = *length > 16 ? &text[*length - 6] : NULL;
    if (sign == NULL || strchr("+-", *sign) == NULL || !isdigit((unsigned char)sign[1]) ||
        sscanf(sign + 1, "%2d:%2d%n", &hours, &minutes, &end) != 2 || end != 5 || hours > 18 ||
        minutes > 59)
        return 0;
    int64_t ahead = (hours * INT64_C(60) + minutes) * 60 * MR_US_PER_SECOND;
    ahead = *sign == '-' ? -ahead : ahead;
    *length -= 6;
    *sign = '\0';
    return ahead;
}

static bool read_time(const char *text, mr_point *point)
{
    char copy[64];
    int64_t micros;
    size_t length = strlen(text);
    if (length < 10 || length >= sizeof copy)
        return false;
    memcpy(copy, text, length + 1);
    int64_t ahead = cut_zone(copy, &length);
    if (length > 10 && copy[10] == 'T')
        copy[10] = ' ';
    if (length == 16) /* minutes */
        length += (size_t)snprintf(copy + length, sizeof copy - length, ":00");
    if (!mr_timestamp_parse(copy, length, &micros))
        return false;
    *point =
        (mr_point){.kind = MR_POINT_TIME, .time_ms = mr_floor_div(micros - ahead, MR_US_PER_MS)};
    return true;
}

#define TOPIC_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

static bool read_offsets(const char *text, mr_arena *arena, mr_point *point)
{
    size_t room = 1;
    for (const char *c = text; *c != '\0'; c++)
        room += *c == ',';
    mr_log_offset *offsets = mr_arena_zalloc(arena, room, sizeof *offsets);
    uint32_t count = 0;
    for (const char *at = text;; at++) {
        size_t topic = strspn(at, TOPIC_CHARACTERS);
        int end = 0;
        mr_log_offset *to = &offsets[count++];
        if (topic == 0 || at[topic] != ':' ||
            sscanf(at + topic, ":%" SCNd32 ":%" SCNd64 "%n", &to->partition, &to->offset, &end) !=
                2 ||
            to->partition < 0 || to->offset < 0)
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

/* "job/task-3/0..": where its last part but one begins. */
static const char *task_part(const char *text, const char *id)
{
    while (id > text && id[-1] != '/')
        id--;
    return id;
}

static bool read_checkpoint(const char *text, mr_point *point)
{
    uint64_t epoch;
    int64_t log_offset;
    const char *id = strrchr(text, '/');
    *point = (mr_point){.kind = MR_POINT_CHECKPOINT, .id = id != NULL ? id + 1 : text};
    if (id != NULL && sscanf(task_part(text, id), "task-%" SCNu32 "/", &point->task) != 1)
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

static bool is_read(const mr_plan *plan, const char *topic)
{
    for (uint32_t i = 0; i < plan->sources_count; i++)
        for (uint32_t k = 0; plan->sources[i].exchange == NULL && k < plan->sources[i].topics_count;
             k++)
            if (strcmp(plan->sources[i].topics[k], topic) == 0)
                return true;
    return false;
}

/* A name mistyped would bind nothing: the point would be the end. */
static mr_status check(const mr_point *point, const mr_moments *moments, mr_error *err)
{
    mr_status status = MR_OK;
    for (uint32_t i = 0; status == MR_OK && i < point->offsets_count; i++) {
        const mr_log_offset *named = &point->offsets[i];
        mr_topic_facts facts = {.exists = false};
        if (!is_read(moments->plan, named->topic))
            return mr_error_set(err, MR_E_MOMENT, "job `%s` does not read topic `%s`",
                                moments->plan->job, named->topic);
        status = moments->log->class->describe(moments->log, named->topic, &facts, err);
        if (status == MR_OK && named->partition >= facts.partitions)
            status =
                mr_error_set(err, MR_E_MOMENT,
                             "topic `%s` has no partition %" PRId32 ", but %" PRId32 " of them",
                             named->topic, named->partition, facts.partitions);
    }
    return status;
}

/* An epoch alone would be found in the log, whatever else the name says. */
static mr_status check_checkpoint(const char *text, const mr_point *point, const mr_moments *m,
                                  mr_error *err)
{
    const char *job = m->plan->job, *id = strrchr(text, '/');
    size_t length = id != NULL ? (size_t)(task_part(text, id) - text) : 0;
    mr_manifest manifest;
    mr_status status = MR_E_BLOB_MISSING;
    if (m->blobs == NULL)
        return mr_error_set(err, MR_E_MOMENT,
                            "`%s` is a checkpoint's name, and job `%s` has no "
                            "`execution.checkpointing.dir`: name its epoch",
                            text, job);
    bool is_own = length == 0 || (length == strlen(job) + 1 && memcmp(text, job, length - 1) == 0);
    if (is_own && point->task < m->plan->tasks_count)
        status = mr_shelf_manifest(m->blobs, job, point->task, point->id, &manifest, err);
    if (status == MR_OK)
        mr_manifest_release(&manifest);
    if (status == MR_E_BLOB_MISSING)
        return mr_error_set(err, MR_E_MOMENT,
                            "`%s` is no checkpoint of job `%s`; `millrace checkpoints list` prints "
                            "those that there are",
                            text, job);
    return status;
}

mr_exit mr_point_read_flag(const char *command, const char *flag, const char *text,
                           const mr_moments *moments, mr_arena *arena, mr_point *point)
{
    mr_error err;
    if (mr_point_read(text, arena, point)) {
        mr_status status = point->kind == MR_POINT_CHECKPOINT
                               ? check_checkpoint(text, point, moments, &err)
                               : check(point, moments, &err);
        return status == MR_OK ? MR_EXIT_OK : mr_cli_fail(&err);
    }
    fprintf(stderr,
            "millrace %s: %s: `%s` is no epoch, no time (2026-11-21 14:00:00), no offsets "
            "(topic:partition:offset,..) and no checkpoint (`millrace checkpoints list`)\n",
            command, flag, text);
    return MR_EXIT_USAGE;
}
