#include "tests/harness/window_oracle.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mr_oracle_init(mr_oracle *oracle, const mr_oracle_job *job)
{
    *oracle = (mr_oracle){.job = *job, .watermark_ms = MR_ORACLE_NONE};
    for (uint32_t i = 0; i < MR_ORACLE_INPUTS_MAX; i++)
        oracle->input_ms[i] = MR_ORACLE_NONE;
}

void mr_oracle_release(mr_oracle *oracle)
{
    free(oracle->entries);
    free(oracle->late);
    free(oracle->known);
    free(oracle->sessions);
}

static void *grown(void *list, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return list;
    *room = *room * 2 + 64;
    list = realloc(list, *room * size);
    if (list == NULL)
        abort();
    return list;
}

static void add_entry(mr_oracle *o, int64_t start, int64_t end, const mr_oracle_row *row)
{
    o->entries = grown(o->entries, o->entries_count, &o->entries_room, sizeof *o->entries);
    o->entries[o->entries_count++] = (mr_oracle_entry){start, end, row, 0};
}

static void add_late(mr_oracle *o, const mr_oracle_row *row, int64_t start, int64_t end, int64_t by)
{
    o->late = grown(o->late, o->late_count, &o->late_room, sizeof *o->late);
    o->late[o->late_count++] = (mr_oracle_late){row, start, end, o->watermark_ms, by};
}

/* How far the watermark is ahead of a time; it may be the highest there is. */
static int64_t ahead(const mr_oracle *o, int64_t time)
{
    return time < 0 && o->watermark_ms > INT64_MAX + time ? INT64_MAX : o->watermark_ms - time;
}

static bool has_passed(const mr_oracle *o, int64_t time)
{
    return o->watermark_ms != MR_ORACLE_NONE && o->watermark_ms >= time;
}

/* Lowest watermark of the inputs that count; ended ones count as soon as no other is left. */
static void move_watermark(mr_oracle *o)
{
    bool has_live = false, has_idle = false;
    int64_t lowest = INT64_MAX;
    for (uint32_t i = 0; i < o->job.inputs_count; i++) {
        if (o->is_ended[i])
            continue;
        if (o->is_idle[i]) {
            has_idle = true;
            continue;
        }
        has_live = true;
        if (o->input_ms[i] < lowest)
            lowest = o->input_ms[i];
    }
    if ((has_live || !has_idle) && lowest > o->watermark_ms)
        o->watermark_ms = lowest;
}

/* Start of the multiple of `step` (counted from the offset) that holds the time. */
static int64_t floor_to(const mr_oracle *o, int64_t time, int64_t step)
{
    int64_t rest = (time - o->job.offset_ms) % step;
    return time - (rest < 0 ? rest + step : rest);
}

static void take_window(mr_oracle *o, const mr_oracle_row *row)
{
    const mr_oracle_job *job = &o->job;
    int64_t step = job->kind == MR_ORACLE_TUMBLE ? job->size_ms : job->slide_ms;
    int64_t piece = floor_to(o, row->time_ms, step), big = floor_to(o, row->time_ms, job->size_ms);
    int64_t first = 0, last = 0;
    uint32_t windows = 0, entered = 0;
    for (int64_t end = piece + step; end <= piece + job->size_ms; end += step) {
        int64_t start = job->kind == MR_ORACLE_CUMULATE ? big : end - job->size_ms;
        if (end - start > job->size_ms)
            break;
        if (windows++ == 0)
            first = start;
        last = end;
        if (!has_passed(o, end - 1)) {
            add_entry(o, start, end, row);
            entered++;
        }
    }
    if (entered > 0)
        o->accepted++;
    else
        add_late(o, row, first, last, ahead(o, last - 1));
}

static void take_first(mr_oracle *o, const mr_oracle_row *row)
{
    size_t slot = (size_t)(row->key + 1);
    while (o->known_count <= slot) {
        o->known = realloc(o->known, (slot + 1) * 2 * sizeof *o->known);
        if (o->known == NULL)
            abort();
        memset(o->known + o->known_count, 0, ((slot + 1) * 2 - o->known_count) * sizeof *o->known);
        o->known_count = (slot + 1) * 2;
    }
    mr_oracle_entry *known = &o->known[slot];
    if (known->row != NULL && has_passed(o, known->end_ms) && o->job.ttl_ms > 0 &&
        has_passed(o, known->end_ms + o->job.ttl_ms)) {
        add_entry(o, known->start_ms, known->end_ms, known->row);
        known->row = NULL;
    }
    if (known->row != NULL && (has_passed(o, known->end_ms) || known->end_ms <= row->time_ms)) {
        o->filtered++;
    } else if (has_passed(o, row->time_ms)) {
        add_late(o, row, MR_ORACLE_NONE, MR_ORACLE_NONE, ahead(o, row->time_ms));
    } else {
        o->accepted++;
        *known = (mr_oracle_entry){row->time_ms, row->time_ms, row, 0};
    }
}

