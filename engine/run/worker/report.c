#include "engine/run/worker/report.h"

#include "engine/base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What one counter of a task is published as. */
typedef struct series {
    const char *name;
    const char *label; /* besides job, operator and task */
    const char *total; /* which of the job's totals it adds to; NULL: none */
} series;

/* In the order of mr_task_counters. */
static const series of_source[] = {{"millrace_records_in_total", NULL, "in"},
                                   {"millrace_records_accepted_total", NULL, NULL},
                                   {"millrace_records_filtered_total", NULL, "filtered"},
                                   {"millrace_records_dead_total", NULL, "dead"},
                                   {"millrace_bytes_in_total", NULL, NULL},
                                   {"millrace_records_guarded_total", NULL, NULL},
                                   {"millrace_constraint_violations_total", NULL, NULL}};
static const series of_node[] = {{"millrace_records_in_total", NULL, NULL},
                                 {"millrace_records_accepted_total", NULL, NULL},
                                 {"millrace_records_filtered_total", NULL, "filtered"},
                                 {"millrace_late_records_total", "outcome", "late"},
                                 {"millrace_records_dead_total", NULL, "dead"},
                                 {"millrace_records_out_total", NULL, NULL},
                                 {"millrace_made_records_dead_total", NULL, "dead"}};
static const series of_sink[] = {{"millrace_records_in_total", NULL, NULL},
                                 {"millrace_records_accepted_total", NULL, "out"},
                                 {"millrace_records_dead_total", NULL, "dead"}};

/* Of a node that waits for watermarks; all NULL: it does not. */
typedef struct report_windows {
    mr_gauge *open, *timers;
    mr_counter *fired;
    uint64_t sealed, published; /* fired since the task was made */
} report_windows;

struct mr_report_task {
    uint32_t count;                      /* of counters; 0: not seen yet */
    mr_counter **shown;                  /* [count] */
    mr_counter **totals;                 /* [count]; NULL: adds to none */
    uint64_t *sealed;                    /* [count] */
    uint64_t *published;                 /* [count] */
    int64_t *sealed_next, *decided_next; /* [inputs_room]: offsets */
    uint32_t inputs_count, inputs_room;
    mr_gauge **watermark;    /* [sources], then [nodes] */
    report_windows *windows; /* [nodes] */
};

static bool has_late_reader(const mr_plan *plan, uint32_t node)
{
    for (uint32_t n = 0; n < plan->nodes_count; n++)
        for (uint32_t i = 0; i < plan->nodes[n].inputs_count; i++)
            if (plan->nodes[n].inputs[i].kind == MR_ORIGIN_NODE_LATE &&
                plan->nodes[n].inputs[i].index == node)
                return true;
    for (uint32_t s = 0; s < plan->sinks_count; s++)
        if (plan->sinks[s].input.kind == MR_ORIGIN_NODE_LATE && plan->sinks[s].input.index == node)
            return true;
    return false;
}

static mr_counter *job_total(mr_report *report, const char *what)
{
    const char *labels[] = {"job", report->plan->job, "outcome", what, NULL};
    return what != NULL ? mr_metrics_counter(report->metrics, "millrace_job_rows_total", labels)
                        : NULL;
}

static void register_series(mr_report *report, mr_report_task *at, const char *task,
                            const char *operator, const series * list, uint32_t count,
                            const char *outcome, bool is_exchange)
{
    for (uint32_t i = 0; i < count; i++) {
        const char *labels[] = {"job", report->plan->job, "operator", operator, "task",
                                task,  list[i].label,     outcome,    NULL};
        at->shown[at->count] = mr_metrics_counter(report->metrics, list[i].name, labels);
        bool is_flow = list[i].total != NULL &&
                       (strcmp(list[i].total, "in") == 0 || strcmp(list[i].total, "out") == 0);
        at->totals[at->count] = is_flow && is_exchange ? NULL : job_total(report, list[i].total);
        at->count++;
    }
}

