#include "operators/window/session.h"

#include "engine/base/assert.h"
#include "engine/base/hash.h"

#include <stdlib.h>

#define OLDER_FIRST 4u
#define TIME_LIMIT (INT64_MAX / 1000) /* what a TIMESTAMP can hold */
#define DAYS_2 INT64_C(172800000)     /* no zone is further from UTC */

/* ---- life ---- */

void mr_sessions_init(mr_sessions *sessions, mr_table *table, int64_t gap_ms, mr_budget *budget)
{
    mr_table_layout lists = {.name = "lists", .value_size = sizeof(mr_session_list)};
    *sessions = (mr_sessions){
        .gap_ms = gap_ms, .table = table, .memory = mr_state_new(budget), .budget = budget};
    sessions->lists = mr_state_table(sessions->memory, &lists);
    mr_timers_init(&sessions->timers, budget);
}

static mr_slice *all_lists(mr_sessions *sessions)
{
    return mr_table_make(sessions->lists, 0);
}

static void count_older(const mr_sessions *sessions, int64_t sessions_count)
{
    mr_budget_add(sessions->budget, MR_BUDGET_TABLES,
                  sessions_count * (int64_t)sizeof(mr_session *));
}

static mr_slice_entry *entries_of(mr_slice *slice)
{
    mr_slice_entry *entries = malloc((mr_slice_count(slice) + 1) * sizeof *entries);
    MR_ASSERT(entries != NULL);
    mr_slice_entries(slice, entries);
    return entries;
}

void mr_sessions_release(mr_sessions *sessions)
{
    mr_slice *lists = all_lists(sessions);
    mr_slice_entry *entries = entries_of(lists);
    for (uint32_t i = 0; i < mr_slice_count(lists); i++) {
        mr_session_list *list = entries[i].value;
        count_older(sessions, -(int64_t)list->older_capacity);
        free(list->older);
    }
    free(entries);
    mr_state_free(sessions->memory);
    mr_timers_release(&sessions->timers);
}

/* ---- lists ---- */

static mr_session *list_at(const mr_session_list *list, uint32_t i)
{
    return i < list->older_count ? list->older[i] : list->newest;
}

static void insert_older(const mr_sessions *sessions, mr_session_list *list, uint32_t at,
                         mr_session *session)
{
    if (list->older_count == list->older_capacity) {
        uint32_t capacity = list->older_capacity != 0 ? list->older_capacity * 2 : OLDER_FIRST;
        list->older = realloc(list->older, capacity * sizeof(mr_session *));
        MR_ASSERT(list->older != NULL);
        count_older(sessions, capacity - list->older_capacity);
        list->older_capacity = capacity;
    }
    memmove(list->older + at + 1, list->older + at,
            (list->older_count - at) * sizeof(mr_session *));
    list->older[at] = session;
    list->older_count++;
}

static void list_insert(const mr_sessions *sessions, mr_session_list *list, mr_session *session)
{
    session->list = list;
    uint32_t at = list->older_count;
    if (list->newest == NULL) {
        list->newest = session;
    } else if (list->newest->last_ms < session->last_ms) {
        insert_older(sessions, list, at, list->newest);
        list->newest = session;
    } else {
        while (at > 0 && list->older[at - 1]->last_ms > session->last_ms)
            at--;
        insert_older(sessions, list, at, session);
    }
}

static void list_remove(mr_session_list *list, const mr_session *session)
{
    if (session == list->newest) {
        list->newest = list->older_count > 0 ? list->older[--list->older_count] : NULL;
        return;
    }
    uint32_t at = 0; /* what is due is the first */
    while (list->older[at] != session)
        at++;
    list->older_count--;
    memmove(list->older + at, list->older + at + 1,
            (list->older_count - at) * sizeof(mr_session *));
}

void mr_sessions_lists(mr_sessions *sessions, const mr_string *keys, const uint64_t *hashes,
                       uint32_t count, mr_session_list **lists)
{
    sessions->slice = mr_table_make(sessions->table, 0);
    mr_slice_upsert(all_lists(sessions), keys, hashes, count, (void **)lists);
    for (uint32_t i = 0; i < count; i++)
        __builtin_prefetch(lists[i]->newest);
}

void mr_sessions_forget(mr_sessions *sessions, mr_string key, uint64_t hash)
{
    mr_session_list *list = mr_slice_get(all_lists(sessions), key, hash);
    if (list == NULL || list->newest != NULL)
        return;
    count_older(sessions, -(int64_t)list->older_capacity);
    free(list->older);
    mr_slice_remove(all_lists(sessions), key, hash);
}

/* ---- rows ---- */

bool mr_session_holds(const mr_sessions *sessions, int64_t time_ms)
{
    int64_t room = TIME_LIMIT - DAYS_2 - sessions->gap_ms;
    return room > 0 && time_ms < room && time_ms > -room;
}

