/*
 * A job under test: `millrace run` on a script in a folder of its own, its topics, its files, and
 * what it said. Verbs fail the test. One at a time.
 */
#ifndef MR_TESTS_BROKER_SCRIPT_H
#define MR_TESTS_BROKER_SCRIPT_H

#include "tests/broker/kafka.h"

#include <sys/types.h>

/* Of a kafka table; the topic and more options follow. */
#define KAFKA_TABLE \
    "'connector' = 'kafka', 'properties.bootstrap.servers' = '${MILLRACE_TEST_BROKER}', "

typedef struct script {
    mr_log *log;
    mr_log_writer *writer; /* for the topics it reads */
    const char *name;      /* of the job */
    char dir[128];
} script;

void script_open(script *s, const char *stem);
void script_close(script *s);

/* Its text; a commit interval of 50 ms is set in front of it. */
void script_write(const script *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Starts it in its folder, with one more flag or NULL. */
pid_t script_start(const script *s, const char *flag);
/* With more flags, NULL behind the last. */
pid_t script_start_with(const script *s, const char *const *flags);
/* One of several workers of it: with the state directory `state` of the folder, and the shortest
 * session; what it says is in the file "said-<state>". */
pid_t script_start_worker(const script *s, const char *state);
/* The exit code; fails the test when it does not end. */
int script_finish(const script *s, pid_t pid);
/* Runs to its end, which must be `code`. */
void script_run(const script *s, int code, const char *flag);

const char *script_said(const script *s);
void script_expect_said(const script *s, const char *part);

/* Files of its folder. */
void script_put_file(const script *s, const char *name, const void *bytes, size_t length);
const char *script_read_file(const script *s, const char *name);

/* All records of partition 0 of a topic, joined by spaces; and nothing behind them. */
void script_expect_topic(const script *s, const char *topic, uint32_t count, const char *expected);

/* Records of partition 0 whose value is a JSON object {"id":N}: counts each N below `ids` in
 * `seen`. Returns how many records there are. */
uint32_t script_count_ids(const script *s, const char *topic, uint8_t *seen, uint32_t ids);

#endif