static mr_gauge *task_gauge(mr_report *report, const char *name, const char *operator,
                            const char * task)
{
    const char *labels[] = {"job", report->plan->job, "task",
                            task, operator!= NULL ? "operator" : NULL, operator, NULL };
    return mr_metrics_gauge(report->metrics, name, labels);
}

static void register_windows(mr_report *report, const mr_plan *plan, uint32_t node,
                             const char *task, report_windows *to)
{
    if (plan->nodes[node].class->look == NULL)
        return;
    const char *id = plan->nodes[node].id;
    const char *labels[] = {"job", report->plan->job, "task", task, "operator", id, NULL};
    *to = (report_windows){
        .open = task_gauge(report, "millrace_windows_open", id, task),
        .timers = task_gauge(report, "millrace_timers_pending", id, task),
        .fired = mr_metrics_counter(report->metrics, "millrace_windows_fired_total", labels)};
}

/* A table may be read and written by one job, so its name alone would be two operators. */
static void register_task(mr_report *report, uint32_t index)
{
    const mr_plan *plan = mr_plan_of_task(report->plan, index);
    mr_report_task *at = &report->tasks[index];
    uint32_t room = mr_task_counters_count(plan);
    at->shown = mr_arena_zalloc(report->arena, room, sizeof(mr_counter *));
    at->totals = mr_arena_zalloc(report->arena, room, sizeof(mr_counter *));
    at->sealed = mr_arena_zalloc(report->arena, room, sizeof(uint64_t));
    at->published = mr_arena_zalloc(report->arena, room, sizeof(uint64_t));
    at->watermark =
        mr_arena_zalloc(report->arena, plan->sources_count + plan->nodes_count, sizeof(mr_gauge *));
    at->windows = mr_arena_zalloc(report->arena, plan->nodes_count, sizeof *at->windows);
    const char *task = mr_arena_printf(report->arena, "%" PRIu32, index);
    const char *wm = "millrace_watermark_timestamp_seconds";
    for (uint32_t s = 0; s < plan->sources_count; s++) {
        const char *id = mr_arena_printf(report->arena, "%s/source", plan->sources[s].table);
        register_series(report, at, task, id, of_source, MR_LENGTH(of_source), NULL,
                        plan->sources[s].exchange != NULL);
        at->watermark[s] = task_gauge(report, wm, id, task);
    }
    for (uint32_t n = 0; n < plan->nodes_count; n++) {
        register_series(report, at, task, plan->nodes[n].id, of_node, MR_LENGTH(of_node),
                        has_late_reader(plan, n) ? "side_output" : "dropped", false);
        at->watermark[plan->sources_count + n] = task_gauge(report, wm, plan->nodes[n].id, task);
        register_windows(report, plan, n, task, &at->windows[n]);
    }
    for (uint32_t s = 0; s < plan->sinks_count; s++)
        register_series(report, at, task,
                        mr_arena_printf(report->arena, "%s/sink", plan->sinks[s].table), of_sink,
                        MR_LENGTH(of_sink), NULL, plan->sinks[s].exchange != NULL);
}

static void init_time(mr_report *report)
{
    static const char *const states[MR_REPORT_STATES] = {"starting", "busy", "idle",
                                                         "backpressured", "committing"};
    for (size_t s = 0; s < MR_REPORT_STATES; s++) {
        const char *labels[] = {"job", report->plan->job, "state", states[s], NULL};
        report->spent[s] = mr_metrics_counter_of(report->metrics,
                                                 "millrace_task_time_seconds_total", labels, 1e-6);
    }
}

static void init_lateness(mr_report *report)
{
    const mr_plan *plan = report->plan;
    report->lateness = mr_arena_zalloc(report->arena, plan->nodes_count, sizeof(mr_histogram *));
    for (uint32_t n = 0; n < plan->nodes_count; n++) {
        const char *labels[] = {"job", plan->job, "operator", plan->nodes[n].id, NULL};
        if (plan->nodes[n].class->look != NULL)
            report->lateness[n] = mr_metrics_histogram(
                report->metrics, "millrace_record_lateness_seconds", labels, 1e-3);
    }
}

