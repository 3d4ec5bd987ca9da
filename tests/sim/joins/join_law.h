/*
 * What the committed output of the simulator's join must keep, whatever crashed.
 *
 * The job is a LEFT join of a table with itself, k = k and l BETWEEN r - REACH AND r + REACH; rows
 * have numbers. Every pair is in the output at most once and fits; a pair must be there when its
 * first row was still kept as its second came, however fast other partitions went (whichever the
 * first was, where the sides may overtake each other); a row as left
 * one met somebody, or is there once with NULLs, and never neither nor both. Under at-least-once
 * (`is_repeating`) what is there may be there again, and may have been otherwise before a crash.
 */
#ifndef MR_TESTS_SIM_JOINS_JOIN_LAW_H
#define MR_TESTS_SIM_JOINS_JOIN_LAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MR_JOIN_LAW_REACH_MS 12
#define MR_JOIN_LAW_PARTITIONS 4
#define MR_JOIN_LAW_KEYS_MAX 16

typedef struct mr_join_law_row {
    uint32_t key;
    int64_t time_ms;
    int64_t watermark_ms;   /* of its partition, before it: no task's is higher */
    uint32_t before_of_key; /* the row of its key sent before it; UINT32_MAX: none */
    bool is_matched, is_padded;
} mr_join_law_row;

typedef struct mr_join_law {
    bool is_repeating;
    bool has_idle;     /* inputs fall idle: a task's watermark may pass a partition's */
    bool is_unordered; /* rows come on their two sides in any order: through two exchanges */
    int64_t delay_ms;
    int64_t partition_ms[MR_JOIN_LAW_PARTITIONS];
    mr_join_law_row *rows; /* by number */
    uint8_t *pairs;        /* a bit for each left and right row */
    uint32_t last_of_key[MR_JOIN_LAW_KEYS_MAX];
    uint32_t rows_count;
    uint64_t results;
} mr_join_law;

void mr_join_law_init(mr_join_law *law, int64_t delay_ms);
void mr_join_law_release(mr_join_law *law);

/* The next row of key's partition (key mod partitions); returns its number. */
uint32_t mr_join_law_sent(mr_join_law *law, uint32_t key, int64_t time_ms);

/* A result "k3|120|7|125|9": key, time and number of the left row, of the right one or NULLs. */
bool mr_join_law_take(mr_join_law *law, const char *line, char *why, size_t size);

bool mr_join_law_holds(const mr_join_law *law, char *why, size_t size);

#endif
