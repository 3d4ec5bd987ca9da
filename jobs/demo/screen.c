#include "jobs/demo/screen.h"

#include "engine/batch/record.h"
#include "engine/expr/civil.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHOWN_MAX 2u   /* late flights, and dead letters, between two hours; the rest is counted */
#define HEAD_EVERY 20u /* hours between headings */
#define MS_PER_MINUTE 60000

typedef struct clock_text {
    char text[24];
} clock_text;

/* "Jan 02 14:36", or blanks where there is no time. */
static clock_text clock_of(int64_t ms)
{
    clock_text clock = {"   ..."};
    if (ms == MR_TIME_NONE || ms == MR_TIME_MAX)
        return clock;
    mr_civil civil = mr_civil_of(ms * MR_US_PER_MS);
    snprintf(clock.text, sizeof clock.text, "Jan %02" PRId32 " %02" PRId32 ":%02" PRId32, civil.day,
             civil.hour, civil.minute);
    return clock;
}

static const char *code_of(char style)
{
    switch (style) {
    case 'h': return "\033[1m";
    case 'g': return "\033[32m";
    case 'b': return "\033[1;31m";
    case 'n': return "\033[36m";
    case 'l': return "\033[33m"; /* late */
    case 'd': return "\033[31m"; /* dead */
    default: return "";
    }
}

void mr_demo_screen_say(mr_demo_screen *screen, char style, const char *format, ...)
{
    if (screen->has_status)
        fputs("\r\033[K", stdout);
    screen->has_status = false;
    bool is_colored = screen->has_color && style != 0;
    if (is_colored)
        fputs(code_of(style), stdout);
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    fputs(is_colored ? "\033[0m\n" : "\n", stdout);
    fflush(stdout);
}

void mr_demo_screen_open(mr_demo_screen *screen)
{
    const char *no_color = getenv("NO_COLOR");
    *screen = (mr_demo_screen){.is_terminal = isatty(STDOUT_FILENO) == 1, .hour_ms = MR_TIME_NONE};
    screen->has_color = screen->is_terminal && (no_color == NULL || *no_color == '\0');
}

void mr_demo_screen_intro(mr_demo_screen *screen, const mr_demo_stage *stage,
                          const mr_demo_player *player, const mr_plan *plan)
{
    const mr_demo_flights *flights = player->flights;
    mr_demo_screen_say(screen, 'h', "millrace demo: departures from New York's airports, 2013");
    mr_demo_screen_say(screen, 0, "%" PRIu32 " flights from %s to %s, in the order they left",
                       flights->count, clock_of(flights->items[0].told_ms).text,
                       clock_of(flights->items[flights->count - 1].told_ms).text);
    mr_demo_screen_say(screen, 0,
                       "topic of %d partitions, one an airport; event time is the "
                       "scheduled time, watermark 30 minutes behind",
                       MR_DEMO_ORIGINS);
    if (stage->mock != NULL) {
        mr_demo_screen_say(screen, 'n',
                           "Kafka: embedded (librdkafka's mock). It shows windows, late rows and "
                           "dead letters,");
        mr_demo_screen_say(screen, 'n',
                           "but it PROVES NOTHING ABOUT EXACTLY-ONCE: it drops transactional "
                           "offsets and shows");
        mr_demo_screen_say(screen, 'n',
                           "aborted records. For that, play it on a real one: jobs/demo/run "
                           "--kafka HOST:PORT");
    } else {
        mr_demo_screen_say(screen, 'n', "Kafka: %s, topics %s*, job %s, %s", stage->bootstrap,
                           stage->prefix, stage->job,
                           plan->guarantee == MR_EXACTLY_ONCE ? "exactly-once" : "at-least-once");
    }
}

/* ---- hours ---- */

static void show_heading(mr_demo_screen *screen)
{
    char line[160];
    size_t length = (size_t)snprintf(line, sizeof line, "\n%-12s", "hour closed");
    for (int o = 0; o < MR_DEMO_ORIGINS; o++)
        length += (size_t)snprintf(line + length, sizeof line - length, " | %s  n  mean worst",
                                   mr_demo_origins[o]);
    mr_demo_screen_say(screen, 'h', "%s", line);
}

