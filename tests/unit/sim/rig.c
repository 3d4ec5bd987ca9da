#include "tests/unit/sim/rig.h"

#include "engine/base/assert.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mr_rig_set_up(mr_rig *r, const mr_rig_options *options)
{
    *r = (mr_rig){.config = {.fetch_rows_max = 16, .apply_epochs = 2}, .takes_checkpoints = true};
    mr_sim_world_init(&r->world, options->seed != 0 ? options->seed : 1,
                      options->workers != 0 ? options->workers : 1, NULL);
    mr_sim_create(&r->world, "in", MR_SIM_PARTITIONS);
    mr_sim_create(&r->world, "out", options->out_partitions != 0 ? options->out_partitions : 1);
    mr_sim_create(&r->world, "late", 1);
    mr_sim_create(&r->world, "dlq", MR_SIM_PARTITIONS);
    mr_sim_job_init(&r->job, &options->job);
    mr_sim_job_cut(&r->job, &options->job);
    r->config.plan = &r->job.plan;
    r->config.clock = mr_sim_clock(&r->world);
    r->config.checkpoints =
        (mr_worker_checkpoints){.interval_ms = 100, .count_max = 2, .grace_ms = 60000};
    r->law = calloc(1, sizeof *r->law);
    MR_ASSERT(r->law != NULL);
    mr_sim_law_init(r->law, r->job.window.size_ms, r->job.window.slide_ms);
}

void mr_rig_tear_down(mr_rig *r)
{
    mr_sim_world_release(&r->world);
    mr_sim_job_release(&r->job);
    mr_sim_law_release(r->law);
    free(r->law);
}

void mr_rig_start(mr_rig *r, uint32_t k, bool is_bounded)
{
    mr_rig_seat *seat = &r->seats[k];
    mr_memory_process *process = mr_sim_process(&r->world, k);
    seat->log = mr_sim_connect(&r->world, k);
    for (int i = 0; i < 2; i++)
        seat->blobs[i] = mr_sim_blobs_open(r->world.blobs, process);
    mr_sim_helper_init(&seat->helper, r->world.cluster, process);
    mr_sim_helper_init(&seat->pipelining, r->world.cluster, process);
    snprintf(seat->name, sizeof seat->name, "w%" PRIu32, k);
    mr_worker_config config = r->config;
    config.log = seat->log;
    config.stores = mr_sim_stores(&r->world, k);
    config.instance_id = seat->name;
    config.is_bounded = is_bounded;
    config.blobs = seat->blobs[0];
    if (r->is_pipelined)
        config.helper = &seat->pipelining.helper;
    config.checkpoints.blobs = seat->blobs[1];
    config.checkpoints.helper = r->takes_checkpoints ? &seat->helper.helper : NULL;
    seat->worker = mr_worker_new(&config);
}

void mr_rig_stop(mr_rig *r, uint32_t k)
{
    mr_rig_seat *seat = &r->seats[k];
    mr_worker_free(seat->worker);
    seat->worker = NULL;
    seat->log->class->close(seat->log);
    for (int i = 0; i < 2; i++)
        seat->blobs[i]->class->close(seat->blobs[i]);
}

void mr_rig_feed(mr_rig *r, uint32_t rounds, int64_t step_ms)
{
    for (; rounds > 0; rounds--, r->time_ms += step_ms) {
        for (uint32_t key = 0; key < MR_SIM_KEYS; key++) {
            char value[64];
            snprintf(value, sizeof value, "k%" PRIu32 "|%" PRId64 "|%d", key, r->time_ms, 5);
            mr_sim_put(&r->world, "in", (int32_t)(key % MR_SIM_PARTITIONS), NULL, value,
                       MR_TIME_NONE);
            mr_sim_law_sent(r->law, key, r->time_ms, 5);
        }
    }
}

uint64_t mr_rig_draw(mr_rig *r, uint64_t below)
{
    r->random = r->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (r->random >> 33) % below;
}

void mr_rig_feed_mixed(mr_rig *r)
{
    for (uint32_t key = 0; key < MR_SIM_KEYS; key++) {
        char value[64];
        int32_t partition = (int32_t)(key % MR_SIM_PARTITIONS);
        if (partition >= 2 && r->time_ms / 200 % 2 == 1)
            continue;
        int64_t time_ms = r->time_ms;
        if (mr_rig_draw(r, 6) == 0)
            time_ms -= (int64_t)mr_rig_draw(r, 60);
        snprintf(value, sizeof value, "k%" PRIu32 "|%" PRId64 "|%d", key, time_ms, 5);
        if (mr_rig_draw(r, 15) == 0)
            snprintf(value, sizeof value, "broken %" PRIu64, r->broken++);
        mr_sim_put(&r->world, "in", partition, NULL, value, MR_TIME_NONE);
    }
    r->time_ms += 7;
}

bool mr_rig_step(mr_rig *r, uint32_t k)
{
    bool is_good = mr_worker_step(r->seats[k].worker, &r->err) == MR_OK;
    mr_worker_stats_get(r->seats[k].worker, &r->stats);
    return is_good;
}