/* What is counted by epochs of this process. */
static void init_more(mr_report *report)
{
    const mr_plan *plan = report->plan;
    mr_metrics *metrics = report->metrics;
    const char *job[] = {"job", plan->job, NULL};
    const char *good[] = {"job", plan->job, "result", "committed", NULL};
    const char *bad[] = {"job", plan->job, "result", "aborted", NULL};
    if (plan->uses_log && plan->guarantee == MR_EXACTLY_ONCE) {
        report->transactions = mr_metrics_counter(metrics, "millrace_transactions_total", good);
        report->transactions_aborted =
            mr_metrics_counter(metrics, "millrace_transactions_total", bad);
        report->transaction_seconds =
            mr_metrics_histogram(metrics, "millrace_transaction_commit_seconds", job, 1e-6);
    }
    report->latency_seconds =
        mr_metrics_histogram(metrics, "millrace_e2e_latency_seconds", job, 1e-3);
    report->event_lag = mr_arena_zalloc(report->arena, plan->sources_count, sizeof(mr_histogram *));
    for (uint32_t s = 0; s < plan->sources_count; s++) {
        const char *id = mr_arena_printf(report->arena, "%s/source", plan->sources[s].table);
        const char *labels[] = {"job", plan->job, "operator", id, NULL};
        report->event_lag[s] =
            mr_metrics_histogram(metrics, "millrace_source_event_lag_seconds", labels, 1e-3);
    }
    report->bytes_out = mr_arena_zalloc(report->arena, plan->sinks_count, sizeof(mr_counter *));
    for (uint32_t s = 0; s < plan->sinks_count; s++) {
        const char *id = mr_arena_printf(report->arena, "%s/sink", plan->sinks[s].table);
        const char *labels[] = {"job", plan->job, "operator", id, NULL};
        report->bytes_out[s] = mr_metrics_counter(metrics, "millrace_bytes_out_total", labels);
    }
    mr_tally *both[] = {&report->open, &report->sealed};
    for (size_t i = 0; i < MR_LENGTH(both); i++) {
        both[i]->sinks_count = plan->sinks_count;
        both[i]->bytes_out = mr_arena_zalloc(report->arena, plan->sinks_count, sizeof(uint64_t));
        both[i]->nodes_count = plan->nodes_count;
        both[i]->lateness =
            mr_arena_zalloc(report->arena, plan->nodes_count, sizeof *both[i]->lateness);
    }
}

void mr_report_init(mr_report *report, mr_metrics *metrics, const mr_plan *plan, mr_arena *arena)
{
    *report = (mr_report){.metrics = metrics, .plan = plan, .arena = arena};
    if (metrics == NULL)
        return;
    report->tasks = mr_arena_zalloc(arena, plan->tasks_count, sizeof *report->tasks);
    const char *job[] = {"job", plan->job, NULL};
    const char *good[] = {"job", plan->job, "result", "committed", NULL};
    const char *bad[] = {"job", plan->job, "result", "aborted", NULL};
    report->committed = mr_metrics_counter(metrics, "millrace_checkpoints_total", good);
    report->aborted = mr_metrics_counter(metrics, "millrace_checkpoints_total", bad);
    report->rebalances = mr_metrics_counter(metrics, "millrace_rebalances_total", job);
    report->read = mr_metrics_counter(metrics, "millrace_records_read_total", job);
    report->commit_seconds =
        mr_metrics_histogram(metrics, "millrace_checkpoint_duration_seconds", job, 1e-6);
    report->restore_seconds =
        mr_metrics_histogram(metrics, "millrace_restore_duration_seconds", job, 1e-6);
    report->committed_at =
        mr_metrics_gauge(metrics, "millrace_checkpoint_last_success_timestamp_seconds", job);
    if (plan->uses_log)
        report->size_bytes =
            mr_metrics_histogram(metrics, "millrace_checkpoint_size_bytes", job, 1);
    init_more(report);
    init_lateness(report);
    init_time(report);
    static const char *const totals[] = {"in", "out", "filtered", "late", "dead"};
    for (size_t i = 0; i < MR_LENGTH(totals); i++)
        (void)job_total(report, totals[i]);
}

