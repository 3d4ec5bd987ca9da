/*
 * What aggregates must give over a list of rows: a value at a time, nothing kept between calls.
 * Part of the oracle of windows; shares nothing with the engine.
 *
 * Numbers are C's 128 bits; doubles are drawn so that no order of additions rounds. As text:
 * numbers in their unit (DECIMAL(30, 2): hundredths, DATE: days, TIMESTAMP(6): microseconds,
 * BOOLEAN: 0, 1), doubles with 17 digits, `null`.
 */
#ifndef MR_TESTS_HARNESS_AGGREGATE_ORACLE_H
#define MR_TESTS_HARNESS_AGGREGATE_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

__extension__ typedef __int128 mr_oracle_wide;

typedef struct mr_oracle_row {
    int64_t id;
    uint32_t input;
    bool is_broken; /* cannot be decoded */
    bool has_time, has_amount, has_price, has_ratio, has_day, has_moment;
    int64_t time_ms;
    int32_t key;          /* -1: NULL */
    int64_t amount;       /* BIGINT */
    mr_oracle_wide price; /* DECIMAL(30, 2), hundredths */
    double ratio;         /* a multiple of 1/8, below 2^20 */
    int32_t day;          /* DATE, days since 1970-01-01 */
    int64_t moment;       /* TIMESTAMP(6), microseconds */
    const char *name;     /* NULL: NULL */
    int8_t flag;          /* 0, 1; -1: NULL */
} mr_oracle_row;

typedef enum mr_oracle_column {
    MR_ORACLE_STAR = 0, /* of COUNT(*) */
    MR_ORACLE_AMOUNT,
    MR_ORACLE_PRICE,
    MR_ORACLE_RATIO,
    MR_ORACLE_DAY,
    MR_ORACLE_MOMENT,
    MR_ORACLE_FLAG,
    MR_ORACLE_NAME,
} mr_oracle_column;

typedef enum mr_oracle_function {
    MR_ORACLE_COUNT = 0,
    MR_ORACLE_SUM,
    MR_ORACLE_MIN,
    MR_ORACLE_MAX,
    MR_ORACLE_AVG, /* BIGINT: truncated; DECIMAL: six digits, half away from zero */
} mr_oracle_function;

typedef struct mr_oracle_aggregate {
    mr_oracle_function function;
    mr_oracle_column column;
    bool is_distinct;
    bool is_filtered; /* FILTER (WHERE flag) */
} mr_oracle_aggregate;

/* A value of the row as text. */
void mr_oracle_print_value(const mr_oracle_row *row, mr_oracle_column column, char *to,
                           size_t size);

/* The aggregate over rows[0 .. count) as text. */
void mr_oracle_print_aggregate(const mr_oracle_aggregate *aggregate,
                               const mr_oracle_row *const *rows, size_t count, char *to,
                               size_t size);

#endif
