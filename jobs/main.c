#include "jobs/cli/command.h"

#include <stdlib.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

/* librdkafka takes one block for each answer (up to 1 MiB for each partition in it) and one for
 * each batch it unpacks, all day long. By glibc's defaults they, and the end of the heap they leave
 * free, go back to the kernel, which then clears the same pages once more for the next answer: a
 * sixth of the time of a job that only reads. The engine copies nothing, so blocks live as long as
 * their rows are under way, and what is kept for the next ones is of the same order. */
static void keep_heap(void)
{
#if defined(__GLIBC__)
    mallopt(M_MMAP_THRESHOLD, 32 << 20); /* the most it takes */
    mallopt(M_TRIM_THRESHOLD, 32 << 20); /* what may lie free at the end of each arena */
#endif
}

int main(int argc, char **argv)
{
    keep_heap();
    return mr_cli_main(argc, argv);
}
