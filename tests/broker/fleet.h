/*
 * A fleet under test: workers in the folder of a script, and the commands for it. Verbs fail the
 * test.
 */
#ifndef MR_TESTS_BROKER_FLEET_H
#define MR_TESTS_BROKER_FLEET_H

#include "tests/broker/script.h"

#define FLEET_READY_MS KAFKA_PATIENCE_MS

/* Runs `millrace VERB ..` in the script's folder; what it said is in the file "said". Its exit
 * code. */
int fleet_say(const script *s, const char *verb, const char *argument);

/* Until the command, which must end with 0, says so. */
void fleet_await_said(const script *s, const char *verb, const char *argument, const char *part);

/* With the state directory `state` of the folder; what it says is in the file "said-<state>", its
 * metrics in "metrics-<state>". */
pid_t fleet_start_worker(const script *s, const char *state);
void fleet_stop_worker(const script *s, pid_t worker);

#endif