uint32_t mr_sessions_touched(const mr_sessions *sessions, const mr_session_list *list,
                             int64_t time_ms, int64_t watermark_ms, mr_session *touched[2])
{
    const mr_session *newest = list->newest;
    if (newest == NULL)
        return 0;
    uint32_t low = 0, high = list->older_count + 1, count = high, found = 0;
    /* Most rows look no further than the newest; what is older lies before its start. */
    int64_t newest_end = mr_session_end(sessions, newest);
    if (time_ms > newest_end || newest_end - 1 <= watermark_ms)
        return 0;
    if (time_ms >= newest->start_ms) {
        touched[0] = list->newest;
        return 1;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int64_t end = mr_session_end(sessions, list_at(list, middle));
        if (end < time_ms || end - 1 <= watermark_ms)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < count && list_at(list, low)->start_ms <= time_ms + sessions->gap_ms; low++) {
        MR_ASSERT(found < 2);
        touched[found++] = list_at(list, low);
    }
    return found;
}

/* `key` behind which `room` for a number is. */
static mr_session *make_entry(mr_sessions *sessions, mr_session_list *list, char *key,
                              uint32_t length)
{
    for (;;) {
        uint32_t number = list->number_next++;
        for (uint32_t i = 0; i < MR_SESSION_NUMBER_SIZE; i++)
            key[length + i] = (char)(number >> (8 * i));
        mr_string name = mr_string_of(key, length + MR_SESSION_NUMBER_SIZE);
        uint64_t hash = mr_hash(name.bytes, name.length);
        void *made;
        mr_slice_upsert(sessions->slice, &name, &hash, 1, &made);
        mr_session *session = made;
        if (session->list == NULL) /* numbers come round */
            return session;
    }
}

mr_session *mr_sessions_add(mr_sessions *sessions, mr_session_list *list, mr_string key,
                            int64_t time_ms, mr_arena *scratch)
{
    char *name = mr_arena_alloc(scratch, key.length + MR_SESSION_NUMBER_SIZE);
    memcpy(name, key.bytes != NULL ? key.bytes : "", key.length);
    mr_session *session = make_entry(sessions, list, name, key.length);
    session->start_ms = session->last_ms = time_ms;
    list_insert(sessions, list, session);
    session->timer = mr_timers_add(&sessions->timers, mr_session_end(sessions, session), session);
    return session;
}

void mr_sessions_lengthen(mr_sessions *sessions, mr_session *session, int64_t time_ms)
{
    if (time_ms < session->start_ms)
        session->start_ms = time_ms;
    if (time_ms > session->last_ms)
        session->last_ms = time_ms;
    mr_slice_touch(sessions->slice, session);
}

static void forget_entry(mr_sessions *sessions, mr_session *session)
{
    mr_string name = mr_slice_key(session);
    mr_slice_remove(sessions->slice, name, mr_hash(name.bytes, name.length));
}

void mr_sessions_unite(mr_sessions *sessions, mr_session *kept, mr_session *gone)
{
    list_remove(gone->list, gone);
    mr_timers_cancel(&sessions->timers, gone->timer);
    if (gone->start_ms < kept->start_ms)
        kept->start_ms = gone->start_ms;
    if (gone->last_ms > kept->last_ms)
        kept->last_ms = gone->last_ms;
    mr_slice_touch(sessions->slice, kept);
    forget_entry(sessions, gone);
}

/* ---- ends ---- */

mr_session *mr_sessions_due(mr_sessions *sessions, int64_t limit_ms)
{
    int64_t due;
    mr_session *session;
    sessions->slice = mr_table_make(sessions->table, 0);
    while ((session = mr_timers_next(&sessions->timers, limit_ms, &due)) != NULL) {
        int64_t end = mr_session_end(sessions, session);
        MR_ASSERT(due <= end);
        if (due == end)
            return session;
        session->timer = mr_timers_add(&sessions->timers, end, session);
    }
    return NULL;
}

void mr_sessions_put_back(mr_sessions *sessions, mr_session *session)
{
    session->timer = mr_timers_add(&sessions->timers, mr_session_end(sessions, session), session);
}

mr_string mr_session_key(mr_session *session)
{
    mr_string name = mr_slice_key(session);
    return mr_string_of(name.bytes, name.length - MR_SESSION_NUMBER_SIZE);
}

void mr_sessions_end(mr_sessions *sessions, mr_session *session)
{
    mr_string key = mr_session_key(session);
    mr_session_list *list = session->list;
    list_remove(list, session);
    if (list->newest == NULL)
        mr_sessions_forget(sessions, key, mr_hash(key.bytes, key.length));
    forget_entry(sessions, session);
}

void mr_sessions_restore(mr_sessions *sessions)
{
    mr_slice *slice = mr_table_make(sessions->table, 0);
    mr_slice_entry *entries = entries_of(slice);
    for (uint32_t i = 0; i < mr_slice_count(slice); i++) {
        mr_session *session = entries[i].value;
        mr_string key = mr_session_key(session);
        uint64_t hash = mr_hash(key.bytes, key.length);
        mr_session_list *list;
        mr_sessions_lists(sessions, &key, &hash, 1, &list);
        list_insert(sessions, list, session);
        const unsigned char *number = (const unsigned char *)key.bytes + key.length;
        uint32_t next = 1u + (number[0] | (uint32_t)number[1] << 8 | (uint32_t)number[2] << 16 |
                              (uint32_t)number[3] << 24);
        if (next > list->number_next)
            list->number_next = next;
        session->timer =
            mr_timers_add(&sessions->timers, mr_session_end(sessions, session), session);
    }
    free(entries);
}
