/*
 * A job's plan for people and programs: graph, keys, state and what bounds it, watermarks, where rows can
 * be late or die, and what each sink guarantees. Secrets are not in it. Each appends to `out`.
 */
#ifndef MR_JOBS_EXPLAIN_EXPLAIN_H
#define MR_JOBS_EXPLAIN_EXPLAIN_H

#include "engine/base/buffer.h"
#include "jobs/plan/job.h"

void mr_explain_text(const mr_job *job, mr_buffer *out);
void mr_explain_dot(const mr_job *job, mr_buffer *out);
void mr_explain_json(const mr_job *job, mr_buffer *out);

#endif
