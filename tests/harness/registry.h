/*
 * A schema registry for a test: tests/harness/registry.py as a child process.
 *
 * It dies with the test: its standard input is a pipe that only the test holds open.
 * Thread: one at a time.
 */
#ifndef MR_TESTS_HARNESS_REGISTRY_H
#define MR_TESTS_HARNESS_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

typedef struct mr_test_registry {
    int pid;
    int input; /* closed: it ends */
    char url[128];
} mr_test_registry;

/* `arguments` (may be NULL): as registry.py takes them, NULL-terminated. False: it did not start.
 * */
bool mr_test_registry_start(mr_test_registry *registry, const char *const *arguments);
void mr_test_registry_stop(mr_test_registry *registry);

/* A request of its own (GET when `body` is NULL); the answer's body, valid until the next call. */
const char *mr_test_registry_call(const mr_test_registry *registry, const char *path,
                                  const char *body);

/* Registers a schema (with what `more` adds to the request: `,"references":[..]`; may be NULL);
 * its id, or 0. */
uint32_t mr_test_registry_put(const mr_test_registry *registry, const char *subject,
                              const char *schema, const char *more);

/* The next `count` requests are answered with `status`; 0: with none. */
void mr_test_registry_fail(const mr_test_registry *registry, int status, int count);

/* Requests of the API so far. */
int mr_test_registry_requests(const mr_test_registry *registry);

/* How long the client waited, in ms, before the last request (1), the one before it (2), .. */
int mr_test_registry_gap(const mr_test_registry *registry, int last);

#endif
