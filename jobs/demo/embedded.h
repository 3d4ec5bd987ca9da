/*
 * What the demo carries within the program: its job and its flights.
 */
#ifndef MR_JOBS_DEMO_EMBEDDED_H
#define MR_JOBS_DEMO_EMBEDDED_H

#include <stddef.h>

typedef struct mr_demo_bytes {
    const char *data; /* lives as long as the program */
    size_t length;
} mr_demo_bytes;

mr_demo_bytes mr_demo_embedded_job(void);     /* departures.sql */
mr_demo_bytes mr_demo_embedded_flights(void); /* data/departures-2013-01.jsonl.gz */

#endif
