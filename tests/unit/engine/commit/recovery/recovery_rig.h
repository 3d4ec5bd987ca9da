/*
 * A task's state log written by hand on the simulated log, and a recovery of it.
 *
 * Changes are texts: "a=1 -b !" puts 1 at key a, deletes b and drops the slice; a state is the text
 * of its puts in order of keys. Epochs are numbered and chained by the rig unless a test alters
 * them.
 */
#ifndef MR_TESTS_UNIT_ENGINE_COMMIT_RECOVERY_RIG_H
#define MR_TESTS_UNIT_ENGINE_COMMIT_RECOVERY_RIG_H

#include "engine/commit/delta.h"
#include "engine/commit/recovery.h"
#include "tests/sim/world.h"

#define RIG_TOPIC "job.state"
#define RIG_PLAN UINT64_C(77)

typedef struct recovery_rig {
    mr_sim_world world;
    mr_log *log; /* of the worker that recovers; may die */
    mr_log_writer *writer;
    bool is_transactional;
    const char *owner; /* transactional id of `writer` */
    uint64_t epoch;    /* last one written, and where */
    int64_t epoch_offset;
    uint32_t epoch_checksum;
    mr_state *state;
    mr_table *table;
    mr_pending pending;
    mr_arena arena;
    mr_recovered recovered;
    mr_error err;
    bool has_no_store, tells_own, has_blobs, distrusts_store;
    bool is_other_plan; /* what is put and recovered from now on is another plan's */
    bool breaks_off_downloads;
    const char *transactional_id;   /* of who recovers: "new" */
    const char *checkpoint;         /* that is asked for */
    size_t state_bytes_max;         /* 0: all entries stay in memory */
    uint64_t load_entries_max;      /* 0: all that is read goes there */
    uint64_t breath_limit, breaths; /* from which on none is left, 0: any are; taken so far */
    void (*on_open)(struct recovery_rig *rig, mr_local_store *store); /* it was opened; or NULL */
    mr_store_factory stores;                                          /* calls `on_open` */
    const mr_store_class *sound_class;                                /* of its own */
    mr_store_class store_class;                                       /* for an `on_open` */
    mr_blobs_class blobs_class;
    uint32_t delta_chunks, base_chunks; /* of the try at hand, and the checks over them */
    uint32_t delta_check, base_check;
    char text[256]; /* of rig_state */
} recovery_rig;

/* What an epoch is made of, besides its number. */
typedef struct rig_epoch {
    bool is_of_others;                      /* its content check is that of other chunks */
    const char *changes, *more;             /* a delta chunk, and a second; NULL: none */
    const char *base, *more_base;           /* the same of a base */
    void (*alter)(mr_epoch_record *record); /* the record is a lie; NULL: it is true */
} rig_epoch;

/* A world, a state topic, a writer "old". `seed` decides about hanging transactions (world.h). */
void rig_set_up(recovery_rig *rig, uint64_t seed, bool is_transactional);
void rig_tear_down(recovery_rig *rig);

/* Another writer goes on; the former one is closed as it is. */
void rig_take_over(recovery_rig *rig, const char *owner);

/* Each a transaction (or, without transactions, as it is). */
void rig_put_epoch(recovery_rig *rig, const rig_epoch *epoch);
void rig_put(recovery_rig *rig, const char *changes); /* an epoch of one chunk */
void rig_put_claim(recovery_rig *rig);
void rig_put_bytes(recovery_rig *rig, const char *bytes, size_t length);

/* Records of a transaction that is not ended; one more in it. */
void rig_open(recovery_rig *rig, const char *changes);
void rig_add(recovery_rig *rig, const char *changes);

/* A chunk's or a base chunk's bytes of the next epoch, sealed. */
void rig_chunk(recovery_rig *rig, mr_delta_kind kind, const char *changes, mr_buffer *to);

/* The topic begins at `offset`; or is new and empty, with the rig's chain begun anew. */
void rig_trim(recovery_rig *rig, int64_t offset);
void rig_forget_log(recovery_rig *rig);

/* One recovery as "new"; the store is closed. */
mr_status rig_recover(recovery_rig *rig);

/* The same, and what the store lacks is applied and flushed, as a worker does. */
void rig_recover_and_apply(recovery_rig *rig);

const char *rig_state(recovery_rig *rig);

#endif