/* All rows of session `from` belong to session `to`. */
static void join_sessions(mr_oracle *o, size_t to, size_t from)
{
    mr_oracle_session *a = &o->sessions[to], *b = &o->sessions[from];
    a->start_ms = b->start_ms < a->start_ms ? b->start_ms : a->start_ms;
    a->end_ms = b->end_ms > a->end_ms ? b->end_ms : a->end_ms;
    b->is_gone = true;
    for (size_t i = 0; i < o->entries_count; i++)
        if (o->entries[i].session == from)
            o->entries[i].session = to;
}

static void take_session(mr_oracle *o, const mr_oracle_row *row)
{
    int64_t start = row->time_ms, end = start + o->job.size_ms;
    size_t mine = SIZE_MAX;
    for (size_t s = 0; s < o->sessions_count; s++) {
        const mr_oracle_session *at = &o->sessions[s];
        if (at->is_gone || at->key != row->key || has_passed(o, at->end_ms - 1) ||
            at->start_ms > end || at->end_ms < start)
            continue;
        if (mine == SIZE_MAX)
            mine = s;
        else
            join_sessions(o, mine, s);
    }
    if (mine == SIZE_MAX && has_passed(o, end - 1)) {
        add_late(o, row, start, end, ahead(o, end - 1));
        return;
    }
    if (mine == SIZE_MAX) {
        o->sessions = grown(o->sessions, o->sessions_count, &o->sessions_room, sizeof *o->sessions);
        mine = o->sessions_count++;
        o->sessions[mine] = (mr_oracle_session){row->key, start, end, false};
    }
    mr_oracle_session *at = &o->sessions[mine];
    at->start_ms = start < at->start_ms ? start : at->start_ms;
    at->end_ms = end > at->end_ms ? end : at->end_ms;
    o->accepted++;
    add_entry(o, 0, 0, row);
    o->entries[o->entries_count - 1].session = mine;
}

void mr_oracle_take(mr_oracle *o, const mr_oracle_row *row)
{
    o->is_idle[row->input] = false;
    move_watermark(o);
    if (row->is_broken)
        o->broken++;
    else if (!row->has_time)
        o->dead++;
    else if (o->job.kind == MR_ORACLE_FIRST)
        take_first(o, row);
    else if (o->job.kind == MR_ORACLE_SESSION)
        take_session(o, row);
    else
        take_window(o, row);
    bool moves = !row->is_broken && row->has_time;
    if (moves && row->time_ms - o->job.delay_ms > o->input_ms[row->input])
        o->input_ms[row->input] = row->time_ms - o->job.delay_ms;
    move_watermark(o);
}

void mr_oracle_idle(mr_oracle *o, uint32_t input)
{
    o->is_idle[input] = true;
    move_watermark(o);
}

void mr_oracle_end(mr_oracle *o, uint32_t input)
{
    o->is_ended[input] = true;
    move_watermark(o);
}

void mr_oracle_awake(mr_oracle *o, uint32_t input)
{
    if (o->is_ended[input])
        o->input_ms[input] = MR_ORACLE_NONE;
    o->is_idle[input] = o->is_ended[input] = false;
    move_watermark(o);
}

static int compare_entries(const void *left, const void *right)
{
    const mr_oracle_entry *a = left, *b = right;
    if (a->end_ms != b->end_ms)
        return a->end_ms < b->end_ms ? -1 : 1;
    if (a->row->key != b->row->key)
        return a->row->key < b->row->key ? -1 : 1;
    return a->row->id < b->row->id ? -1 : a->row->id > b->row->id;
}

size_t mr_oracle_results(mr_oracle *o)
{
    for (size_t k = 0; k < o->known_count; k++)
        if (o->known[k].row != NULL)
            add_entry(o, o->known[k].start_ms, o->known[k].end_ms, o->known[k].row);
    o->known_count = 0;
    for (size_t i = 0; o->job.kind == MR_ORACLE_SESSION && i < o->entries_count; i++) {
        o->entries[i].start_ms = o->sessions[o->entries[i].session].start_ms;
        o->entries[i].end_ms = o->sessions[o->entries[i].session].end_ms;
    }
    int64_t early = o->job.kind == MR_ORACLE_FIRST ? 0 : 1;
    size_t kept = 0;
    for (size_t i = 0; i < o->entries_count; i++)
        if (has_passed(o, o->entries[i].end_ms - early))
            o->entries[kept++] = o->entries[i];
    o->entries_count = kept;
    if (kept > 0)
        qsort(o->entries, kept, sizeof *o->entries, compare_entries);
    return kept;
}

void mr_oracle_print(const mr_oracle_job *job, const mr_oracle_entry *entries, size_t count,
                     char *to, size_t size)
{
    const mr_oracle_row **rows = malloc(count * sizeof *rows);
    if (rows == NULL)
        abort();
    for (size_t i = 0; i < count; i++)
        rows[i] = entries[i].row;
    size_t at = (size_t)snprintf(to, size, "k%" PRId32 "|%" PRId64 "|%" PRId64, rows[0]->key,
                                 entries[0].start_ms, entries[0].end_ms);
    for (uint32_t a = 0; a < job->aggregates_count; a++) {
        char text[128];
        mr_oracle_print_aggregate(&job->aggregates[a], rows, count, text, sizeof text);
        at += (size_t)snprintf(to + at, size - at, "|%s", text);
    }
    free(rows);
}
