#include "tests/sim/helper.h"

#include "engine/base/assert.h"

#define PAUSE_US 8000
#define LONG_PAUSE_US 300000

static int64_t pause_us(mr_sim_helper *self)
{
    switch (mr_memory_draw_below(self->process, 16)) {
    case 0:
    case 1:
    case 2: return 0;
    case 3: return (int64_t)mr_memory_draw_below(self->process, LONG_PAUSE_US);
    default: return (int64_t)mr_memory_draw_below(self->process, PAUSE_US);
    }
}

static int64_t now_us(const mr_sim_helper *self)
{
    return mr_memory_cluster_now_us(self->cluster);
}

static void start(mr_helper *helper, mr_helper_job job)
{
    mr_sim_helper *self = (mr_sim_helper *)helper;
    MR_ASSERT(!self->is_busy);
    self->job = job;
    self->is_busy = true;
    self->is_through = false;
    self->due_us = now_us(self) + pause_us(self);
    self->jobs++;
}

/* What is due now: a step, or the notice. */
static void go_on(mr_sim_helper *self)
{
    if (self->is_through) {
        self->is_busy = false;
        return;
    }
    self->is_through = !self->job.step(self->job.context);
    self->due_us = now_us(self) + (self->process->is_dead ? 0 : pause_us(self));
}

static bool wait(mr_helper *helper, int32_t timeout_ms)
{
    mr_sim_helper *self = (mr_sim_helper *)helper;
    int64_t until_us = timeout_ms < 0 ? INT64_MAX : now_us(self) + timeout_ms * INT64_C(1000);
    while (self->is_busy) {
        if (self->process->is_dead || now_us(self) >= self->due_us)
            go_on(self);
        else if (now_us(self) >= until_us)
            return false;
        else
            (void)mr_memory_cluster_wait(self->cluster,
                                         self->due_us < until_us ? self->due_us : until_us);
    }
    return true;
}

static void close_helper(mr_helper *helper)
{
    MR_ASSERT(!((mr_sim_helper *)helper)->is_busy);
}

static const mr_helper_class helper_class = {.start = start, .wait = wait, .close = close_helper};

void mr_sim_helper_init(mr_sim_helper *helper, mr_memory_cluster *cluster,
                        mr_memory_process *process)
{
    *helper = (mr_sim_helper){.helper = {&helper_class}, .cluster = cluster, .process = process};
}
