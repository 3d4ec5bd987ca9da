#include "jobs/cli/fleet/broken_off.h"

#include <stdio.h>

static void *watch(void *context)
{
    mr_broken_off *self = context;
    int got;
    if (sigwait(&self->signals, &got) != 0)
        return NULL;
    if (atomic_load(&self->is_stopped))
        fprintf(stderr,
                "\nbroken off; job `%s` is stopped, its state is whole: the same `millrace "
                "upgrade` goes on, and so does `millrace submit` of the old text where nothing was "
                "carried over yet (else MR4012)\n",
                self->job);
    pthread_sigmask(SIG_UNBLOCK, &self->signals, NULL);
    raise(got);
    return NULL;
}

void mr_broken_off_open(mr_broken_off *self, const char *job)
{
    static const int ends[] = {SIGINT, SIGTERM};
    self->job = job;
    atomic_init(&self->is_stopped, false);
    sigemptyset(&self->signals);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct sigaction is;
        if (sigaction(ends[i], NULL, &is) == 0 && is.sa_handler != SIG_IGN)
            sigaddset(&self->signals, ends[i]);
    }
    pthread_sigmask(SIG_BLOCK, &self->signals, &self->mask);
    self->has_thread = pthread_create(&self->thread, NULL, watch, self) == 0;
    if (!self->has_thread)
        pthread_sigmask(SIG_SETMASK, &self->mask, NULL);
}

void mr_broken_off_close(mr_broken_off *self)
{
    if (!self->has_thread)
        return;
    pthread_cancel(self->thread); /* sigwait lets it go */
    pthread_join(self->thread, NULL);
    pthread_sigmask(SIG_SETMASK, &self->mask, NULL);
}
