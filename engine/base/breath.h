/*
 * Breath: what a call that takes long does now and then, so that what must not wait does not.
 *
 * The callee takes one between two chunks of its work, however many that makes: it costs little
 * when nothing is due. Non-zero (MR_E_INTERRUPTED, recovery RETRY): give up, unwind, hand it back.
 * Thread: the caller's.
 */
#ifndef MR_ENGINE_BASE_BREATH_H
#define MR_ENGINE_BASE_BREATH_H

#include "engine/base/error.h"

#include <stddef.h>

/* All-zero: nothing to be done. */
typedef struct mr_breath {
    mr_status (*take)(void *context, mr_error *err);
    void *context;
} mr_breath;

MR_MUST_USE static inline mr_status mr_breath_take(const mr_breath *breath, mr_error *err)
{
    return breath->take != NULL ? breath->take(breath->context, err) : MR_OK;
}

#endif
