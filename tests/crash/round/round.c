#include "tests/crash/round/round.h"

#include "engine/base/assert.h"
#include "tests/crash/round/text.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CATCH_TRIES 2000
#define RESTORE_PAUSE_MS 10
#define SESSION_MS 7000 /* of a member that is gone, with what the coordinator takes to notice */

static bool make_topics(mr_crash_round *round)
{
    const char *bootstrap = round->env->bootstrap;
    char *why = round->why;
    size_t size = sizeof round->why;
    return mr_crash_topic_create(bootstrap, round->in, MR_SIM_PARTITIONS, why, size) &&
           mr_crash_topic_create(bootstrap, round->out, 1, why, size) &&
           mr_crash_topic_create(bootstrap, round->late, 1, why, size) &&
           mr_crash_topic_create(bootstrap, round->dlq, MR_SIM_PARTITIONS, why, size);
}

static void set_defaults(mr_crash_round_options *options)
{
    if (options->sim.tasks_count == 0)
        options->sim.tasks_count = 1;
    if (options->commit_interval_ms == 0)
        options->commit_interval_ms = 30;
    if (options->transaction_timeout_ms == 0)
        options->transaction_timeout_ms = 10000;
    if (options->rows_per_second == 0)
        options->rows_per_second = 2000;
}

bool mr_crash_round_begin(mr_crash_round *round, mr_crash_env *env, const char *stem,
                          const mr_crash_round_options *options)
{
    *round = (mr_crash_round){.env = env, .options = *options};
    set_defaults(&round->options);
    /* The process id: a developer runs the suite again and again on one broker. */
    snprintf(round->name, sizeof round->name, "%s-%d-%u", stem, (int)getpid(), ++env->rounds);
    snprintf(round->in, sizeof round->in, "%s.in", round->name);
    snprintf(round->out, sizeof round->out, "%s.out", round->name);
    snprintf(round->late, sizeof round->late, "%s.late", round->name);
    snprintf(round->dlq, sizeof round->dlq, "%s.dlq", round->name);
    snprintf(round->state, sizeof round->state, "%s.state", round->name);
    round->law = calloc(1, sizeof *round->law);
    MR_ASSERT(round->law != NULL);
    bool is_session = round->options.sim.is_session;
    mr_sim_law_init(round->law, is_session ? 6 : 10,
                    is_session                  ? 1
                    : round->options.sim.is_hop ? 5
                                                : 10);
    round->law->is_session = is_session;
    round->watch = mr_crash_watch_new(env->bootstrap);
    if (!make_topics(round))
        return false;
    mr_crash_feed_options feed = {.bootstrap = env->bootstrap,
                                  .topic = round->in,
                                  .seed = mr_crash_draw(env, UINT64_MAX),
                                  .rows_per_second = round->options.rows_per_second,
                                  .is_orderly = round->options.is_orderly,
                                  .has_spells = is_session,
                                  .is_json = round->options.is_json};
    round->feed = mr_crash_feed_start(&feed, round->law);
    mr_crash_feed_allow(round->feed, 100);
    return true;
}

void mr_crash_round_dir(const mr_crash_round *round, const char *dir, char *path, size_t size)
{
    snprintf(path, size, "%s/%s-%s", round->env->folder, round->name, dir);
}

mr_crash_worker_options mr_crash_round_worker(mr_crash_round *round, const char *dir)
{
    const mr_crash_round_options *o = &round->options;
    return (mr_crash_worker_options){.job = {.name = round->name,
                                             .sim = o->sim,
                                             .commit_interval_ms = o->commit_interval_ms,
                                             .transaction_timeout_ms = o->transaction_timeout_ms},
                                     .bootstrap = round->env->bootstrap,
                                     .dir = dir,
                                     .instance = dir != NULL ? dir : "a",
                                     .is_pipelined = mr_crash_draw_pipelined(round->env),
                                     .has_consumer_protocol = round->env->has_consumer_protocol,
                                     .apply_epochs = 1 + (uint32_t)mr_crash_draw(round->env, 8),
                                     .base_bytes_min = 2000 + mr_crash_draw(round->env, 200000)};
}