static mr_report_task *task_of(mr_report *report, uint32_t index)
{
    if (report->metrics == NULL)
        return NULL;
    MR_ASSERT(index < report->plan->tasks_count);
    if (report->tasks[index].count == 0)
        register_task(report, index);
    return &report->tasks[index];
}

static void seal_offsets(mr_report *report, mr_report_task *at, mr_task *task)
{
    at->inputs_count = mr_task_inputs_count(task);
    if (at->inputs_count > at->inputs_room) {
        at->inputs_room = at->inputs_count * 2;
        at->sealed_next = mr_arena_zalloc(report->arena, at->inputs_room, sizeof(int64_t));
        at->decided_next = mr_arena_zalloc(report->arena, at->inputs_room, sizeof(int64_t));
    }
    for (uint32_t i = 0; i < at->inputs_count; i++)
        at->sealed_next[i] = mr_task_input_at(task, i)->offset_next;
}

void mr_report_seal(mr_report *report, mr_task *task)
{
    mr_report_task *at = task_of(report, mr_task_index(task));
    if (at == NULL)
        return;
    MR_ASSERT(mr_task_counters(task, at->sealed, at->count) == at->count);
    for (uint32_t n = 0; n < mr_plan_of_task(report->plan, mr_task_index(task))->nodes_count; n++)
        at->windows[n].sealed = mr_graph_windows_fired(mr_task_graph(task), n);
    seal_offsets(report, at, task);
    mr_tally_move(&report->sealed, &report->open);
}

void mr_report_sealed_bytes(mr_report *report, uint64_t bytes)
{
    report->sealed_bytes += bytes;
}

void mr_report_spend(mr_report *report, mr_report_state state, const mr_clock *clock)
{
    if (report->metrics == NULL)
        return;
    int64_t now_us = clock->monotonic_us(clock);
    if (report->state_since_us != 0)
        mr_counter_add(report->spent[report->state], (uint64_t)(now_us - report->state_since_us));
    report->state = state;
    report->state_since_us = now_us;
}

/* A code is a label: there are as many as there are errors of rows. */
static void publish_letters(mr_report *report, const mr_tally_dead *dead)
{
    char code[16];
    snprintf(code, sizeof code, "MR%04d", dead->code);
    const char *labels[] = {"job", report->plan->job, "stage", dead->stage, "code", code, NULL};
    mr_counter_add(mr_metrics_counter(report->metrics, "millrace_dlq_records_total", labels),
                   dead->letters);
    if (dead->cut > 0)
        mr_counter_add(
            mr_metrics_counter(report->metrics, "millrace_dlq_records_cut_total", labels),
            dead->cut);
}

static void publish_tally(mr_report *report)
{
    mr_tally *sealed = &report->sealed;
    for (uint32_t i = 0; i < sealed->dead_count; i++)
        publish_letters(report, &sealed->dead[i]);
    for (uint32_t s = 0; s < sealed->sinks_count; s++)
        mr_counter_add(report->bytes_out[s], sealed->bytes_out[s]);
    for (uint32_t n = 0; n < sealed->nodes_count; n++)
        if (report->lateness[n] != NULL)
            mr_histogram_move(report->lateness[n], &sealed->lateness[n]);
    if (sealed->oldest_ms != 0)
        report->oldest_ms = sealed->oldest_ms;
    mr_tally_clear(sealed);
}

