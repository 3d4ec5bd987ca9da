/*
 * Seeded bids like Nexmark's: about 335 bytes of JSON each. The same seed gives the same bytes.
 *
 *   {"auction":1000,"bidder":1001,"price":3301,"channel":"Apple","url":"https://..",
 *    "date_time":"2025-01-01 00:00:00.123","extra":".."}
 *
 * Times rise by 1 ms every `each_ms` bids; each bid is up to `disorder_ms` before that. The same
 * bids as CSV (the URL quoted) and as Avro, in binary alone or in blocks of an object container
 * file.
 */
#ifndef MR_BENCH_DRIVERS_BIDS_H
#define MR_BENCH_DRIVERS_BIDS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define MR_BID_MAX 512
#define MR_BIDS_START_MS INT64_C(1735689600000) /* 2025-01-01 00:00:00 */

typedef struct mr_bids {
    uint64_t random; /* set it to the seed */
    int64_t number;  /* of the next bid */
    int64_t disorder_ms;
    int64_t each_ms; /* 0: ten */
} mr_bids;

/* Writes the next bid (without a line end) to `text`, room for MR_BID_MAX; returns its length. */
size_t mr_bids_next(mr_bids *bids, char *text);
size_t mr_bids_next_csv(mr_bids *bids, char *text);
size_t mr_bids_next_avro(mr_bids *bids, char *bytes);

/* The head of a container file, and a block of `count` bids made by mr_bids_next_avro. Errors stay
 * in the file for ferror and fclose. */
void mr_bids_avro_begin(FILE *file);
void mr_bids_avro_block(FILE *file, int64_t count, const char *bytes, size_t length);

#endif
