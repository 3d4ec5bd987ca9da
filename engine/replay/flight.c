#include "engine/replay/flight.h"

#include "engine/replay/player.h"
#include "engine/replay/renamed.h"

#include <inttypes.h>
#include <stdio.h>

typedef struct flight {
    mr_task_io io;
    mr_renamed nowhere;
    mr_sink nobody; /* of sinks that are no topics */
    bool is_different;
    char what[160];
} flight;

/* ---- rows are made, and go nowhere ---- */

static mr_status drop_rows(mr_sink *sink, const mr_sink_write *context, const mr_batch *batch,
                           mr_row_errors *errors, mr_error *err)
{
    (void)sink;
    (void)context;
    (void)batch;
    (void)errors;
    (void)err;
    return MR_OK;
}

static const mr_sink_class nobody_class = {.write = drop_rows};

static mr_status open_sinks(flight *f, const mr_plan *plan, mr_arena *arena, mr_error *err)
{
    mr_status status = MR_OK;
    f->nobody.class = &nobody_class;
    f->io.sinks = mr_arena_zalloc(arena, plan->sinks_count, sizeof(mr_sink *));
    for (uint32_t s = 0; status == MR_OK && s < plan->sinks_count; s++) {
        const mr_plan_sink *sink = &plan->sinks[s];
        if (sink->topic != NULL)
            status = sink->open(sink->config, &f->io.sinks[s], err);
        else if (sink->exchange == NULL)
            f->io.sinks[s] = &f->nobody;
    }
    return status;
}

static void close_sinks(flight *f, const mr_plan *plan)
{
    for (uint32_t s = 0; f->io.sinks != NULL && s < plan->sinks_count; s++)
        if (f->io.sinks[s] != NULL && f->io.sinks[s] != &f->nobody)
            f->io.sinks[s]->class->close(f->io.sinks[s]);
}

static int32_t no_partitions(void *context, const char *topic)
{
    (void)context;
    (void)topic;
    return 0;
}

/* ---- playing ---- */

static void want(void *context, bool is_wanted)
{
    (void)context;
    (void)is_wanted;
}

static mr_status breathe(void *context, mr_error *err)
{
    (void)context;
    (void)err;
    return MR_OK;
}

static void differ(void *context, uint32_t task, uint64_t epoch, const char *what)
{
    flight *f = context;
    if (f->is_different)
        return;
    f->is_different = true;
    snprintf(f->what, sizeof f->what, "task %" PRIu32 ", epoch %" PRIu64 ": %s", task, epoch, what);
}

static void count(void *context, uint64_t records, uint64_t epochs)
{
    (void)context;
    (void)records;
    (void)epochs;
}

static mr_status play(flight *f, const mr_moments *m, const mr_cut *cut, mr_spool *spool,
                      mr_error *err)
{
    mr_status status = MR_OK;
    mr_player player = {.moments = m,
                        .cut = cut,
                        .io = &f->io,
                        .spool = spool,
                        .want = want,
                        .breathe = breathe,
                        .differ = differ,
                        .count = count,
                        .context = f};
    for (player.task = 0; status == MR_OK && player.task < m->plan->tasks_count; player.task++) {
        status = mr_cut_check(m, cut, player.task, err);
        if (status == MR_OK && cut->stop[player.task].epoch > cut->start[player.task].epoch)
            status = mr_player_run(&player, err);
    }
    if (status == MR_OK && f->is_different)
        status = mr_error_set(err, MR_E_MOMENT,
                              "what was on its way between stages cannot be made again by this "
                              "text: %s",
                              f->what);
    return status;
}

mr_status mr_flight_make(const mr_moments *m, const mr_cut *cut, mr_spool **spool, mr_error *err)
{
    mr_arena arena = {0};
    flight f = {.io = {.job = m->plan->job,
                       .clock = m->clock,
                       .logger = m->logger,
                       .dlq_partitions = no_partitions}};
    *spool = NULL;
    if (mr_plan_stages(m->plan) == 1)
        return MR_OK;
    mr_renamed_init(&f.nowhere, NULL, "");
    f.nowhere.is_silent = true;
    f.io.writer = &f.nowhere.writer;
    mr_status status = open_sinks(&f, m->plan, &arena, err);
    if (status == MR_OK)
        status = mr_spool_open(spool, err);
    if (status == MR_OK)
        status = play(&f, m, cut, *spool, err);
    close_sinks(&f, m->plan);
    mr_renamed_release(&f.nowhere);
    mr_arena_release(&arena);
    if (status == MR_OK)
        return MR_OK;
    mr_spool_close(*spool);
    *spool = NULL;
    return status;
}
