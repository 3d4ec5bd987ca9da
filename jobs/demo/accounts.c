#include "jobs/demo/accounts.h"

#include <inttypes.h>
#include <stdio.h>

typedef struct line {
    const char *name;
    uint64_t in, accepted, filtered, late, dead;
} line;

static bool show(mr_demo_screen *screen, const line *at)
{
    bool is_good = at->in == at->accepted + at->filtered + at->late + at->dead;
    mr_demo_screen_say(screen, is_good ? 0 : 'b',
                       "  %-24s %7" PRIu64 " = %7" PRIu64 " on + %" PRIu64 " filtered + %" PRIu64
                       " late + %" PRIu64 " dead%s",
                       at->name, at->in, at->accepted, at->filtered, at->late, at->dead,
                       is_good ? "" : "   DOES NOT ADD UP");
    return is_good;
}

static line source_line(const mr_worker *worker, const mr_plan *plan, uint32_t source)
{
    line sum = {.name = plan->sources[source].table};
    for (uint32_t t = 0; t < mr_worker_tasks_count(worker); t++) {
        const mr_task *task = mr_worker_task_at(worker, t);
        if (task == NULL)
            continue;
        const mr_source_counts *counts = mr_task_source_counts(task, source);
        sum.in += counts->records;
        sum.accepted += counts->rows;
        sum.filtered += counts->filtered;
        sum.dead += counts->dead;
    }
    return sum;
}

static line node_line(const mr_worker *worker, const mr_plan *plan, uint32_t node)
{
    line sum = {.name = plan->nodes[node].id};
    for (uint32_t t = 0; t < mr_worker_tasks_count(worker); t++) {
        const mr_task *task = mr_worker_task_at(worker, t);
        if (task == NULL)
            continue;
        mr_operator_counts counts = mr_graph_node_counts(mr_task_graph(task), node);
        sum.in += counts.rows_in;
        sum.accepted += counts.accepted;
        sum.filtered += counts.filtered;
        sum.late += counts.late;
        sum.dead += counts.dead;
    }
    return sum;
}

static line sink_line(const mr_worker *worker, const mr_plan *plan, uint32_t sink)
{
    line sum = {.name = plan->sinks[sink].table};
    for (uint32_t t = 0; t < mr_worker_tasks_count(worker); t++) {
        const mr_task *task = mr_worker_task_at(worker, t);
        if (task == NULL)
            continue;
        mr_sink_counts counts = mr_graph_sink_counts(mr_task_graph(task), sink);
        sum.in += counts.rows_in;
        sum.accepted += counts.written;
        sum.dead += counts.dead;
    }
    return sum;
}

/* What lies in Kafka against what was told. */
static bool show_balance(mr_demo_screen *screen, const mr_demo_outputs *outputs, uint64_t told)
{
    uint64_t found = outputs->departures + outputs->late + outputs->dead;
    mr_demo_screen_say(screen, 'h', "\nRead back from Kafka");
    mr_demo_screen_say(screen, 0,
                       "  %" PRIu64 " results hold %" PRIu64 " departures; %" PRIu64
                       " late flights; %" PRIu64 " dead letters",
                       outputs->results, outputs->departures, outputs->late, outputs->dead);
    bool is_good = found == told;
    uint64_t lost = told > found ? told - found : 0;
    uint64_t doubled = found > told ? found - told : 0;
    mr_demo_screen_say(screen, is_good ? 'g' : 'b',
                       "  %" PRIu64 " + %" PRIu64 " + %" PRIu64 " = %" PRIu64 " of %" PRIu64
                       " flights told: %" PRIu64 " lost, %" PRIu64 " doubled",
                       outputs->departures, outputs->late, outputs->dead, found, told, lost,
                       doubled);
    return is_good;
}

bool mr_demo_accounts_show(mr_demo_screen *screen, const mr_worker *worker, const mr_plan *plan,
                           const mr_demo_outputs *outputs, uint64_t told)
{
    bool is_good = true;
    mr_demo_screen_say(screen, 'h', "\nAccounts: rows in = on + filtered + late + dead");
    for (uint32_t s = 0; s < plan->sources_count; s++) {
        line at = source_line(worker, plan, s);
        is_good &= show(screen, &at);
    }
    for (uint32_t n = 0; n < plan->nodes_count; n++) {
        line at = node_line(worker, plan, n);
        is_good &= show(screen, &at);
    }
    for (uint32_t s = 0; s < plan->sinks_count; s++) {
        line at = sink_line(worker, plan, s);
        is_good &= show(screen, &at);
    }
    return show_balance(screen, outputs, told) && is_good;
}
