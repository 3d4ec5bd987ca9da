#include "tests/unit/sim/staged.h"

#include <criterion/criterion.h>
#include <inttypes.h>

static void change_text(mr_sim_job *job, bool is_more)
{
    mr_plan_source *source = mr_arena_copy(&job->arena, job->plan.sources, sizeof *source);
    mr_plan_node *nodes = mr_arena_zalloc(&job->arena, 2, sizeof *nodes);
    mr_plan_sink *sinks = mr_arena_copy(&job->arena, job->plan.sinks, 2 * sizeof *sinks);
    uint32_t last = is_more ? 1 : 0;
    source->table = "renamed";
    nodes[0] = nodes[last] = job->plan.nodes[0];
    nodes[last].id = "tally/window";
    if (is_more) {
        mr_window_config *more = mr_arena_copy(&job->arena, &job->window, sizeof *more);
        *more = (mr_window_config){.kind = MR_WINDOW_TUMBLE,
                                   .size_ms = 40,
                                   .slide_ms = 40,
                                   .keys_count = more->keys_count,
                                   .keys = more->keys,
                                   .key_types = more->key_types,
                                   .aggregates_count = 1,
                                   .aggregates = more->aggregates};
        nodes[0].id = "more/window";
        nodes[0].class = &mr_window_aggregate_class;
        nodes[0].config = more;
    }
    for (int s = 0; s < 2; s++)
        sinks[s].input.index = last;
    job->plan.version = 2;
    job->plan.sources = source;
    job->plan.nodes = nodes;
    job->plan.nodes_count = last + 1;
    job->plan.sinks = sinks;
}

void mr_staged_set_up(mr_staged *s, uint64_t seed, const mr_move *move,
                      const mr_sim_job_options *job, bool is_more)
{
    s->options = *job;
    s->options.tasks_count = move->from.tasks;
    s->options.later_tasks = move->from.later;
    mr_rig_set_up(&s->r, &(mr_rig_options){.seed = seed * 7 + 3, .workers = 3, .job = s->options});
    s->r.random = seed;
    s->r.is_pipelined = seed % 2 == 0;
    s->r.takes_checkpoints = seed % 5 == 0;
    s->r.config.is_dynamic_member = true;
    s->r.law->is_session = s->options.is_session;
    s->r.law->is_in_order = s->options.idle_timeout_ms == 0;
    mr_sim_job_options options = s->options;
    options.tasks_count = move->to.tasks;
    options.later_tasks = move->to.later;
    mr_sim_job_init(&s->other, &options);
    change_text(&s->other, is_more);
    mr_sim_job_cut(&s->other, &options);
}

void mr_staged_tear_down(mr_staged *s)
{
    mr_sim_job_release(&s->other);
    mr_rig_tear_down(&s->r);
}

static void expect_law(mr_staged *s, const char *topic)
{
    char why[512] = "";
    mr_buffer text = {0};
    mr_sim_read(&s->r.world, topic, 0, &text);
    mr_buffer_put_u8(&text, '\0');
    cr_expect(mr_sim_law_take(s->r.law, topic, text.data, why, sizeof why), "%s", why);
    mr_buffer_release(&text);
}

void mr_staged_finish(mr_staged *s, uint64_t seed)
{
    char why[512] = "";
    s->r.config.plan = &s->other.plan;
    mr_rig_start(&s->r, 0, true);
    mr_rig_step_until(&s->r, 0, MR_WORKER_FINISHED);
    mr_rig_stop(&s->r, 0);
    expect_law(s, "late");
    expect_law(s, "out");
    cr_expect(mr_sim_law_holds(s->r.law, why, sizeof why), "seed %" PRIu64 ": %s", seed, why);
}

void mr_staged_upgrade(mr_staged *s)
{
    mr_status status = MR_E_UPGRADE_UNSETTLED;
    for (int i = 0; status == MR_E_UPGRADE_UNSETTLED; i++) {
        mr_upgrading t;
        cr_assert_lt(i, 20, "it never settles: %s", s->r.err.message);
        mr_upgrading_open(&s->r, &t, &s->r.job.plan, &s->other.plan);
        status = mr_upgrading_try(&s->r, &t, false);
        cr_assert(status == MR_OK ||
                      (status == MR_E_UPGRADE_UNSETTLED && s->options.idle_timeout_ms > 0),
                  "MR%d %s", s->r.err.status, s->r.err.message);
        mr_upgrading_close(&t);
        mr_sim_pass(&s->r.world, 60000);
        s->r.config.plan = &s->r.job.plan;
        if (status != MR_OK)
            mr_upgrading_live(&s->r, 300);
    }
}
