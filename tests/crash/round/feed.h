/*
 * The feed: a thread that keeps writing rows to "<name>.in", mostly in order, some late, some
 * broken.
 *
 * Its producer is plain and idempotent and waits for ever, so each row is in the topic at least
 * once whatever becomes of the broker; the topic tells the law what was sent, for under load and
 * with a broker killed a row has been seen in it twice. Event time moves with the rows up to a
 * limit that the scenario raises; at the limit rows go on coming without it moving, so that every
 * fault finds work under way.
 */
#ifndef MR_TESTS_CRASH_ROUND_FEED_H
#define MR_TESTS_CRASH_ROUND_FEED_H

#include "tests/sim/law.h"

typedef struct mr_crash_feed mr_crash_feed;

typedef struct mr_crash_feed_options {
    const char *bootstrap;
    const char *topic; /* borrowed while the feed lives */
    uint64_t seed;
    uint32_t rows_per_second;
    bool is_orderly; /* no row can be late */
    /* keys fall silent for longer than a session's gap; no two amounts are equal */
    bool has_spells;
    bool is_json;
} mr_crash_feed_options;

/* The law belongs to the feed until `finish`: it counts the broken records there. */
mr_crash_feed *mr_crash_feed_start(const mr_crash_feed_options *options, mr_sim_law *law);

/* How far event time may go. */
void mr_crash_feed_allow(mr_crash_feed *feed, int64_t time_ms);

/* Rows handed to the producer so far. */
uint64_t mr_crash_feed_rows(const mr_crash_feed *feed);

/* Writes no more, waits until all is delivered, frees the feed. False: some rows were not. */
bool mr_crash_feed_finish(mr_crash_feed *feed);

#endif