void mr_crash_round_start(mr_crash_round *round, mr_crash_life *life,
                          const mr_crash_worker_options *options)
{
    char name[96], dir[640];
    snprintf(name, sizeof name, "%s-%u", round->name, round->lives++);
    mr_crash_worker_options mine = *options;
    if (options->dir != NULL) {
        mr_crash_round_dir(round, options->dir, dir, sizeof dir);
        mine.dir = dir;
    }
    mr_crash_life_start(life, round->env, name, &mine);
}

bool mr_crash_round_is_open_at_broker(mr_crash_round *round)
{
    if (mr_crash_watch_is_open(round->watch, round->out, 0) ||
        mr_crash_watch_is_open(round->watch, round->late, 0))
        return true;
    for (int32_t p = 0; p < MR_SIM_PARTITIONS; p++)
        if (mr_crash_watch_is_open(round->watch, round->dlq, p))
            return true;
    return false;
}

void mr_crash_round_note(mr_crash_round *round, const mr_crash_life *life)
{
    mr_crash_hits *hits = &round->hits;
    unsigned phase = atomic_load(&life->page->phase);
    hits->faults++;
    hits->by_phase[phase]++;
    hits->in_restore += phase == MR_WORKER_RESTORE;
    hits->in_open_epoch += phase == MR_WORKER_RUN && atomic_load(&life->page->has_open_epoch);
    hits->beside_decision += phase == MR_WORKER_RUN && atomic_load(&life->page->is_deciding);
}

void mr_crash_round_kill(mr_crash_round *round, mr_crash_life *life)
{
    mr_crash_life_kill(life);
    mr_crash_round_note(round, life);
    round->hits.open_at_broker += mr_crash_round_is_open_at_broker(round);
}

void mr_crash_round_catch_at_work(mr_crash_life *life)
{
    for (int i = 0; i < CATCH_TRIES && mr_crash_life_freeze(life); i++) {
        if (atomic_load(&life->page->has_open_epoch))
            return;
        mr_crash_life_signal(life, SIGCONT);
        mr_crash_sleep_us(500);
    }
}

void mr_crash_round_kill_at_work(mr_crash_round *round, mr_crash_life *life)
{
    mr_crash_round_catch_at_work(life);
    mr_crash_round_kill(round, life);
}

bool mr_crash_round_kill_in_restore(mr_crash_round *round, const mr_crash_worker_options *options,
                                    uint32_t lives_max)
{
    uint32_t hit = round->hits.in_restore;
    mr_crash_worker_options slow = *options; /* else it is over before it is seen */
    slow.pause_ms = RESTORE_PAUSE_MS;
    for (uint32_t n = 0; n < lives_max && round->hits.in_restore == hit; n++) {
        mr_crash_life life;
        mr_crash_round_start(round, &life, &slow);
        bool is_there = mr_crash_life_await(&life, MR_WORKER_RESTORE, MR_CRASH_PATIENCE_MS);
        mr_crash_sleep_us((int64_t)mr_crash_draw(round->env, 10000));
        if (is_there)
            mr_crash_round_kill(round, &life);
        else
            mr_crash_round_fail(round, &life, "it did not come to its restore");
        mr_crash_life_end(&life);
        if (!is_there)
            return false;
    }
    return round->hits.in_restore > hit ||
           mr_crash_round_fail(round, NULL, "no worker died in its restore");
}

bool mr_crash_round_fail(mr_crash_round *round, const mr_crash_life *life, const char *what)
{
    char text[1400] = "";
    if (life != NULL)
        mr_crash_life_describe(life, text, sizeof text);
    snprintf(round->why, sizeof round->why, "%s: %s%s%s%s", round->name, what,
             life != NULL ? " (" : "", text, life != NULL ? ")" : "");
    snprintf(round->env->blamed, sizeof round->env->blamed, "%s",
             life != NULL ? life->log_path : "");
    return false;
}

