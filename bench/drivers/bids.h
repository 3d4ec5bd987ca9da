/*
 * Seeded bids like Nexmark's: about 335 bytes of JSON each. The same seed gives the same bytes.
 *
 *   {"auction":1000,"bidder":1001,"price":3301,"channel":"Apple","url":"https://..",
 *    "date_time":"2025-01-01 00:00:00.123","extra":".."}
 *
 * Times rise by 1 ms every ten bids; each bid is up to `disorder_ms` before that.
 */
#ifndef MR_BENCH_DRIVERS_BIDS_H
#define MR_BENCH_DRIVERS_BIDS_H

#include <stddef.h>
#include <stdint.h>

#define MR_BID_MAX 512
#define MR_BIDS_START_MS INT64_C(1735689600000) /* 2025-01-01 00:00:00 */

typedef struct mr_bids {
    uint64_t random; /* set it to the seed */
    int64_t number;  /* of the next bid */
    int64_t disorder_ms;
} mr_bids;

/* Writes the next bid (without a line end) to `text`, room for MR_BID_MAX; returns its length. */
size_t mr_bids_next(mr_bids *bids, char *text);

#endif
