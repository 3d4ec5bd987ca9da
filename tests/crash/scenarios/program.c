/*
 * The program itself, `millrace run job.sql`, killed with -9 at random while the feed goes on: SQL,
 * JSON, watermarks, late rows and dead letters as a user has them. Whether a kill hit a transaction
 * is asked of the broker, from outside: half of the kills must have.
 */
#include "tests/crash/round/round.h"
#include "tests/crash/scenarios/scenarios.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define READY_MS MR_CRASH_PATIENCE_MS

/* @ stands for the name of the round, # for the broker. */
static const char SCRIPT[] =
    "SET 'execution.checkpointing.interval' = '50 ms';\n"
    "CREATE TABLE src (k STRING, t TIMESTAMP(3), a BIGINT,\n"
    "  WATERMARK FOR t AS t - INTERVAL '0.005' SECOND\n"
    ") WITH ('connector' = 'kafka', 'topic' = '@.in', 'format' = 'json',\n"
    "  'properties.bootstrap.servers' = '#', 'scan.startup.mode' = 'earliest-offset',\n"
    "  'errors.mode' = 'dlq', 'errors.deadletterqueue.topic.name' = '@.dlq');\n"
    "CREATE TABLE res (k STRING, s TIMESTAMP(3), e TIMESTAMP(3), n BIGINT, total BIGINT)\n"
    "WITH ('connector' = 'kafka', 'topic' = '@.out', 'format' = 'json',\n"
    "  'properties.bootstrap.servers' = '#');\n"
    "CREATE TABLE behind (k STRING, t TIMESTAMP(3), a BIGINT)\n"
    "WITH ('connector' = 'kafka', 'topic' = '@.late', 'format' = 'json',\n"
    "  'properties.bootstrap.servers' = '#');\n"
    "CREATE VIEW v AS SELECT k, window_start, window_end, COUNT(*) AS n, SUM(a) AS total\n"
    "  FROM TABLE(TUMBLE(TABLE src, DESCRIPTOR(t), INTERVAL '0.01' SECOND))\n"
    "  GROUP BY window_start, window_end, k;\n"
    "EXECUTE STATEMENT SET BEGIN\n"
    "  INSERT INTO res SELECT k, window_start, window_end, n, total FROM v;\n"
    "  INSERT INTO behind SELECT k, t, a FROM v$late;\n"
    "END;\n";

typedef struct job {
    char path[640], dir[640];
} job;

static bool write_job(mr_crash_round *round, job *made)
{
    snprintf(made->path, sizeof made->path, "%s/%s.sql", round->env->folder, round->name);
    mr_crash_round_dir(round, "a", made->dir, sizeof made->dir);
    FILE *file = fopen(made->path, "w");
    if (file == NULL)
        return mr_crash_round_fail(round, NULL, "the job's file cannot be written");
    for (const char *at = SCRIPT; *at != '\0'; at++) {
        if (*at == '@')
            fputs(round->name, file);
        else if (*at == '#')
            fputs(round->env->bootstrap, file);
        else
            fputc(*at, file);
    }
    fclose(file);
    return true;
}

static void start(mr_crash_round *round, mr_crash_life *life, const job *made, bool is_bounded)
{
    bool is_pipelined = mr_crash_draw_pipelined(round->env);
    char *args[] = {
        (char *)(uintptr_t)round->env->millrace,
        "run",
        (char *)(uintptr_t)made->path,
        "--name",
        round->name,
        "--state-dir",
        (char *)(uintptr_t)made->dir,
        "-X",
        round->env->has_consumer_protocol ? "group.protocol=consumer" : "session.timeout.ms=6000",
        "-D",
        is_pipelined ? "execution.pipelined-commit=true" : "execution.pipelined-commit=false",
        is_bounded ? "--bounded" : NULL,
        NULL};
    char name[96];
    snprintf(name, sizeof name, "%s-%u", round->name, round->lives++);
    mr_crash_life_spawn(life, round->env, name, args);
}

