/*
 * Checkpoints of the tasks' local stores, beside the worker.
 *
 *   due -> IMAGE -> SEND -> ready -> named by an epoch record, decided -> SWEEP -> log trimmed
 *          |helper| helper|          engine                              |helper|
 *
 * One errand at a time for the whole worker. A task that is dropped makes its errand void: its
 * store is closed as soon as no image of it is being taken, and what is sent meanwhile is never
 * named. Nothing here can fail the worker: without a checkpoint the state log goes on being kept.
 */
#include "engine/run/worker/private.h"

#include "engine/base/assert.h"

#include <inttypes.h>
#include <string.h>

#define PATIENCE_INTERVALS 3

static mr_worker_task *find(mr_worker *worker, uint32_t index)
{
    for (uint32_t t = 0; t < worker->tasks_count; t++)
        if (worker->tasks[t].index == index && worker->tasks[t].task != NULL)
            return &worker->tasks[t];
    return NULL;
}

void mr_worker_note_record(const mr_worker *worker, mr_worker_task *at, const mr_buffer *bytes)
{
    if (worker->config.checkpoints.helper == NULL)
        return;
    mr_buffer_clear(&at->record);
    mr_buffer_put(&at->record, bytes->data, bytes->length);
}

bool mr_worker_is_imaging(const mr_worker *worker, const mr_worker_task *at)
{
    const mr_worker_checkpointing *c = &worker->checkpointing;
    return c->errand == MR_ERRAND_IMAGE && c->index == at->index;
}

void mr_worker_note_applied(mr_worker_task *at)
{
    mr_buffer_clear(&at->record_applied);
    mr_buffer_put(&at->record_applied, at->record.data, at->record.length);
    at->has_applied = true;
    at->bytes_since_applied = at->bytes_since_base;
}

static void note_since(const mr_worker *worker, int64_t *since_us)
{
    if (*since_us == 0)
        *since_us = mr_worker_now_us(worker);
}

/* Restores give time again to those that had none, not to those that fail. */
bool mr_worker_has_checkpoints(const mr_worker *worker, const mr_worker_task *at)
{
    const mr_worker_checkpoints *config = &worker->config.checkpoints;
    int64_t oldest_us = mr_worker_now_us(worker) - config->interval_ms * 1000 * PATIENCE_INTERVALS;
    bool fails = at->failing_since_us != 0 && at->failing_since_us <= oldest_us;
    bool is_unswept = at->unswept_since_us != 0 && at->unswept_since_us <= oldest_us;
    return config->helper != NULL && at->store != NULL &&
           worker->plan->guarantee == MR_EXACTLY_ONCE && at->named_us > oldest_us && !fails &&
           !is_unswept;
}

/* As long as old ones stay, so does the log behind them: its deltas go on adding up to a base. */
bool mr_worker_name_checkpoint(const mr_worker_task *at, mr_epoch_record *record)
{
    if (at->ready[0] == '\0')
        return false;
    record->checkpoint = at->ready;
    if (at->unswept_since_us != 0)
        return true;
    record->base_bytes = at->ready_bytes;
    if (record->bytes_since_base > at->ready_since_base)
        record->bytes_since_base -= at->ready_since_base;
    return true;
}

void mr_worker_note_named(mr_worker *worker, mr_worker_task *at)
{
    memcpy(at->named, at->ready, sizeof at->named);
    at->ready[0] = '\0';
    at->named_us = mr_worker_now_us(worker);
    at->failing_since_us = 0;
    at->is_sweep_due = true;
    at->is_hastened = false;
    worker->checkpointing.named++;
    mr_checkpoint_report_named(&worker->checkpointing.report,
                               worker->config.clock->wall_ms(worker->config.clock));
}

void mr_worker_outdate_checkpoint(mr_worker *worker, mr_worker_task *at)
{
    mr_worker_checkpointing *c = &worker->checkpointing;
    at->ready[0] = '\0';
    if (c->errand != MR_ERRAND_NONE && c->errand != MR_ERRAND_SWEEP && c->index == at->index) {
        c->is_void = true;
        mr_upload_cancel(&c->upload);
    }
}

