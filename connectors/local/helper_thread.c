#include "connectors/local/helper_thread.h"

#include "engine/base/assert.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

typedef struct helper_thread {
    mr_helper helper;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    mr_helper_job job;
    bool is_busy; /* `job` is to be run, or runs */
    bool is_closing;
} helper_thread;

static void *run(void *context)
{
    helper_thread *self = context;
    pthread_mutex_lock(&self->lock);
    while (!self->is_closing) {
        if (!self->is_busy) {
            pthread_cond_wait(&self->changed, &self->lock);
            continue;
        }
        mr_helper_job job = self->job;
        pthread_mutex_unlock(&self->lock);
        while (job.step(job.context))
            ;
        pthread_mutex_lock(&self->lock);
        self->is_busy = false;
        pthread_cond_broadcast(&self->changed);
    }
    pthread_mutex_unlock(&self->lock);
    return NULL;
}

static void start(mr_helper *helper, mr_helper_job job)
{
    helper_thread *self = (helper_thread *)helper;
    pthread_mutex_lock(&self->lock);
    MR_ASSERT(!self->is_busy);
    self->job = job;
    self->is_busy = true;
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
}

static struct timespec deadline(int32_t timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    return until;
}

static bool wait(mr_helper *helper, int32_t timeout_ms)
{
    helper_thread *self = (helper_thread *)helper;
    struct timespec until = timeout_ms > 0 ? deadline(timeout_ms) : (struct timespec){0};
    pthread_mutex_lock(&self->lock);
    int error = 0;
    while (self->is_busy && timeout_ms != 0 && error != ETIMEDOUT)
        error = timeout_ms > 0 ? pthread_cond_timedwait(&self->changed, &self->lock, &until)
                               : pthread_cond_wait(&self->changed, &self->lock);
    bool is_over = !self->is_busy;
    pthread_mutex_unlock(&self->lock);
    return is_over;
}

static void close_helper(mr_helper *helper)
{
    helper_thread *self = (helper_thread *)helper;
    pthread_mutex_lock(&self->lock);
    MR_ASSERT(!self->is_busy);
    self->is_closing = true;
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
    pthread_join(self->thread, NULL);
    pthread_mutex_destroy(&self->lock);
    pthread_cond_destroy(&self->changed);
    free(self);
}

static const mr_helper_class helper_class = {.start = start, .wait = wait, .close = close_helper};

mr_status mr_helper_thread_open(mr_helper **helper, mr_error *err)
{
    helper_thread *self = calloc(1, sizeof *self);
    MR_ASSERT(self != NULL);
    self->helper.class = &helper_class;
    pthread_mutex_init(&self->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&self->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_create(&self->thread, NULL, run, self) != 0) {
        pthread_mutex_destroy(&self->lock);
        pthread_cond_destroy(&self->changed);
        free(self);
        return mr_error_set(err, MR_E_ENVIRONMENT, "no thread for commits");
    }
    *helper = &self->helper;
    return MR_OK;
}
