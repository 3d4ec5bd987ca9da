/*
 * Entries of one plan's tasks into another's. Each is put where the rows of its key go from now on;
 * what tells how far windows have fired is no key's: where all tasks stand at one watermark, with
 * nothing begun, the last window that any of them fired is the last for all.
 */
#include "jobs/fleet/upgrade/private.h"

#include "engine/exchange/destination.h"
#include "operators/join/interval_join.h"
#include "operators/join/list.h"
#include "operators/rank/deduplicate.h"
#include "operators/window/cursor.h"
#include "operators/window/distinct.h"
#include "operators/window/session.h"
#include "operators/window/session_aggregate.h"

#include <inttypes.h>
#include <string.h>

/* What an entry belongs to. */
typedef enum belonging {
    OF_KEY = 0, /* the key of rows */
    OF_ALL,     /* a cursor of windows */
    OF_NONE,    /* something that is under way */
    OF_NOBODY,  /* malformed */
} belonging;

/* Where the entries of an old table go. */
typedef struct way {
    const mr_plan_node *node;
    const char *role;
    uint32_t change; /* MR_NOWHERE: of the task itself, and made anew */
    bool is_kept, is_fixed;
    uint32_t table;        /* number in the new tasks */
    uint32_t first, count; /* those tasks */
} way;

typedef struct carrying {
    mr_upgrade *upgrade;
    uint32_t task; /* the old one */
    way *ways;     /* [old tables] */
} carrying;

/* ---- what tables hold ---- */

static belonging without(mr_string entry, uint32_t size, mr_string *key)
{
    *key = mr_string_of(entry.bytes, entry.length >= size ? entry.length - size : 0);
    return entry.length >= size ? OF_KEY : OF_NOBODY;
}

static belonging of_join(const char *role, mr_string entry, mr_string *key)
{
    return strcmp(role, "/rest") == 0 ? OF_NONE : without(entry, MR_JOIN_NUMBER_SIZE, key);
}

static belonging of_deduplicate(const char *role, mr_string entry, mr_string *key)
{
    bool is_pending = strcmp(role, "/pending") == 0;
    return without(entry, is_pending ? MR_DEDUPLICATE_TIME_SIZE : 0, key);
}

static belonging of_session(const char *role, mr_string entry, mr_string *key)
{
    mr_string session = entry;
    if (strcmp(role, "/distinct") == 0 && !mr_distinct_group(entry, &session))
        return OF_NOBODY;
    return without(session, MR_SESSION_NUMBER_SIZE, key);
}

static belonging of_window(const char *role, mr_string entry, mr_string *key)
{
    if (strcmp(role, "/cursor") == 0)
        return entry.length == 0 ? OF_ALL : OF_NONE;
    if (strcmp(role, "/distinct") == 0)
        return mr_distinct_group(entry, key) ? OF_KEY : OF_NOBODY;
    return without(entry, 0, key);
}

static belonging belonging_of(const way *w, mr_string entry, mr_string *key)
{
    if (w->node->class == &mr_interval_join_class)
        return of_join(w->role, entry, key);
    if (w->node->class == &mr_deduplicate_class)
        return of_deduplicate(w->role, entry, key);
    return w->node->class == &mr_session_aggregate_class ? of_session(w->role, entry, key)
                                                         : of_window(w->role, entry, key);
}

/* ---- entries ---- */

static mr_status load(const carrying *c, const way *w, uint32_t task, const mr_store_change *entry,
                      mr_error *err)
{
    mr_store_change moved = *entry;
    moved.table = (uint16_t)w->table;
    return mr_state_load(mr_task_state(c->upgrade->will[task]), &moved, err);
}

