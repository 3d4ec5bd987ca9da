/*
 * An S3 for a test, as a child process: our own (s3.py), which checks every signature, or moto's.
 *
 * It dies with the test: its standard input is a pipe that only the test holds open.
 * Thread: one at a time.
 */
#ifndef MR_TESTS_HARNESS_BLOBS_SERVER_H
#define MR_TESTS_HARNESS_BLOBS_SERVER_H

#include "connectors/blobs/blobs.h"

typedef struct mr_test_s3 {
    int pid;
    int input; /* closed: it ends */
    char url[128];
} mr_test_s3;

/* `arguments` (may be NULL): as s3.py takes them, NULL-terminated. False: it did not start. */
bool mr_test_s3_start(mr_test_s3 *server, const char *const *arguments);

/* False: there is no virtual environment with moto ($MILLRACE_MOTO_PYTHON, else
 * ~/.cache/millrace/moto/bin/python), or it did not start. */
bool mr_test_s3_start_moto(mr_test_s3 *server);

void mr_test_s3_stop(mr_test_s3 *server);

/* The next `count` requests fail: see s3.py. */
void mr_test_s3_fail(const mr_test_s3 *server, int status, int count, const char *code);

/* A store in the bucket of either, below `prefix`; tries follow quickly. Asserts. */
mr_blobs *mr_test_s3_open(const mr_test_s3 *server, const char *prefix,
                          const mr_blobs_options *options);

#endif
