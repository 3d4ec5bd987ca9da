/*
 * crash_kafka: real workers on a real Kafka die, freeze and lose their broker; what a
 * read_committed reader sees afterwards must keep the law (tests/sim/law.h).
 *
 *   crash_kafka [--kills N] [--seconds N] [--seed S] [--only NAME] [--pipelined on|off]
 *               [--protocol classic|consumer] [--quick] [--keep] [--list]
 *
 * Whether commits are pipelined is drawn for each worker, unless --pipelined says it for all.
 * --protocol consumer wants librdkafka 2.12, Kafka 4 and its short sessions (README.md).
 * Needs MILLRACE_TEST_BROKER, MILLRACE_TEST_BROKER_DIR, MILLRACE_TEST_BROKER_TOOL (tests/run sets
 * them). --keep leaves the workers' logs in the folder that is printed. The last line is
 * `N passed, N failed, N skipped`.
 */
#include "tests/crash/round/env.h"
#include "tests/crash/scenarios/scenarios.h"
#include "tests/crash/worker/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct scenario {
    const char *name;
    mr_crash_scenario *play;
} scenario;

static const scenario SCENARIOS[] = {
    {"kills", mr_crash_kills},
    {"program", mr_crash_program},
    {"zombie", mr_crash_zombie},
    {"twin", mr_crash_twin},
    {"fleet", mr_crash_fleet},
    {"exchange", mr_crash_exchange},
    {"rolling", mr_crash_rolling},
    {"slow_restore", mr_crash_slow_restore},
    {"broker_frozen", mr_crash_broker_frozen},
    {"broker_killed", mr_crash_broker_killed},
    {"broker_away", mr_crash_broker_away},
    {"recovers_from_log", mr_crash_recovers_from_log},
    {"recovers_from_damage", mr_crash_recovers_from_damage},
    {"refuses_lost_log", mr_crash_refuses_lost_log},
    {"refuses_foreign_record", mr_crash_refuses_foreign_record},
    {"parks_a_damaged_task", mr_crash_parks_a_damaged_task},
    {"refuses_finished_job", mr_crash_refuses_finished_job},
    {"at_least_once", mr_crash_at_least_once},
    {"bites_apply", mr_crash_bites_apply},
    {"bites_deltas", mr_crash_bites_deltas},
    {"bites_offsets", mr_crash_bites_offsets},
    {"bites_journal", mr_crash_bites_journal},
};
#define SCENARIOS_COUNT (sizeof SCENARIOS / sizeof SCENARIOS[0])

static int usage(void)
{
    fprintf(stderr, "usage: crash_kafka [--kills N] [--seconds N] [--seed S] [--only NAME] "
                    "[--pipelined on|off] [--protocol classic|consumer] [--quick] [--keep] "
                    "[--list]\n");
    return 2;
}

static bool parse(int argc, char **argv, mr_crash_env *env, const char **only)
{
    for (int i = 1; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--quick") == 0) {
            env->is_quick = true;
            env->kills = 10;
        } else if (strcmp(argv[i], "--keep") == 0) {
            env->is_kept = true;
        } else if (strcmp(argv[i], "--kills") == 0) {
            env->kills = (uint32_t)strtoul(next, NULL, 10), i++;
        } else if (strcmp(argv[i], "--seconds") == 0) {
            env->seconds = strtoll(next, NULL, 10), i++;
        } else if (strcmp(argv[i], "--seed") == 0) {
            env->random = strtoull(next, NULL, 10), i++;
        } else if (strcmp(argv[i], "--pipelined") == 0) {
            env->pipelined =
                strcmp(next, "on") == 0 ? MR_CRASH_PIPELINED_ON : MR_CRASH_PIPELINED_OFF;
            i++;
        } else if (strcmp(argv[i], "--protocol") == 0) {
            env->has_consumer_protocol = strcmp(next, "consumer") == 0, i++;
        } else if (strcmp(argv[i], "--only") == 0) {
            *only = next, i++;
        } else {
            return false;
        }
    }
    return true;
}

static bool open_env(mr_crash_env *env, char *program, size_t size)
{
    env->bootstrap = getenv("MILLRACE_TEST_BROKER");
    env->broker_dir = getenv("MILLRACE_TEST_BROKER_DIR");
    env->millrace = getenv("MILLRACE");
    env->broker_tool = getenv("MILLRACE_TEST_BROKER_TOOL");
    ssize_t length = readlink("/proc/self/exe", program, size - 1);
    if (length > 0)
        program[length] = '\0';
    env->program = program;
    const char *tmp = getenv("TMPDIR");
    snprintf(env->folder, sizeof env->folder, "%s/millrace-crash-XXXXXX",
             tmp != NULL ? tmp : "/tmp");
    return env->bootstrap != NULL && env->broker_dir != NULL && env->broker_tool != NULL &&
           length > 0 && mkdtemp(env->folder) != NULL;
}

static bool play(const scenario *at, mr_crash_env *env)
{
    char text[4096] = "";
    int64_t began = mr_crash_now_ms();
    env->blamed[0] = '\0';
    bool is_good = at->play(env, text, sizeof text);
    int64_t took = mr_crash_now_ms() - began;
    printf("%s %s (%d.%d s)%s%s\n", is_good ? "ok    " : "FAILED", at->name, (int)(took / 1000),
           (int)(took % 1000 / 100), text[0] != '\0' ? ": " : "", text);
    if (!is_good)
        mr_crash_show_blamed(env);
    fflush(stdout);
    return is_good;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--worker") == 0)
        return mr_crash_worker_main(argc - 2, argv + 2);
    if (argc > 1 && strcmp(argv[1], "--list") == 0) {
        for (size_t i = 0; i < SCENARIOS_COUNT; i++)
            printf("%s\n", SCENARIOS[i].name);
        return 0;
    }
    mr_crash_env env = {.kills = 50, .seconds = 120, .random = (uint64_t)time(NULL)};
    const char *only = NULL;
    char program[512];
    if (!parse(argc, argv, &env, &only))
        return usage();
    if (!open_env(&env, program, sizeof program)) {
        fprintf(stderr, "crash_kafka: MILLRACE_TEST_BROKER, _DIR and _TOOL name no broker; run it "
                        "by tests/run crash\n");
        printf("0 passed, 1 failed, 0 skipped\n");
        return 1;
    }
    printf("seed %llu, workers' logs in %s\n", (unsigned long long)env.random, env.folder);
    uint32_t passed = 0, failed = 0;
    for (size_t i = 0; i < SCENARIOS_COUNT; i++) {
        if (only != NULL && strcmp(SCENARIOS[i].name, only) != 0)
            continue;
        if (play(&SCENARIOS[i], &env))
            passed++;
        else
            failed++;
    }
    if (failed == 0 && !env.is_kept)
        mr_crash_remove(env.folder);
    printf("%u passed, %u failed, 0 skipped\n", passed, failed);
    return failed > 0 || passed == 0;
}
