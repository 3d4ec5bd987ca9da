/*
 * The live sessions of all keys: stretches of time in which no row is further than `gap` from the
 * next.
 *
 *   rows at    3   9      14                           40
 *              |---+-------+--- gap --->|               |--- gap --->|
 *   sessions   [3, 14 + gap)                            [40, 40 + gap)
 *
 * A session [start, last + gap) is open for a row while its end - 1 lies above the watermark that
 * the row is judged by; it is closed from then on, even if it has not been fired yet. Open sessions
 * of a key never touch (touch: share a point, bounds included), so a row touches two at most and
 * makes them one. Closed ones end before open ones. So the sessions of a key are a list in order of
 * their ends, which are all different.
 *
 * State: a table of sessions, one slice; key: group key | number u32 (little-endian, so that a key
 * can have several); value: this head, then accumulators. What memory derives from it: for each
 * group key the list of its sessions, and one timer a session. A timer is not moved when rows
 * lengthen its session; when it comes too early it is set anew, once a gap at most. So nothing ever
 * looks at all keys.
 * Times are ms and `mr_session_holds` them. Thread: the engine's.
 */
#ifndef MR_OPERATORS_WINDOW_SESSION_H
#define MR_OPERATORS_WINDOW_SESSION_H

#include "engine/state/state.h"
#include "engine/time/timers.h"

#define MR_SESSION_NUMBER_SIZE 4u /* behind the group key, in the key of an entry */

typedef struct mr_session_list mr_session_list;

/* The head of a value; only start and last are state. */
typedef struct mr_session {
    int64_t start_ms, last_ms; /* first and last row */
    mr_session_list *list;
    void *values; /* of DISTINCT aggregates: a chain through their entries; the operator's */
    uint32_t values_count;
    uint32_t timer;
    uint64_t padding;
} mr_session;

_Static_assert(sizeof(mr_session) == 48, "accumulators are aligned to 16");

/* Of one group key, in order of ends. */
struct mr_session_list {
    mr_session *newest; /* NULL: none at all */
    mr_session **older;
    uint32_t older_count, older_capacity;
    uint32_t number_next;
    uint32_t padding;
};

typedef struct mr_sessions {
    int64_t gap_ms;
    mr_table *table;
    mr_slice *slice;  /* its one slice, since the call began */
    mr_state *memory; /* of `lists`: never written down */
    mr_table *lists;
    mr_timers timers;
    mr_budget *budget;
} mr_sessions;

/* `table` has values that begin with an mr_session. */
void mr_sessions_init(mr_sessions *sessions, mr_table *table, int64_t gap_ms, mr_budget *budget);
void mr_sessions_release(mr_sessions *sessions);

/* Makes lists and timers again from a table that was just loaded. */
void mr_sessions_restore(mr_sessions *sessions);

/* Whether the bounds of a session around this time can be written down. */
bool mr_session_holds(const mr_sessions *sessions, int64_t time_ms);

static inline int64_t mr_session_end(const mr_sessions *sessions, const mr_session *session)
{
    return session->last_ms + sessions->gap_ms;
}

/* The lists of `count` group keys, made where there is none. A list that is still empty in the end
 * must be given to `mr_sessions_forget`. */
void mr_sessions_lists(mr_sessions *sessions, const mr_string *keys, const uint64_t *hashes,
                       uint32_t count, mr_session_list **lists);
void mr_sessions_forget(mr_sessions *sessions, mr_string key, uint64_t hash);

/* The sessions that a row at `time_ms` touches and that are open at `watermark_ms`, the earlier
 * first. Returns how many. */
uint32_t mr_sessions_touched(const mr_sessions *sessions, const mr_session_list *list,
                             int64_t time_ms, int64_t watermark_ms, mr_session *touched[2]);

/* A session of this one row, which touches none; accumulators are zero. */
mr_session *mr_sessions_add(mr_sessions *sessions, mr_session_list *list, mr_string key,
                            int64_t time_ms, mr_arena *scratch);

/* The session holds a row at `time_ms`, and its entry is dirty. */
void mr_sessions_lengthen(mr_sessions *sessions, mr_session *session, int64_t time_ms);

/* `kept` gets the time of `gone`, which is forgotten; nothing else of it is merged here. */
void mr_sessions_unite(mr_sessions *sessions, mr_session *kept, mr_session *gone);

/* Takes the session with the earliest end, if that is <= `limit_ms`; NULL: none. It stays in its
 * list and in the table until it is ended. */
mr_session *mr_sessions_due(mr_sessions *sessions, int64_t limit_ms);

/* One that was taken too far: it will be due again. */
void mr_sessions_put_back(mr_sessions *sessions, mr_session *session);

/* Forgets a session that was due. */
void mr_sessions_end(mr_sessions *sessions, mr_session *session);

/* The group key of a session; valid until it is forgotten. */
mr_string mr_session_key(mr_session *session);

#endif
