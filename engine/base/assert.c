#include "engine/base/assert.h"

#include <stdio.h>
#include <stdlib.h>

void mr_assert_failed(const char *claim, const char *file, int line)
{
    fprintf(stderr, "error[MR9000]: internal: claim `%s` is false\n  --> %s:%d\n", claim, file,
            line);
    abort();
}