/* The task may be another's meanwhile, who takes and names its own: what nobody has named by then
 * is swept, and must never be named. */
void mr_worker_forget_checkpoint(mr_worker_task *at)
{
    at->ready[0] = at->named[0] = '\0';
    at->has_applied = at->is_sweep_due = at->is_hastened = false;
}

void mr_worker_void_checkpoint(mr_worker *worker, mr_worker_task *at)
{
    mr_worker_checkpointing *c = &worker->checkpointing;
    bool is_at_hand = c->errand != MR_ERRAND_NONE && c->index == at->index;
    if (at->ready[0] != '\0' || (is_at_hand && c->errand != MR_ERRAND_SWEEP))
        note_since(worker, &at->failing_since_us);
    if (!is_at_hand)
        return;
    c->is_void = true;
    mr_helper *helper = worker->config.checkpoints.helper;
    if (c->errand == MR_ERRAND_IMAGE)
        (void)helper->class->wait(helper, -1); /* short; its end is told once more */
    if (c->errand == MR_ERRAND_SEND)
        mr_upload_cancel(&c->upload);
}

static mr_status give_up(mr_worker *worker, mr_error *err)
{
    mr_worker_checkpointing *c = &worker->checkpointing;
    mr_error why = c->upload.err;
    bool is_told = why.status != MR_E_CRASHED && !c->is_void;
    c->failed += !c->is_void;
    if (!c->is_void)
        mr_checkpoint_report_failed(&c->report);
    mr_worker_task *at = find(worker, c->index);
    bool is_asked = at != NULL && at->is_hastened;
    if (at != NULL)
        at->is_hastened = false;
    if (at != NULL && !c->is_void)
        note_since(worker, &at->failing_since_us);
    mr_upload_end(&c->upload);
    c->errand = MR_ERRAND_NONE;
    if (!is_told)
        return MR_OK;
    c->failed_last = why;
    mr_logger_line(worker->config.logger, MR_LOG_WARN,
                   "no checkpoint job=%s task=%" PRIu32 " code=MR%d reason=\"%s\"",
                   worker->plan->job, c->index, why.status, why.message);
    return is_asked ? mr_worker_answer(worker, c->index, &why, err) : MR_OK;
}

static void start(mr_worker *worker, mr_worker_errand errand, bool (*step)(void *), void *context)
{
    mr_helper *helper = worker->config.checkpoints.helper;
    worker->checkpointing.errand = errand;
    helper->class->start(helper, (mr_helper_job){step, context});
}

/* ---- what came of an errand ---- */

static mr_status on_image(mr_worker *worker, mr_error *err)
{
    mr_worker_checkpointing *c = &worker->checkpointing;
    if (c->upload.phase != MR_UPLOAD_IMAGED || c->is_void)
        return give_up(worker, err);
    start(worker, MR_ERRAND_SEND, mr_upload_send_step, &c->upload);
    return MR_OK;
}

/* Behind a commit only: see trim_before in decision.c. */
static mr_status trim(mr_worker *worker, uint32_t index, int64_t log_offset, mr_error *err)
{
    mr_log *log = worker->config.log;
    mr_error why;
    /* The epoch record at which the image was taken is needed: its inputs, its checksum. */
    mr_status status =
        log->class->trim(log, worker->state_topic, (int32_t)index, log_offset - 1, &why);
    if (status == MR_E_CRASHED) {
        *err = why;
        return status;
    }
    if (status != MR_OK)
        mr_logger_line(worker->config.logger, MR_LOG_WARN,
                       "state log not trimmed job=%s task=%" PRIu32 " before=%" PRId64
                       " reason=\"%s\"",
                       worker->plan->job, index, log_offset - 1, why.message);
    return MR_OK;
}

