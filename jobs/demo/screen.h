/*
 * Screen: what the demo shows: a line an hour when its windows close, some of the late flights and
 * dead letters, a status line on a terminal, and the accounts at the end.
 *
 * Colours and the status line only on a terminal; NO_COLOR is honoured. Thread: one.
 */
#ifndef MR_JOBS_DEMO_SCREEN_H
#define MR_JOBS_DEMO_SCREEN_H

#include "engine/run/worker/worker.h"
#include "jobs/demo/outputs.h"
#include "jobs/demo/player.h"

typedef struct mr_demo_screen {
    bool is_terminal, has_color;
    bool has_status; /* the status line stands on the screen */
    int64_t hour_ms; /* being gathered */
    bool has[MR_DEMO_ORIGINS];
    mr_demo_hour hours[MR_DEMO_ORIGINS];
    uint32_t late_shown, dead_shown; /* since the last hour */
    uint32_t lines;                  /* hours shown */
} mr_demo_screen;

/* On stdout. */
void mr_demo_screen_open(mr_demo_screen *screen);

void mr_demo_screen_intro(mr_demo_screen *screen, const mr_demo_stage *stage,
                          const mr_demo_player *player, const mr_plan *plan);

mr_demo_audience mr_demo_screen_audience(mr_demo_screen *screen);

/* No more results of this hour come: shows what was gathered. */
void mr_demo_screen_settle(mr_demo_screen *screen);

void mr_demo_screen_status(mr_demo_screen *screen, const mr_demo_player *player,
                           const mr_worker_stats *stats);

/* One line of plain text; `style`: 'h'ead, 'g'ood, 'b'ad, 'n'ote, 0. */
void mr_demo_screen_say(mr_demo_screen *screen, char style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