void mr_demo_screen_settle(mr_demo_screen *screen)
{
    if (screen->hour_ms == MR_TIME_NONE)
        return;
    if (screen->lines++ % HEAD_EVERY == 0)
        show_heading(screen);
    char line[160];
    size_t length = (size_t)snprintf(line, sizeof line, "%-12s", clock_of(screen->hour_ms).text);
    for (int o = 0; o < MR_DEMO_ORIGINS; o++) {
        const mr_demo_hour *hour = &screen->hours[o];
        length += (size_t)(screen->has[o]
                               ? snprintf(line + length, sizeof line - length,
                                          " | %6" PRId64 " %+5.1f %+5" PRId64, hour->departures,
                                          hour->mean_delay, hour->worst_delay)
                               : snprintf(line + length, sizeof line - length, " | %6s %5s %5s",
                                          "-", "", ""));
        screen->has[o] = false;
    }
    mr_demo_screen_say(screen, 0, "%s", line);
    screen->hour_ms = MR_TIME_NONE;
    screen->late_shown = screen->dead_shown = 0;
}

static void on_hour(void *context, const mr_demo_hour *hour)
{
    mr_demo_screen *screen = context;
    if (screen->hour_ms != hour->start_ms || screen->has[hour->origin])
        mr_demo_screen_settle(screen);
    screen->hour_ms = hour->start_ms;
    screen->hours[hour->origin] = *hour;
    screen->has[hour->origin] = true;
}

/* ---- late flights, dead letters ---- */

static void on_late(void *context, const mr_demo_outcast *flight)
{
    mr_demo_screen *screen = context;
    if (screen->late_shown++ >= SHOWN_MAX)
        return;
    char by[32] = "just";
    if (flight->late_by_ms >= MS_PER_MINUTE)
        snprintf(by, sizeof by, "%" PRId64 " min", flight->late_by_ms / MS_PER_MINUTE);
    mr_demo_screen_say(screen, 'l',
                       "  late  %-8s %s scheduled %s, left %s: %s after its hour closed",
                       flight->name, flight->route, clock_of(flight->scheduled_ms).text,
                       clock_of(flight->left_ms).text + strlen("Jan 01 "), by);
}

static void on_dead(void *context, const mr_demo_outcast *flight)
{
    mr_demo_screen *screen = context;
    if (screen->dead_shown++ >= SHOWN_MAX)
        return;
    mr_demo_screen_say(screen, 'd', "  dead  %-8s %s scheduled %s: %s %s (%s)", flight->name,
                       flight->route, clock_of(flight->scheduled_ms).text, flight->code,
                       flight->reason, flight->place);
}

mr_demo_audience mr_demo_screen_audience(mr_demo_screen *screen)
{
    return (mr_demo_audience){
        .on_hour = on_hour, .on_late = on_late, .on_dead = on_dead, .context = screen};
}

void mr_demo_screen_status(mr_demo_screen *screen, const mr_demo_player *player,
                           const mr_worker_stats *stats)
{
    if (!screen->is_terminal)
        return;
    if (stats->phase < MR_WORKER_RUN)
        printf("\r\033[K%sstarting: %s%s", screen->has_color ? "\033[7m" : "",
               mr_worker_phase_name(stats->phase), screen->has_color ? "\033[0m" : "");
    else
        printf("\r\033[K%s%s  watermark %s  read %" PRIu64 "  late %" PRIu64 "  dead %" PRIu64
               "  open %" PRIu64 "  commits %" PRIu64 "%s",
               screen->has_color ? "\033[7m" : "", clock_of(player->now_ms).text,
               clock_of(stats->watermark_ms).text, stats->records_in, stats->late, stats->dead,
               stats->state_entries, stats->commits, screen->has_color ? "\033[0m" : "");
    screen->has_status = true;
    fflush(stdout);
}
