/*
 * Room for one more in an array that doubles. Running out of memory aborts, as everywhere.
 */
#ifndef MR_CONNECTORS_MEMORY_BROKER_GROW_H
#define MR_CONNECTORS_MEMORY_BROKER_GROW_H

#include <stdint.h>
#include <stdlib.h>

static inline void *mr_memory_grow(void *array, uint32_t count, uint32_t *capacity, size_t size)
{
    if (count < *capacity)
        return array;
    *capacity = *capacity != 0 ? *capacity * 2 : 8;
    void *grown = realloc(array, *capacity * size);
    if (grown == NULL)
        abort();
    return grown;
}

#endif