static mr_status on_sent(mr_worker *worker, mr_error *err)
{
    mr_worker_checkpointing *c = &worker->checkpointing;
    mr_worker_task *at = find(worker, c->index);
    if (c->upload.phase != MR_UPLOAD_DONE || c->is_void || at == NULL)
        return give_up(worker, err);
    c->failed_last = (mr_error){0};
    const mr_manifest *manifest = &c->upload.manifest;
    memcpy(at->ready, c->upload.id, sizeof at->ready);
    at->ready_bytes = mr_manifest_bytes(manifest);
    at->ready_since_base = c->since_base;
    int64_t log_offset = manifest->marker.log_offset;
    mr_logger_line(worker->config.logger, MR_LOG_INFO,
                   "checkpoint written job=%s task=%" PRIu32 " epoch=%" PRIu64 " bytes=%" PRIu64
                   " files=%" PRIu32 " bytes_sent=%" PRIu64 " files_sent=%" PRIu32,
                   worker->plan->job, c->index, manifest->marker.epoch, at->ready_bytes,
                   manifest->files_count, c->upload.bytes_sent, c->upload.files_sent);
    mr_checkpoint_report_written(&c->report, c->index, mr_worker_now_us(worker) - c->began_us,
                                 at->ready_bytes, c->upload.bytes_sent);
    mr_upload_end(&c->upload);
    c->errand = MR_ERRAND_NONE;
    if (at->is_hastened) { /* who asked waits for the epoch record that names it */
        mr_task_refresh(at->task);
        mr_status status = mr_worker_begin_epoch(worker, err);
        if (status != MR_OK)
            return status;
    }
    return worker->config.sabotage.trim_unnamed ? trim(worker, c->index, log_offset, err) : MR_OK;
}

/* Where only what was retired stays, the log is trimmed all the same. */
static mr_status on_swept(mr_worker *worker, mr_error *err)
{
    mr_worker_checkpointing *c = &worker->checkpointing;
    mr_worker_task *at = find(worker, c->index);
    c->errand = MR_ERRAND_NONE;
    if (c->sweep_status == MR_E_CRASHED)
        return MR_OK;
    c->unswept_last = (mr_error){0};
    if (c->sweep_status != MR_OK) {
        mr_logger_line(worker->config.logger, MR_LOG_WARN,
                       "old checkpoints not removed job=%s task=%" PRIu32
                       " code=MR%d reason=\"%s\"",
                       worker->plan->job, c->index, c->sweep_status, c->sweep_err.message);
        c->unswept_last = c->sweep_err;
        (void)mr_error_prefix(&c->unswept_last, "they are written, but old ones not removed");
    }
    if (c->is_void || at == NULL)
        return MR_OK;
    if (!c->swept.is_thinned) {
        note_since(worker, &at->unswept_since_us);
        return MR_OK;
    }
    at->unswept_since_us = 0;
    return trim(worker, c->index, c->swept.log_offset, err);
}

/* ---- what is due ---- */

static bool sweep_step(void *context)
{
    mr_worker_checkpointing *c = context;
    c->sweep_status = mr_sweep_run(&c->sweep, &c->swept, &c->sweep_err);
    return false;
}

static void begin_sweep(mr_worker *worker, mr_worker_task *at)
{
    const mr_worker_checkpoints *config = &worker->config.checkpoints;
    mr_worker_checkpointing *c = &worker->checkpointing;
    at->is_sweep_due = false;
    memcpy(c->swept_for, at->named, sizeof c->swept_for);
    c->index = at->index;
    c->is_void = false;
    c->sweep = (mr_sweep_request){.blobs = config->blobs,
                                  .job = worker->plan->job,
                                  .task = at->index,
                                  .named = c->swept_for,
                                  .count_max = config->count_max != 0 ? config->count_max : 1,
                                  .age_max_ms = config->age_max_ms,
                                  .grace_ms = config->grace_ms,
                                  .now_ms = worker->config.clock->wall_ms(worker->config.clock)};
    start(worker, MR_ERRAND_SWEEP, sweep_step, c);
}

