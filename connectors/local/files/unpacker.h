/*
 * Unpacker: one compression method, fed piece by piece. Two of them: gzip (several members one
 * after the other, zero bytes behind the last) and zstd (several frames, windows up to 128 MiB as
 * `zstd` itself allows without asking).
 *
 * Thread: one at a time. Memory: the method's window, whatever the file's size.
 */
#ifndef MR_CONNECTORS_LOCAL_FILES_UNPACKER_H
#define MR_CONNECTORS_LOCAL_FILES_UNPACKER_H

#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct mr_unpacker mr_unpacker;

typedef struct mr_unpack_step {
    const char *in;
    size_t in_length;
    char *out;
    size_t out_room;
    size_t used, made; /* set by the step */
} mr_unpack_step;

typedef struct mr_unpacker_class {
    const char *name;
    /* Unpacks some of `in` to `out`. An error names the damage, without a place. */
    mr_status (*step)(mr_unpacker *unpacker, mr_unpack_step *step, mr_error *err);
    void (*free)(mr_unpacker *unpacker);
} mr_unpacker_class;

struct mr_unpacker {
    const mr_unpacker_class *class;
    bool is_complete; /* the archive may end where the last step ended */
};

mr_status mr_gzip_unpacker_new(mr_unpacker **unpacker, mr_error *err);
mr_status mr_zstd_unpacker_new(mr_unpacker **unpacker, mr_error *err);

#endif