/* What the life before left open is gone when this one is ready. */
static bool is_ready(const mr_crash_life *life)
{
    char text[16384];
    FILE *log = fopen(life->log_path, "r");
    if (log == NULL)
        return false;
    text[fread(text, 1, sizeof text - 1, log)] = '\0';
    fclose(log);
    return strstr(text, "ready after ") != NULL;
}

/* Freezes it while a transaction of this life is open at the broker: it is at work. */
static bool catch_at_work(mr_crash_round *round, mr_crash_life *life)
{
    int64_t until = mr_crash_now_ms() + READY_MS;
    while (mr_crash_life_is_on(life) && mr_crash_now_ms() < until) {
        mr_crash_sleep_us((int64_t)mr_crash_draw(round->env, 20000));
        if (!is_ready(life))
            continue;
        bool is_frozen = mr_crash_life_freeze(life);
        mr_crash_sleep_us(20000); /* an end that was on its way has come */
        if (is_frozen && mr_crash_round_is_open_at_broker(round))
            return true;
        mr_crash_life_signal(life, SIGCONT);
    }
    return mr_crash_round_fail(round, life, "it did not come to work; see its log");
}

static bool kill_some(mr_crash_round *round, const job *made)
{
    mr_crash_env *env = round->env;
    int64_t kills = env->is_quick ? 3 : 15;
    for (int64_t k = 0; k < kills; k++) {
        mr_crash_life life;
        mr_crash_feed_allow(round->feed, 200 + (MR_CRASH_TIME_END - 200) * (k + 1) / kills);
        start(round, &life, made, false);
        bool is_good = true;
        if (k % 5 == 4) { /* in its start, wherever that is */
            mr_crash_sleep_us((int64_t)mr_crash_draw(env, 200000));
        } else {
            mr_crash_sleep_us((int64_t)mr_crash_draw(env, 500000));
            is_good = catch_at_work(round, &life);
        }
        if (is_good && !mr_crash_life_is_on(&life))
            is_good = mr_crash_round_fail(round, &life, "it ended by itself; see its log");
        if (is_good)
            mr_crash_round_kill(round, &life);
        mr_crash_life_end(&life);
        if (!is_good)
            return false;
        if (mr_crash_draw(env, 8) == 0)
            mr_crash_remove(made->dir);
    }
    return true;
}

static bool finish(mr_crash_round *round, const job *made)
{
    mr_crash_life life;
    if (!mr_crash_round_dry(round))
        return false;
    mr_crash_round_outlive_members(); /* a deleted directory gave the job another instance id */
    start(round, &life, made, true);
    bool is_good = mr_crash_life_await_end(&life, 0, READY_MS) ||
                   mr_crash_round_fail(round, &life, "the last life did not finish; see its log");
    mr_crash_life_end(&life);
    return is_good && mr_crash_round_holds(round);
}

bool mr_crash_program(mr_crash_env *env, char *text, size_t size)
{
    if (env->millrace == NULL) {
        snprintf(text, size, "MILLRACE names no program");
        return false;
    }
    mr_crash_round_options options = {.is_json = true};
    mr_crash_round round;
    job made;
    bool is_good = mr_crash_round_begin(&round, env, "program", &options) &&
                   write_job(&round, &made) && kill_some(&round, &made) && finish(&round, &made);
    if (is_good && round.hits.open_at_broker * 2 < round.hits.faults)
        is_good = mr_crash_round_fail(&round, NULL, "most kills hit no transaction");
    if (is_good)
        snprintf(text, size,
                 "%u kills, %u with a transaction open at the broker; %" PRId64 " rows, %" PRId64
                 " late, %" PRIu64 " broken, %" PRId64 " results",
                 round.hits.faults, round.hits.open_at_broker, round.law->rows_sent,
                 round.law->rows_late, round.law->broken_sent, round.law->results_seen);
    else
        snprintf(text, size, "%s", round.why);
    mr_crash_round_end(&round);
    return is_good;
}