/* The local store holds something newer than the last checkpoint of this life. */
static bool is_due(const mr_worker *worker, const mr_worker_task *at, int64_t now_us)
{
    int64_t interval_us = worker->config.checkpoints.interval_ms * 1000;
    return at->task != NULL && at->store != NULL && at->has_applied && at->ready[0] == '\0' &&
           now_us - at->checkpoint_began_us >= interval_us;
}

/* What is committed by now is to be in it. While an epoch is undecided its changes are among those
 * on their way to the store. */
static bool is_asked_for(const mr_worker *worker, const mr_worker_task *at)
{
    return at->is_wanted && !worker->is_deciding && at->task != NULL && at->store != NULL &&
           at->epoch > 0 && at->ready[0] == '\0';
}

static mr_status apply_all(mr_worker_task *at, mr_error *err)
{
    at->is_wanted = false;
    at->is_hastened = true;
    if (at->pending.epochs > 0)
        mr_worker_note_applied(at);
    return mr_pending_apply(&at->pending, at->store, err);
}

static void begin_image(mr_worker *worker, mr_worker_task *at, int64_t now_us)
{
    mr_worker_checkpointing *c = &worker->checkpointing;
    at->checkpoint_began_us = c->began_us = now_us;
    at->has_applied = false; /* until more is: the same once more would be of no use */
    c->index = at->index;
    c->is_void = false;
    c->since_base = at->bytes_since_applied;
    mr_upload_begin(&c->upload, &(mr_upload_request){.store = at->store,
                                                     .blobs = worker->config.checkpoints.blobs,
                                                     .clock = worker->config.clock,
                                                     .job = worker->plan->job,
                                                     .task = at->index,
                                                     .record = at->record_applied.data,
                                                     .record_length = at->record_applied.length});
    start(worker, MR_ERRAND_IMAGE, mr_upload_image_step, &c->upload);
}

static mr_status take_errand(mr_worker *worker, mr_error *err)
{
    switch (worker->checkpointing.errand) {
    case MR_ERRAND_NONE: return MR_OK;
    case MR_ERRAND_IMAGE: return on_image(worker, err);
    case MR_ERRAND_SEND: return on_sent(worker, err);
    case MR_ERRAND_SWEEP: return on_swept(worker, err);
    }
    return MR_OK;
}

mr_status mr_worker_look_at_checkpoints(mr_worker *worker, mr_error *err)
{
    mr_helper *helper = worker->config.checkpoints.helper;
    mr_worker_checkpointing *c = &worker->checkpointing;
    if (helper == NULL || worker->plan->guarantee != MR_EXACTLY_ONCE)
        return MR_OK;
    if (c->errand != MR_ERRAND_NONE) {
        if (!helper->class->wait(helper, 0))
            return MR_OK;
        mr_status status = take_errand(worker, err);
        if (status != MR_OK || c->errand != MR_ERRAND_NONE)
            return status;
    }
    mr_status status = mr_worker_listen(worker, err);
    int64_t now_us = mr_worker_now_us(worker);
    for (uint32_t t = 0; status == MR_OK && t < worker->tasks_count; t++) {
        mr_worker_task *at = &worker->tasks[t];
        bool is_asked = is_asked_for(worker, at);
        if (is_asked)
            status = apply_all(at, err);
        if (status != MR_OK)
            break;
        if (is_asked)
            begin_image(worker, at, now_us);
        else if (at->task != NULL && at->is_sweep_due)
            begin_sweep(worker, at);
        else if (is_due(worker, at, now_us))
            begin_image(worker, at, now_us);
        else
            continue;
        break;
    }
    return status;
}

void mr_worker_end_checkpoints(mr_worker *worker)
{
    mr_worker_checkpointing *c = &worker->checkpointing;
    mr_helper *helper = worker->config.checkpoints.helper;
    if (c->answers != NULL)
        c->answers->class->close(c->answers);
    c->answers = NULL;
    if (c->errand == MR_ERRAND_NONE)
        return;
    c->is_void = true;
    mr_upload_cancel(&c->upload);
    (void)helper->class->wait(helper, -1);
    mr_upload_end(&c->upload);
    c->errand = MR_ERRAND_NONE;
}