void mr_report_decided(mr_report *report, uint32_t task)
{
    mr_report_task *at = task_of(report, task);
    if (at == NULL)
        return;
    publish_tally(report);
    for (uint32_t i = 0; i < at->inputs_count; i++)
        at->decided_next[i] = at->sealed_next[i];
    for (uint32_t n = 0; n < mr_plan_of_task(report->plan, task)->nodes_count; n++) {
        report_windows *windows = &at->windows[n];
        if (windows->fired != NULL)
            mr_counter_add(windows->fired, windows->sealed - windows->published);
        windows->published = windows->sealed;
    }
    for (uint32_t i = 0; i < at->count; i++) {
        /* Lower only after a reset by somebody else; then nothing is shown until it is passed. */
        if (at->sealed[i] <= at->published[i])
            continue;
        uint64_t more = at->sealed[i] - at->published[i];
        mr_counter_add(at->shown[i], more);
        if (at->totals[i] != NULL)
            mr_counter_add(at->totals[i], more);
        at->published[i] = at->sealed[i];
    }
}

void mr_report_committed(mr_report *report, int64_t took_us, int64_t wall_ms)
{
    if (report->metrics == NULL)
        return;
    mr_counter_add(report->committed, 1);
    mr_histogram_record(report->commit_seconds, took_us);
    mr_gauge_set(report->committed_at, (double)wall_ms / 1000);
    if (report->size_bytes != NULL)
        mr_histogram_record(report->size_bytes, (int64_t)report->sealed_bytes);
    report->sealed_bytes = 0;
    if (report->transactions != NULL) {
        mr_counter_add(report->transactions, 1);
        mr_histogram_record(report->transaction_seconds, took_us);
    }
    if (report->oldest_ms != 0)
        mr_histogram_record(report->latency_seconds, wall_ms - report->oldest_ms);
    report->oldest_ms = 0;
}

void mr_report_aborted(mr_report *report)
{
    if (report->metrics == NULL)
        return;
    mr_counter_add(report->aborted, 1);
    if (report->transactions_aborted != NULL)
        mr_counter_add(report->transactions_aborted, 1);
    report->sealed_bytes = 0;
    mr_tally_clear(&report->open);
    mr_tally_clear(&report->sealed);
}

void mr_report_rebalanced(mr_report *report)
{
    if (report->metrics != NULL)
        mr_counter_add(report->rebalances, 1);
}

void mr_report_read(mr_report *report, uint32_t source, const mr_task_input *input,
                    const mr_records *records, const mr_clock *clock)
{
    if (report->metrics == NULL)
        return;
    mr_counter_add(report->read, records->count);
    mr_tally_oldest(&report->open, records->record[0].timestamp_ms);
    int64_t watermark_ms = input->watermark.value_ms;
    if (watermark_ms != MR_TIME_NONE && watermark_ms != MR_TIME_MAX)
        mr_histogram_record(report->event_lag[source], clock->wall_ms(clock) - watermark_ms);
}

void mr_report_restored(mr_report *report, mr_task *task, int64_t took_us)
{
    if (report->metrics == NULL)
        return;
    /* It is a task made anew, which has fired nothing. */
    const mr_plan *plan = mr_plan_of_task(report->plan, mr_task_index(task));
    for (uint32_t n = 0; n < plan->nodes_count; n++)
        task_of(report, mr_task_index(task))->windows[n].published = 0;
    mr_report_seal(report, task);
    mr_report_decided(report, mr_task_index(task));
    mr_histogram_record(report->restore_seconds, took_us);
}

static mr_gauge *input_gauge(mr_report *report, const char *name, const mr_task_input *input)
{
    char partition[16];
    snprintf(partition, sizeof partition, "%" PRId32, input->partition);
    const char *labels[] = {"job",       report->plan->job, "topic", input->topic,
                            "partition", partition,         NULL};
    return mr_metrics_gauge(report->metrics, name, labels);
}

static void set_count(mr_gauge *gauge, int64_t count)
{
    if (count < 0)
        mr_gauge_clear(gauge);
    else
        mr_gauge_set(gauge, (double)count);
}

static void set_time(mr_gauge *gauge, int64_t time_ms)
{
    if (time_ms == MR_TIME_NONE || time_ms == MR_TIME_MAX)
        mr_gauge_clear(gauge);
    else
        mr_gauge_set(gauge, (double)time_ms / 1000);
}