void mr_rig_step_until(mr_rig *r, uint32_t k, mr_worker_phase phase)
{
    for (uint32_t s = 0; mr_worker_phase_of(r->seats[k].worker) != phase; s++) {
        cr_assert_lt(s, MR_RIG_STEPS_MAX, "it does not come to %s", mr_worker_phase_name(phase));
        cr_assert(mr_rig_step(r, k), "MR%d %s", r->err.status, r->err.message);
    }
}

static void restart(mr_rig *r, uint32_t seat)
{
    cr_assert_eq(r->err.status, MR_E_CRASHED, "MR%d %s", r->err.status, r->err.message);
    mr_rig_stop(r, seat);
    mr_rig_start(r, seat, false);
}

static void leave(mr_rig *r, uint32_t seat)
{
    mr_worker_request_stop(r->seats[seat].worker);
    while (mr_worker_phase_of(r->seats[seat].worker) < MR_WORKER_STOPPED)
        if (!mr_rig_step(r, seat))
            break; /* killed: what is committed counts */
    mr_rig_stop(r, seat);
}

int64_t mr_rig_live(mr_rig *r, uint32_t rounds, bool is_second, bool is_mixed)
{
    int64_t middle_ms = 0;
    mr_rig_start(r, 0, false);
    for (uint32_t s = 0; s < rounds; s++) {
        if (s % 15 == 0 && s + 300 < rounds && is_mixed)
            mr_rig_feed_mixed(r);
        else if (s % 15 == 0 && !is_mixed)
            mr_rig_feed(r, 1, 4);
        if (s == rounds / 2)
            middle_ms = mr_sim_clock(&r->world)->wall_ms(mr_sim_clock(&r->world));
        if (s % 700 == 699)
            mr_sim_kill_at(&r->world, s / 700 % 2 == 1 && r->seats[1].worker != NULL,
                           1 + mr_rig_draw(r, 60), MR_MEMORY_CRASH_DRAWN);
        if (is_second && s % 900 == 200)
            mr_rig_start(r, 1, false);
        if (is_second && s % 900 == 800)
            leave(r, 1);
        for (uint32_t seat = 0; seat < 2; seat++)
            if (r->seats[seat].worker != NULL && !mr_rig_step(r, seat))
                restart(r, seat);
    }
    for (uint32_t seat = 2; seat-- > 0;)
        if (r->seats[seat].worker != NULL)
            leave(r, seat);
    mr_sim_pass(&r->world, 60000); /* what they left open is over, their sessions too */
    return middle_ms;
}

void mr_rig_stop_before_decision(mr_rig *r, uint32_t k)
{
    mr_memory_process *process = mr_sim_process(&r->world, k);
    mr_sim_helper *decider = &r->seats[k].pipelining;
    for (int s = 0; s < 2000; s++) {
        if (s % 20 == 0)
            mr_rig_feed(r, 1, 4);
        cr_assert(mr_rig_step(r, k), "%s", r->err.message);
        while (decider->is_busy && !decider->is_through) {
            decider->is_through = !decider->job.step(decider->job.context);
            if (decider->is_through || strcmp(process->last_call, "writer.send_offsets") != 0)
                continue;
            mr_memory_process_stop(process);
            return;
        }
    }
    cr_assert_fail("it was never found between offsets and decision");
}

void mr_rig_judge(mr_rig *r)
{
    char why[512] = "";
    mr_buffer text = {0};
    mr_sim_read(&r->world, "out", 0, &text);
    mr_buffer_put_u8(&text, '\0');
    cr_expect(mr_sim_law_take(r->law, "out", text.data, why, sizeof why), "%s", why);
    cr_expect(mr_sim_law_holds(r->law, why, sizeof why), "%s", why);
    mr_buffer_release(&text);
}

void mr_rig_finish(mr_rig *r)
{
    mr_rig_start(r, 0, true);
    mr_rig_step_until(r, 0, MR_WORKER_FINISHED);
    mr_rig_stop(r, 0);
    mr_rig_judge(r);
}

int64_t mr_rig_log_start(mr_rig *r, int32_t task)
{
    int64_t start = -1;
    mr_log *log = r->world.outside;
    cr_assert_eq(log->class->offset(log, "sim.state", task, MR_OFFSET_EARLIEST, &start, &r->err),
                 MR_OK);
    return start;
}

mr_log_member *mr_rig_join(mr_rig *r)
{
    mr_log *log = r->world.outside;
    mr_log_member *member;
    mr_member_event event = {0};
    mr_member_options options = {.group = "sim", .topic = "sim.state"};
    cr_assert_eq(log->class->open_member(log, &options, &member, &r->err), MR_OK);
    for (uint32_t s = 0; event.kind != MR_MEMBER_ASSIGNED; s++) {
        cr_assert_lt(s, 1000u);
        cr_assert_eq(member->class->poll(member, 100, &event, &r->err), MR_OK, "%s",
                     r->err.message);
        mr_sim_pass(&r->world, 100);
    }
    return member;
}