/* The windows that were fired, over all tasks. */
static mr_status note_cursor(const carrying *c, const way *w, const mr_store_change *entry,
                             mr_error *err)
{
    mr_window_cursor cursor;
    mr_upgrade *u = c->upgrade;
    if (entry->value_length != sizeof cursor)
        return mr_error_set(err, MR_E_STATE_FORMAT, "the cursor of `%s` is malformed", w->node->id);
    memcpy(&cursor, entry->value, sizeof cursor);
    if (cursor.is_set == 0)
        return MR_OK;
    if (cursor.emitted > 0 && !u->is_ahead)
        return mr_error_set(err, MR_E_UPGRADE_UNSETTLED,
                            "a window of `%s` is half fired: once more settles it", w->node->id);
    int64_t **fired = &u->fired[w->change];
    if (*fired == NULL)
        *fired = mr_arena_copy(&u->arena, &cursor.fired, sizeof cursor.fired);
    **fired = cursor.fired > **fired ? cursor.fired : **fired;
    return MR_OK;
}

/* What was shared out before must lie where it was shared to: else our idea of its key is wrong. */
static mr_status check_home(const carrying *c, const way *w, uint64_t hash, mr_error *err)
{
    mr_spot spot = mr_sharing_spot(c->upgrade->difference->from_job, w->node);
    if (!spot.is_direct ||
        spot.stage->first_task + mr_destination_of(hash, spot.stage->tasks_count) == c->task)
        return MR_OK;
    return mr_error_set(err, MR_E_INTERNAL,
                        "an entry of `%s%s` lies in task %" PRIu32
                        ", where its key does not belong",
                        w->node->id, w->role, c->task);
}

static mr_status share(const carrying *c, const way *w, const mr_store_change *entry, mr_error *err)
{
    mr_string key = {0};
    mr_string bytes = mr_string_of(entry->key, entry->key_length);
    switch (belonging_of(w, bytes, &key)) {
    case OF_ALL: return note_cursor(c, w, entry, err);
    case OF_NONE:
        if (c->upgrade->is_ahead)
            return MR_OK;
        return mr_error_set(err, MR_E_UPGRADE_UNSETTLED,
                            "`%s` has something under way: once more settles it", w->node->id);
    case OF_NOBODY:
        return mr_error_set(err, MR_E_STATE_FORMAT, "an entry of `%s%s` is malformed", w->node->id,
                            w->role);
    case OF_KEY: break;
    }
    uint64_t hash = mr_hash(key.bytes, key.length);
    mr_status status = check_home(c, w, hash, err);
    return status == MR_OK ? load(c, w, w->first + mr_destination_of(hash, w->count), entry, err)
                           : status;
}

static mr_status carry(void *context, const mr_store_change *entry, mr_error *err)
{
    const carrying *c = context;
    const way *w = &c->ways[entry->table];
    if (w->change != MR_NOWHERE) {
        mr_upgrade_fact *fact = &c->upgrade->facts[w->change];
        fact->entries++;
        fact->bytes += entry->key_length + entry->value_length;
    }
    if (!w->is_kept)
        return MR_OK;
    return w->is_fixed ? load(c, w, w->first, entry, err) : share(c, w, entry, err);
}

/* ---- tables of the state: "<operator id>/<role>" ---- */

/* Of two operators one may be called as the other begins. */
static uint32_t node_of(const mr_plan *plan, const char *table)
{
    uint32_t found = MR_NOWHERE;
    size_t longest = 0;
    for (uint32_t n = 0; n < plan->nodes_count; n++) {
        size_t length = strlen(plan->nodes[n].id);
        if (length < longest || strncmp(plan->nodes[n].id, table, length) != 0 ||
            table[length] != '/')
            continue;
        longest = length;
        found = n;
    }
    return found;
}

static uint32_t change_of(const mr_difference *d, uint32_t from)
{
    for (uint32_t i = 0; i < d->count; i++)
        if (!d->changes[i].is_table && d->changes[i].from == from)
            return i;
    return MR_NOWHERE;
}