void mr_report_input(mr_report *report, const mr_task_input *input, int64_t position, int64_t lag,
                     bool is_held)
{
    if (report->metrics == NULL)
        return;
    set_count(input_gauge(report, "millrace_kafka_position_offset", input), position);
    set_count(input_gauge(report, "millrace_kafka_consumer_lag_records", input), lag);
    mr_gauge_set(input_gauge(report, "millrace_source_partition_idle", input),
                 input->watermark.is_idle);
    mr_gauge_set(input_gauge(report, "millrace_source_partition_paused", input), is_held);
    set_time(input_gauge(report, "millrace_source_watermark_timestamp_seconds", input),
             input->watermark.value_ms);
}

static void show_windows(const mr_plan *plan, mr_report_task *at, const mr_graph *graph)
{
    for (uint32_t n = 0; n < plan->nodes_count; n++) {
        mr_operator_look look;
        if (at->windows[n].timers == NULL || !mr_graph_look(graph, n, &look))
            continue;
        mr_gauge_set(at->windows[n].timers, (double)look.timers);
        if (look.has_windows)
            mr_gauge_set(at->windows[n].open, (double)look.windows_open);
    }
}

/* Tables are named OPERATOR/ROLE; an operator's stand together. */
static void show_state(mr_report *report, const mr_task *task, const mr_state *state)
{
    char number[16];
    snprintf(number, sizeof number, "%" PRIu32, mr_task_index(task));
    uint32_t count = mr_state_tables_count(state);
    for (uint32_t t = 0, next; t < count; t = next) {
        const char *name = mr_state_table_name(state, t);
        const char *end = strrchr(name, '/');
        size_t length = end != NULL ? (size_t)(end - name) : strlen(name);
        char operator[256];
        snprintf(operator, sizeof operator, "%.*s", (int)length, name);
        size_t bytes = 0;
        uint64_t entries = 0;
        for (next = t; next < count; next++) {
            const char *other = mr_state_table_name(state, next);
            const char *slash = strrchr(other, '/');
            if (strncmp(other, name, length) != 0 || slash != (end != NULL ? other + length : NULL))
                break;
            bytes += mr_state_table_bytes(state, next);
            entries += mr_state_table_entries(state, next);
        }
        mr_gauge_set(task_gauge(report, "millrace_state_bytes", operator, number), (double)bytes);
        mr_gauge_set(task_gauge(report, "millrace_state_entries", operator, number),
                     (double)entries);
        next = next > t ? next : t + 1;
    }
}

void mr_report_task_now(mr_report *report, mr_task *task)
{
    mr_report_task *at = task_of(report, mr_task_index(task));
    if (at == NULL)
        return;
    const mr_plan *plan = mr_plan_of_task(report->plan, mr_task_index(task));
    for (uint32_t i = 0; i < at->inputs_count; i++) {
        const mr_task_input *input = mr_task_input_at(task, i);
        if (plan->sources[input->source].reader == NULL)
            set_count(input_gauge(report, "millrace_kafka_committed_offset", input),
                      at->decided_next[i]);
    }
    for (uint32_t s = 0; s < plan->sources_count; s++)
        set_time(at->watermark[s], mr_task_source_watermark(task, s));
    for (uint32_t n = 0; n < plan->nodes_count; n++)
        set_time(at->watermark[plan->sources_count + n],
                 mr_graph_node_watermark(mr_task_graph(task), n));
    show_windows(plan, at, mr_task_graph(task));
    show_state(report, task, mr_task_state(task));
}

void mr_report_memory(mr_report *report, const mr_budget *budget)
{
    for (int part = 0; report->metrics != NULL && budget != NULL && part < MR_BUDGET_PARTS;
         part++) {
        const char *labels[] = {"part", mr_budget_part_name((mr_budget_part)part), NULL};
        mr_gauge_set(mr_metrics_gauge(report->metrics, "millrace_memory_bytes", labels),
                     (double)atomic_load_explicit(&budget->used[part], memory_order_relaxed));
    }
}
