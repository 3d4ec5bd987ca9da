/*
 * The assembler takes the files as they are: a C array of them would be five times as long to read,
 * and a path to look them up at run time would break as soon as the program is copied elsewhere.
 * MR_DEMO_DIR is this folder (cmake/Compile.cmake).
 */
#include "jobs/demo/embedded.h"

#define EMBED(name, file)                            \
    __asm__(".section .rodata\n"                     \
            ".global mr_demo_" name "_start\n"       \
            ".global mr_demo_" name "_end\n"         \
            "mr_demo_" name "_start:\n"              \
            ".incbin \"" MR_DEMO_DIR "/" file "\"\n" \
            "mr_demo_" name "_end:\n"                \
            ".byte 0\n"                              \
            ".previous\n")

EMBED("job", "departures.sql");
EMBED("flights", "data/departures-2013-01.jsonl.gz");

extern const char mr_demo_job_start[], mr_demo_job_end[];
extern const char mr_demo_flights_start[], mr_demo_flights_end[];

mr_demo_bytes mr_demo_embedded_job(void)
{
    return (mr_demo_bytes){.data = mr_demo_job_start,
                           .length = (size_t)(mr_demo_job_end - mr_demo_job_start)};
}

mr_demo_bytes mr_demo_embedded_flights(void)
{
    return (mr_demo_bytes){.data = mr_demo_flights_start,
                           .length = (size_t)(mr_demo_flights_end - mr_demo_flights_start)};
}
