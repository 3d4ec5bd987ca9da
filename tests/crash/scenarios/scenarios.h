/*
 * The scenarios: each returns whether all held; `text` gets what it measured, or why it failed.
 */
#ifndef MR_TESTS_CRASH_SCENARIOS_SCENARIOS_H
#define MR_TESTS_CRASH_SCENARIOS_SCENARIOS_H

#include "tests/crash/round/env.h"

typedef bool mr_crash_scenario(mr_crash_env *env, char *text, size_t size);

/* kills.c: kill -9 at random, `env->kills` times; restarts, takeovers, lost directories. */
mr_crash_scenario mr_crash_kills;

/* program.c: `millrace run job.sql`, killed with -9 at random. */
mr_crash_scenario mr_crash_program;

/* freeze.c: SIGSTOP past the transaction timeout, a takeover, SIGCONT. */
mr_crash_scenario mr_crash_zombie;
mr_crash_scenario mr_crash_twin;

/* fleet.c: three workers, faults of every kind for `env->seconds`; in two stages; a rolling
 * restart; a broker that stands still. */
mr_crash_scenario mr_crash_fleet;
mr_crash_scenario mr_crash_exchange;
mr_crash_scenario mr_crash_rolling;
mr_crash_scenario mr_crash_broker_frozen;

/* outage.c: the broker is killed and comes back; it stays away past the transaction timeout. */
mr_crash_scenario mr_crash_broker_killed;
mr_crash_scenario mr_crash_broker_away;

/* slow.c: a restore that takes longer than the group waits for a poll. */
mr_crash_scenario mr_crash_slow_restore;

/* bites.c: the protocol broken on purpose; the law must fail. */
mr_crash_scenario mr_crash_bites_apply;
mr_crash_scenario mr_crash_bites_deltas;
mr_crash_scenario mr_crash_bites_offsets;
mr_crash_scenario mr_crash_bites_journal;

/* recovery.c: what a start finds, and what it must make of it. */
mr_crash_scenario mr_crash_recovers_from_log;
mr_crash_scenario mr_crash_recovers_from_damage;
mr_crash_scenario mr_crash_refuses_lost_log;
mr_crash_scenario mr_crash_refuses_foreign_record;
mr_crash_scenario mr_crash_parks_a_damaged_task;
mr_crash_scenario mr_crash_refuses_finished_job;

/* at_least_once.c: kill -9 under the weaker guarantee. */
mr_crash_scenario mr_crash_at_least_once;

#endif
