/* What a worker tells of itself: tasks and sums over them. */
#include "engine/run/worker/private.h"

uint32_t mr_worker_tasks_count(const mr_worker *worker)
{
    return worker->tasks_count;
}

const mr_task *mr_worker_task_at(const mr_worker *worker, uint32_t i)
{
    return worker->tasks[i].task;
}

static void add_task_stats(const mr_worker *worker, const mr_task *task, mr_worker_stats *stats)
{
    const mr_plan *stage = mr_plan_of_task(worker->plan, mr_task_index(task));
    for (uint32_t s = 0; s < stage->sources_count; s++) {
        const mr_source_counts *counts = mr_task_source_counts(task, s);
        bool is_outer = stage->sources[s].exchange == NULL;
        stats->records_in += is_outer ? counts->records : 0;
        stats->bytes_in += is_outer ? counts->bytes : 0;
        stats->filtered += counts->filtered;
        stats->dead += counts->dead;
    }
    for (uint32_t n = 0; n < stage->nodes_count; n++) {
        mr_operator_counts counts = mr_graph_node_counts(mr_task_graph(task), n);
        stats->late += counts.late;
        stats->filtered += counts.filtered;
        stats->dead += counts.dead + counts.made_dead;
    }
    for (uint32_t s = 0; s < stage->sinks_count; s++) {
        mr_sink_counts counts = mr_graph_sink_counts(mr_task_graph(task), s);
        stats->rows_out += stage->sinks[s].exchange == NULL ? counts.written : 0;
        stats->dead += counts.dead;
    }
    int64_t watermark = mr_task_watermark(task);
    if (watermark < stats->watermark_ms)
        stats->watermark_ms = watermark;
}

const mr_error *mr_worker_checkpoint_error(const mr_worker *worker)
{
    const mr_worker_checkpointing *c = &worker->checkpointing;
    const mr_error *why = c->failed_last.status != MR_OK ? &c->failed_last : &c->unswept_last;
    return why->status != MR_OK ? why : NULL;
}

void mr_worker_stats_get(const mr_worker *worker, mr_worker_stats *stats)
{
    *stats = (mr_worker_stats){.phase = worker->phase,
                               .commits = worker->commits,
                               .aborts = worker->aborts,
                               .restores = worker->restores,
                               .epochs_restored = worker->epochs_restored,
                               .kept = worker->kept,
                               .outdated = worker->outdated,
                               .hanging_ended = worker->hanging_ended,
                               .owners_fenced = worker->owners_fenced,
                               .watermark_ms = MR_TIME_MAX,
                               .lag_records = worker->lag_records,
                               .tasks = worker->tasks_count,
                               .tasks_awaited = worker->tasks_awaited,
                               .commit_us_last = worker->commit_us_last,
                               .commit_us_max = worker->commit_us_max,
                               .has_open_epoch = worker->is_epoch_open || worker->is_deciding,
                               .is_deciding = worker->is_deciding,
                               .staged_bytes = worker->staging.bytes,
                               .inputs_held = worker->held,
                               .checkpoints_named = worker->checkpointing.named,
                               .checkpoints_failed = worker->checkpointing.failed,
                               .checkpoints_restored = worker->checkpointing.restored,
                               .frames_handed = worker->handover.taken,
                               .cut_halvings = worker->cut.halvings};
    for (uint32_t t = 0; t < worker->tasks_count; t++) {
        stats->tasks_parked += worker->tasks[t].is_parked;
        mr_task *task = worker->tasks[t].task;
        if (task == NULL)
            continue;
        add_task_stats(worker, task, stats);
        stats->state_bytes += mr_state_bytes(mr_task_state(task));
        stats->state_entries += mr_state_entries_count(mr_task_state(task));
        stats->entries_left += mr_state_left(mr_task_state(task));
        stats->entries_returned += mr_state_returned(mr_task_state(task));
    }
    if (stats->tasks == 0)
        stats->watermark_ms = MR_TIME_NONE;
}
