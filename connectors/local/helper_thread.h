/*
 * A helper (engine/ports/helper.h) that is one thread, waiting for jobs.
 */
#ifndef MR_CONNECTORS_LOCAL_HELPER_THREAD_H
#define MR_CONNECTORS_LOCAL_HELPER_THREAD_H

#include "engine/base/error.h"
#include "engine/ports/helper.h"

/* Errors: MR_E_ENVIRONMENT when the machine gives no thread. */
MR_MUST_USE mr_status mr_helper_thread_open(mr_helper **helper, mr_error *err);

#endif
