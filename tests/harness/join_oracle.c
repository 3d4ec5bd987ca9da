#include "tests/harness/join_oracle.h"

#include <stdlib.h>

void mr_join_oracle_init(mr_join_oracle *o, const mr_join_oracle_job *job)
{
    *o = (mr_join_oracle){.job = *job, .table_ms = {MR_JOIN_ORACLE_NONE, MR_JOIN_ORACLE_NONE}};
    for (uint32_t i = 0; i < MR_JOIN_ORACLE_INPUTS_MAX; i++)
        o->input_ms[i] = MR_JOIN_ORACLE_NONE;
}

void mr_join_oracle_release(mr_join_oracle *o)
{
    free(o->kept[0].rows);
    free(o->kept[1].rows);
    free(o->results);
}

static void *grown(void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return items;
    *room = *room * 2 + 16;
    items = realloc(items, *room * size);
    if (items == NULL)
        abort();
    return items;
}

static void add_result(mr_join_oracle *o, const mr_join_oracle_row *left,
                       const mr_join_oracle_row *right)
{
    o->results = grown(o->results, o->results_count, &o->results_room, sizeof *o->results);
    o->results[o->results_count++] = (mr_join_oracle_result){left, right};
}

/* ---- watermarks ---- */

static int64_t watermark(const mr_join_oracle *o)
{
    if (o->job.is_self)
        return o->table_ms[0];
    return o->table_ms[0] < o->table_ms[1] ? o->table_ms[0] : o->table_ms[1];
}

/* The watermark has passed the last time that a partner could have and be no late row. */
static bool is_over(const mr_join_oracle *o, uint32_t side, const mr_join_oracle_row *row)
{
    int64_t reach = side == 0 ? -o->job.lower_ms : o->job.upper_ms;
    int64_t wm = watermark(o);
    return wm != MR_JOIN_ORACLE_NONE && wm >= row->time_ms + reach;
}

static void sweep(mr_join_oracle *o, uint32_t side)
{
    mr_join_oracle_list *list = &o->kept[side];
    size_t left = 0;
    for (size_t i = 0; i < list->count; i++) {
        const mr_join_oracle_kept *kept = &list->rows[i];
        if (!is_over(o, side, kept->row))
            list->rows[left++] = *kept;
        else if (side == 0 && o->job.is_left_outer && !kept->is_matched)
            add_result(o, kept->row, NULL);
    }
    list->count = left;
}

/* A table's watermark is the lowest of its inputs that are not idle, and never falls; an input that
 * has ended holds nothing back, but promises nothing for an idle one either. */
static void move_watermark(mr_join_oracle *o)
{
    for (uint32_t t = 0; t < 2; t++) {
        int64_t lowest = INT64_MAX;
        bool has_idle = false, has_open = false, has_any = false;
        for (uint32_t i = 0; i < o->job.inputs_count; i++) {
            if (o->job.table_of[i] != t)
                continue;
            has_any = true;
            has_idle = has_idle || (o->is_idle[i] && !o->is_ended[i]);
            if (o->is_idle[i] || o->is_ended[i])
                continue;
            has_open = true;
            lowest = o->input_ms[i] < lowest ? o->input_ms[i] : lowest;
        }
        if (has_any && (has_open || !has_idle) && lowest > o->table_ms[t])
            o->table_ms[t] = lowest;
    }
    sweep(o, 0);
    sweep(o, 1);
}

/* ---- rows ---- */

static bool fits(const mr_join_oracle *o, const mr_join_oracle_row *left,
                 const mr_join_oracle_row *right)
{
    int64_t apart = left->time_ms - right->time_ms;
    if (left->key != right->key || apart < o->job.lower_ms || apart > o->job.upper_ms)
        return false;
    return !o->job.has_condition ||
           (left->has_amount && right->has_amount && left->amount < right->amount);
}

static void join(mr_join_oracle *o, uint32_t side, const mr_join_oracle_row *row)
{
    bool is_padded = side == 0 && o->job.is_left_outer, is_matched = false;
    if (!row->has_time) {
        o->dead++;
        return;
    }
    if (row->key < 0 && !is_padded) {
        o->filtered++;
        return;
    }
    o->accepted++;
    mr_join_oracle_list *others = &o->kept[1 - side], *own = &o->kept[side];
    for (size_t i = 0; row->key >= 0 && i < others->count; i++) {
        const mr_join_oracle_row *other = others->rows[i].row;
        const mr_join_oracle_row *left = side == 0 ? row : other;
        const mr_join_oracle_row *right = side == 0 ? other : row;
        if (!fits(o, left, right))
            continue;
        add_result(o, left, right);
        is_matched = others->rows[i].is_matched = true;
        o->late_pairs += watermark(o) != MR_JOIN_ORACLE_NONE && row->time_ms <= watermark(o);
    }
    if (row->key < 0 || is_over(o, side, row)) {
        o->late_rows += row->key >= 0;
        if (is_padded && !is_matched)
            add_result(o, row, NULL);
        return;
    }
    own->rows = grown(own->rows, own->count, &own->room, sizeof *own->rows);
    own->rows[own->count++] = (mr_join_oracle_kept){row, is_matched};
}

void mr_join_oracle_take(mr_join_oracle *o, const mr_join_oracle_row *row)
{
    o->is_idle[row->input] = false;
    move_watermark(o);
    if (row->is_broken) {
        o->broken++;
        return;
    }
    join(o, o->job.table_of[row->input], row);
    if (o->job.is_self)
        join(o, 1, row);
    if (row->has_time && row->time_ms - o->job.delay_ms > o->input_ms[row->input])
        o->input_ms[row->input] = row->time_ms - o->job.delay_ms;
    move_watermark(o);
}

void mr_join_oracle_idle(mr_join_oracle *o, uint32_t input)
{
    o->is_idle[input] = true;
    move_watermark(o);
}

void mr_join_oracle_end(mr_join_oracle *o, uint32_t input)
{
    o->is_ended[input] = true;
    move_watermark(o);
}

void mr_join_oracle_awake(mr_join_oracle *o, uint32_t input)
{
    o->is_idle[input] = false;
    move_watermark(o);
}
