/*
 * What an interval join must give, row at a time with plain lists: the oracle of sim_joins.
 *
 * It shares nothing with the engine. Rows come one by one in the order in which the job reads them;
 * each is judged by the lower of the two tables' watermarks as made by the rows before it. It meets
 * every kept row of the other side that fits, is kept itself unless its time is over, and every
 * rise of the watermark takes out what is over, padding left rows of LEFT that met nobody. Of one
 * table joined with itself, each row comes as a left row, then as a right one.
 */
#ifndef MR_TESTS_HARNESS_JOIN_ORACLE_H
#define MR_TESTS_HARNESS_JOIN_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MR_JOIN_ORACLE_INPUTS_MAX 4
#define MR_JOIN_ORACLE_NONE INT64_MIN

typedef struct mr_join_oracle_row {
    int64_t id;
    uint32_t input;
    bool is_broken; /* cannot be decoded */
    bool has_time;
    int64_t time_ms;
    int32_t key;     /* -1: NULL */
    bool has_amount; /* else NULL */
    int64_t amount;
    const char *name; /* NULL: NULL */
} mr_join_oracle_row;

typedef struct mr_join_oracle_job {
    int64_t lower_ms, upper_ms; /* left BETWEEN right + lower AND right + upper */
    bool is_left_outer;
    bool is_self;       /* one table, on both sides */
    bool has_condition; /* AND left.amount < right.amount */
    int64_t delay_ms;   /* WATERMARK FOR time AS time - delay, of both tables */
    uint32_t inputs_count;
    uint32_t table_of[MR_JOIN_ORACLE_INPUTS_MAX]; /* 0 left, 1 right; of is_self: 0 */
} mr_join_oracle_job;

typedef struct mr_join_oracle_kept {
    const mr_join_oracle_row *row;
    bool is_matched;
} mr_join_oracle_kept;

typedef struct mr_join_oracle_list {
    mr_join_oracle_kept *rows;
    size_t count, room;
} mr_join_oracle_list;

typedef struct mr_join_oracle_result {
    const mr_join_oracle_row *left, *right; /* right NULL: padded */
} mr_join_oracle_result;

typedef struct mr_join_oracle {
    mr_join_oracle_job job;
    int64_t input_ms[MR_JOIN_ORACLE_INPUTS_MAX];
    bool is_idle[MR_JOIN_ORACLE_INPUTS_MAX], is_ended[MR_JOIN_ORACLE_INPUTS_MAX];
    int64_t table_ms[2];
    mr_join_oracle_list kept[2];
    mr_join_oracle_result *results;
    size_t results_count, results_room;
    uint64_t accepted, filtered, dead, broken, late_pairs, late_rows;
} mr_join_oracle;

void mr_join_oracle_init(mr_join_oracle *oracle, const mr_join_oracle_job *job);
void mr_join_oracle_release(mr_join_oracle *oracle);

/* The next row; it is borrowed. */
void mr_join_oracle_take(mr_join_oracle *oracle, const mr_join_oracle_row *row);
void mr_join_oracle_idle(mr_join_oracle *oracle, uint32_t input);
void mr_join_oracle_end(mr_join_oracle *oracle, uint32_t input);
/* The input counts again, before its next row. */
void mr_join_oracle_awake(mr_join_oracle *oracle, uint32_t input);

#endif