uint32_t mr_upgrade_table(mr_state *state, const char *id, const char *role)
{
    for (uint32_t t = 0; t < mr_state_tables_count(state); t++) {
        const char *name = mr_state_table_name(state, t);
        size_t length = strlen(id);
        if (strncmp(name, id, length) == 0 && strcmp(name + length, role) == 0)
            return t;
    }
    return MR_NOWHERE;
}

/* The tasks of the new plan that the operator runs in, and whether one of them takes all. */
static void find_tasks(const mr_difference *d, const mr_change *change, uint32_t task, way *w)
{
    w->first = task;
    w->count = 1;
    w->is_fixed = d->is_in_place;
    if (d->is_in_place)
        return;
    mr_spot from = mr_sharing_spot(d->from_job, w->node);
    mr_spot to = mr_sharing_spot(d->to_job, &d->to->nodes[change->to]);
    w->first = to.stage->first_task;
    w->count = to.stage->tasks_count;
    w->is_fixed = w->count > 1 && !to.is_direct; /* the numbers are the same then */
    if (w->is_fixed)
        w->first += task - from.stage->first_task;
}

static mr_status find_way(mr_upgrade *u, uint32_t task, const char *name, way *w, mr_error *err)
{
    const mr_difference *d = u->difference;
    *w = (way){.change = MR_NOWHERE};
    if (strcmp(name, "exchange/floor") == 0)
        return MR_OK;
    uint32_t node = node_of(d->from, name);
    w->change = node != MR_NOWHERE ? change_of(d, node) : MR_NOWHERE;
    if (w->change == MR_NOWHERE)
        return mr_error_set(err, MR_E_INTERNAL, "table `%s` belongs to no operator", name);
    const mr_change *change = &d->changes[w->change];
    w->node = &d->from->nodes[node];
    w->role = name + strlen(w->node->id);
    w->is_kept = change->fate == MR_FATE_KEEP;
    if (!w->is_kept)
        return MR_OK;
    find_tasks(d, change, task, w);
    w->table =
        mr_upgrade_table(mr_task_state(u->will[w->first]), d->to->nodes[change->to].id, w->role);
    return w->table != MR_NOWHERE
               ? MR_OK
               : mr_error_set(err, MR_E_INTERNAL, "table `%s` has no counterpart", name);
}

mr_status mr_upgrade_carry(mr_upgrade *u, uint32_t task, mr_error *err)
{
    mr_arena arena = {0};
    mr_state *from = mr_task_state(u->was[task]);
    uint32_t count = mr_state_tables_count(from);
    carrying c = {
        .upgrade = u, .task = task, .ways = mr_arena_zalloc(&arena, count + 1, sizeof *c.ways)};
    mr_status status = MR_OK;
    for (uint32_t t = 0; status == MR_OK && t < count; t++)
        status = find_way(u, task, mr_state_table_name(from, t), &c.ways[t], err);
    if (status == MR_OK)
        status = mr_state_entries(from, carry, &c, err);
    mr_arena_release(&arena);
    return status;
}

mr_status mr_upgrade_carry_shared(mr_upgrade *u, mr_error *err)
{
    const mr_difference *d = u->difference;
    mr_status status = MR_OK;
    for (uint32_t i = 0; status == MR_OK && i < d->count; i++) {
        if (u->fired[i] == NULL)
            continue;
        const mr_plan_node *node = &d->to->nodes[d->changes[i].to];
        mr_spot to = mr_sharing_spot(d->to_job, node);
        mr_window_cursor cursor = {.fired = *u->fired[i], .firing = *u->fired[i], .is_set = 1};
        for (uint32_t t = 0; status == MR_OK && t < to.stage->tasks_count; t++) {
            mr_state *state = mr_task_state(u->will[to.stage->first_task + t]);
            mr_store_change put = {.table = (uint16_t)mr_upgrade_table(state, node->id, "/cursor"),
                                   .operation = MR_STORE_PUT,
                                   .key = "",
                                   .value = (const char *)&cursor,
                                   .value_length = sizeof cursor};
            status = mr_state_load(state, &put, err);
        }
    }
    return status;
}
