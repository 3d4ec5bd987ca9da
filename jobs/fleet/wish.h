/*
 * What the jobs topic of a fleet holds, in JSON (docs/formats.md,
 * docs/decisions/0019-jobs-topic.md).
 *
 *   job/<name>                wish: what is to become of the job, and its text
 *   status/<name>/<instance>  status: what one worker makes of it
 *
 * Strings of decoded ones live in the arena. Thread: pure.
 * Errors: MR_E_FLEET_RECORD, when a value is none of these.
 */
#ifndef MR_JOBS_FLEET_WISH_H
#define MR_JOBS_FLEET_WISH_H

#include "engine/base/arena.h"
#include "engine/base/buffer.h"
#include "engine/base/error.h"

enum {
    MR_E_FLEET_RECORD = 2060,  /* the jobs topic holds something else */
    MR_E_FLEET_JOB = 2061,     /* there is no such job, or it may not become what is asked for */
    MR_E_FLEET_VERSION = 2062, /* the job is of a newer Millrace, or comes to another plan here */
};

/* Raised when an older Millrace could misunderstand a wish; one bears the lowest that tells all. */
#define MR_FLEET_PLAN_FORMAT 2
#define MR_FLEET_FORMAT_DRAIN 2 /* the first that knows `drain` */
#define MR_FLEET_SETTINGS_MAX 64

typedef enum mr_wish_kind {
    MR_WISH_RUN = 0,
    MR_WISH_STOP,
    MR_WISH_DELETE,
    MR_WISH_DRAIN, /* inputs end where they end now, windows close, it finishes */
} mr_wish_kind;

typedef struct mr_wish {
    const char *job;
    uint64_t version; /* 1, 2, ..: of this record, by its job's name */
    mr_wish_kind kind;
    uint32_t plan_format;
    uint64_t plan_version; /* that `submit` came to */
    const char *sql;
    const char *settings[MR_FLEET_SETTINGS_MAX]; /* -D key=value */
    uint32_t settings_count;
    const char *written_by; /* "millrace 0.1.0" */
    int64_t written_ms;
} mr_wish;

typedef enum mr_fleet_state {
    MR_FLEET_STARTING = 0,
    MR_FLEET_RUNNING,
    MR_FLEET_STOPPED,
    MR_FLEET_FINISHED,
    MR_FLEET_FAILED,
    MR_FLEET_REFUSED,
} mr_fleet_state;

typedef struct mr_fleet_status {
    const char *job;
    const char *instance;
    uint64_t version; /* of the wish that it speaks of */
    mr_fleet_state state;
    uint32_t tasks;
    uint64_t records_in, rows_out, late, dead;
    int64_t lag; /* -1: not known */
    int code;    /* of an error; 0: none */
    const char *message;
    int checkpoint_code; /* of the last checkpoint, where none came about; 0: none */
    const char *checkpoint_message;
    int64_t written_ms;
} mr_fleet_status;

const char *mr_wish_kind_name(mr_wish_kind kind);

/* What a worker must know to do as it is wished. */
uint32_t mr_wish_format_of(mr_wish_kind kind);
const char *mr_fleet_state_name(mr_fleet_state state);

/* One text, plan and settings: who wrote it, when and as which version is not looked at. */
bool mr_wish_is_same(const mr_wish *a, const mr_wish *b);

/* Both put the bytes behind what `to` holds. */
void mr_wish_encode(const mr_wish *wish, mr_buffer *to);
void mr_fleet_status_encode(const mr_fleet_status *status, mr_buffer *to);

/* Fields that are not known are passed over: a newer Millrace may have written them. */
MR_MUST_USE mr_status mr_wish_decode(const char *bytes, size_t length, mr_arena *arena,
                                     mr_wish *wish, mr_error *err);
MR_MUST_USE mr_status mr_fleet_status_decode(const char *bytes, size_t length, mr_arena *arena,
                                             mr_fleet_status *status, mr_error *err);

#endif
