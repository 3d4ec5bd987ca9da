/*
 * Errors of a call.
 *
 * A function that can fail returns `mr_status` and takes a caller-owned `mr_error *` last. The
 * status is 0 when all is well, else the stable error code a user sees as MR<code> (docs of codes:
 * `millrace explain-error`): 1xxx job text, 2xxx settings and environment, 3xxx records, 4xxx state
 * and checkpoints, 5xxx Kafka, 9xxx internal.
 *
 * Invariant: a function that returns non-zero has filled the error; one that returns 0 left it
 * alone. Failures of a single row are not errors of the call: they leave by the dead port
 * (run/operator.h). Thread: no shared state. Memory: fixed size, nothing is allocated on the
 * failing path.
 */
#ifndef MR_ENGINE_BASE_ERROR_H
#define MR_ENGINE_BASE_ERROR_H

#include <stdarg.h>

#define MR_ERROR_MESSAGE_MAX 1024

#define MR_MUST_USE __attribute__((warn_unused_result))
#define MR_PRINTF(format_index, first) __attribute__((format(printf, format_index, first)))

typedef int mr_status;

/* Codes that engine parts share; codes of one part live in that part's header. */
enum {
    MR_OK = 0,
    MR_E_JOB_FIRST = 1000,
    MR_E_SETTING = 2000,      /* a setting has a bad value */
    MR_E_ENVIRONMENT = 2001,  /* the machine or file system refused something */
    MR_E_MEMORY = 2002,       /* memory was asked for and not given */
    MR_E_BUDGET = 2003,       /* state that stays in memory takes more than the memory budget */
    MR_E_BUDGET_SMALL = 2004, /* what state takes at least is more than its share of the budget */
    MR_E_RECORD = 3000,
    MR_E_STATE = 4000,
    MR_E_KAFKA = 5000,
    MR_E_INTERNAL = 9000,
    MR_E_CRASHED = 9001,     /* the simulator killed this process: unwind, touch nothing */
    MR_E_INTERRUPTED = 9002, /* something long was broken off by its own caller (breath.h) */
};

/* What the engine should do next. Only the engine acts on it. */
typedef enum mr_recovery {
    MR_RECOVERY_STOP = 0, /* stop the task or the process with the message */
    MR_RECOVERY_RETRY,    /* make the same call again */
    MR_RECOVERY_RECORD,   /* one record is to blame: dead-letter it and go on */
    MR_RECOVERY_EPOCH,    /* abort the epoch and replay it */
    MR_RECOVERY_WRITER,   /* new writer, re-read the state log's end, replay the epoch */
} mr_recovery;

typedef struct mr_error {
    mr_status status;
    mr_recovery recovery;
    char message[MR_ERROR_MESSAGE_MAX];
} mr_error;

/* Fills `err` with a formatted message (cut at MR_ERROR_MESSAGE_MAX) and recovery STOP; returns
 * `status`. */
mr_status mr_error_set(mr_error *err, mr_status status, const char *format, ...) MR_PRINTF(3, 4);

/* The same with a recovery of the caller's choice. */
mr_status mr_error_set_recovery(mr_error *err, mr_status status, mr_recovery recovery,
                                const char *format, ...) MR_PRINTF(4, 5);

/* Puts "<prefix>: " before the message of a filled error; returns its status. */
mr_status mr_error_prefix(mr_error *err, const char *format, ...) MR_PRINTF(2, 3);

/* Short name of a recovery for logs and tests. Never NULL. */
const char *mr_recovery_name(mr_recovery recovery);

#endif
