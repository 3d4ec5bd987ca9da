/*
 * What every scenario is given: the Kafka under test, the program, a folder of its own, a seed.
 */
#ifndef MR_TESTS_CRASH_ROUND_ENV_H
#define MR_TESTS_CRASH_ROUND_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum mr_crash_pipelined {
    MR_CRASH_PIPELINED_DRAWN = 0, /* of every life by itself, so that they take turns in one job */
    MR_CRASH_PIPELINED_ON,
    MR_CRASH_PIPELINED_OFF,
} mr_crash_pipelined;

typedef struct mr_crash_env {
    const char *program;   /* this program, to be started again as a worker */
    const char *millrace;  /* MILLRACE: the real one */
    const char *bootstrap; /* MILLRACE_TEST_BROKER */
    const char *broker_dir, *broker_tool;
    char folder[512];
    bool is_quick, is_kept; /* is_kept: the folder stays, for a look at the logs */
    mr_crash_pipelined pipelined;
    bool has_consumer_protocol; /* of every worker: group.protocol = consumer */
    uint32_t kills;
    int64_t seconds; /* how long the fleet is under fire */
    uint64_t random;
    uint32_t rounds;  /* begun so far: names are made of it */
    char blamed[600]; /* log of the life that a round failed with last; "" without one */
} mr_crash_env;

/* Below `below`, uniformly enough. */
uint64_t mr_crash_draw(mr_crash_env *env, uint64_t below);

/* Are the commits of the next life pipelined? */
bool mr_crash_draw_pipelined(mr_crash_env *env);

int64_t mr_crash_now_ms(void);
void mr_crash_sleep_us(int64_t us);

/* kill -9 of the broker, and its return on the same address with the same data. */
bool mr_crash_broker_kill(const mr_crash_env *env);
bool mr_crash_broker_start(const mr_crash_env *env);

/* SIGSTOP and SIGCONT: connections stay, and nothing is answered. */
bool mr_crash_broker_freeze(const mr_crash_env *env);
bool mr_crash_broker_thaw(const mr_crash_env *env);

/* Prints how the log of that life ends: a CI keeps no folders. */
void mr_crash_show_blamed(const mr_crash_env *env);

/* Removes a folder with all that is in it. */
void mr_crash_remove(const char *path);

#endif