bool mr_crash_round_dry(mr_crash_round *round)
{
    if (round->feed != NULL) {
        round->rows_fed = mr_crash_feed_rows(round->feed);
        round->is_feed_whole = mr_crash_feed_finish(round->feed);
    }
    round->feed = NULL;
    if (!round->is_feed_whole)
        mr_crash_round_fail(round, NULL, "the feed's rows were not all delivered");
    return round->is_feed_whole;
}

bool mr_crash_round_finish(mr_crash_round *round, const mr_crash_worker_options *options)
{
    mr_crash_worker_options last = *options;
    last.is_bounded = true;
    if (!mr_crash_round_dry(round))
        return false;
    mr_crash_life life;
    mr_crash_round_start(round, &life, &last);
    bool is_good = mr_crash_life_await_end(&life, 0, MR_CRASH_PATIENCE_MS);
    if (is_good && atomic_load(&life.page->phase) != MR_WORKER_FINISHED)
        is_good = false;
    if (!is_good)
        mr_crash_round_fail(round, &life, "the last life did not finish");
    round->has_refused = mr_crash_life_has_refused(&life);
    mr_crash_life_end(&life);
    return is_good;
}

void mr_crash_round_outlive_members(void)
{
    mr_crash_sleep_us(SESSION_MS * INT64_C(1000));
}

static bool take(mr_crash_round *round, const char *topic, const char *name, int32_t partitions)
{
    mr_buffer text = {0};
    bool is_good = mr_crash_topic_read(round->env->bootstrap, topic, partitions, &text, round->why,
                                       sizeof round->why);
    mr_buffer_put_u8(&text, '\0');
    mr_buffer lines = {0};
    if (is_good && round->options.is_json)
        mr_crash_lines_of_json(text.data, &lines);
    mr_buffer_put_u8(&lines, '\0');
    const char *told = round->options.is_json ? lines.data : text.data;
    if (is_good && !mr_sim_law_take(round->law, name, told, round->why, sizeof round->why)) {
        round->is_law_broken = true;
        is_good = false;
    }
    mr_buffer_release(&text);
    mr_buffer_release(&lines);
    return is_good;
}

bool mr_crash_round_take_input(mr_crash_round *round)
{
    mr_buffer text = {0}, lines = {0};
    bool is_good = mr_crash_topic_read(round->env->bootstrap, round->in, MR_SIM_PARTITIONS, &text,
                                       round->why, sizeof round->why);
    mr_buffer_put_u8(&text, '\0');
    if (is_good && round->options.is_json)
        mr_crash_lines_of_json(text.data, &lines);
    mr_buffer_put_u8(&lines, '\0');
    uint64_t rows = 0;
    is_good = is_good &&
              mr_sim_law_take_input(round->law, round->options.is_json ? lines.data : text.data,
                                    &rows, round->why, sizeof round->why);
    if (is_good && rows < round->rows_fed)
        is_good = mr_crash_round_fail(round, NULL, "the input topic lacks rows of the feed");
    mr_buffer_release(&text);
    mr_buffer_release(&lines);
    return is_good;
}

bool mr_crash_round_holds(mr_crash_round *round)
{
    bool holds = mr_crash_round_take_input(round) && take(round, round->out, "out", 1) &&
                 take(round, round->late, "late", 1) &&
                 take(round, round->dlq, "dlq", MR_SIM_PARTITIONS);
    if (holds && !mr_sim_law_holds(round->law, round->why, sizeof round->why)) {
        round->is_law_broken = true;
        return false;
    }
    if (holds && (round->law->results_seen == 0 || round->law->broken_sent == 0 ||
                  (round->law->rows_late == 0 && !round->options.is_orderly)))
        return mr_crash_round_fail(round, NULL,
                                   "nothing to judge: no results, late or broken rows");
    return holds;
}

void mr_crash_round_end(mr_crash_round *round)
{
    if (round->feed != NULL)
        mr_crash_feed_finish(round->feed);
    round->feed = NULL;
    if (round->watch != NULL)
        mr_crash_watch_free(round->watch);
    round->watch = NULL;
    if (round->law != NULL)
        mr_sim_law_release(round->law);
    free(round->law);
    round->law = NULL;
}
