#include "jobs/plan/binder/names.h"

#include "engine/base/hash.h"
#include "jobs/sql/suggest.h"

#include <stdlib.h>
#include <string.h>

void mr_names_release(mr_names *names)
{
    free(names->items);
    free(names->slots);
    *names = (mr_names){0};
}

/* The slot of `name`, or the empty one where it belongs. */
static uint32_t *slot_of(const mr_names *names, const char *name)
{
    uint32_t mask = names->slots_count - 1;
    uint32_t at = (uint32_t)mr_hash(name, strlen(name)) & mask;
    while (names->slots[at] != 0 && strcmp(names->items[names->slots[at] - 1]->name, name) != 0)
        at = (at + 1) & mask;
    return &names->slots[at];
}

mr_name *mr_names_find(const mr_names *names, const char *name)
{
    if (names->count == 0)
        return NULL;
    uint32_t slot = *slot_of(names, name);
    return slot != 0 ? names->items[slot - 1] : NULL;
}

static void grow(mr_names *names)
{
    names->capacity = names->capacity == 0 ? 32 : names->capacity * 2;
    names->items = realloc(names->items, names->capacity * sizeof(mr_name *));
    free(names->slots);
    names->slots_count = names->capacity * 2;
    names->slots = calloc(names->slots_count, sizeof *names->slots);
    if (names->items == NULL || names->slots == NULL)
        abort();
    for (uint32_t i = 0; i < names->count; i++)
        *slot_of(names, names->items[i]->name) = i + 1;
}

mr_name *mr_names_add(mr_names *names, const char *name, mr_span span, mr_arena *arena)
{
    if (names->count == names->capacity)
        grow(names);
    mr_name *entry = mr_arena_zalloc(arena, 1, sizeof *entry);
    *entry = (mr_name){.name = name, .span = span};
    *slot_of(names, name) = names->count + 1;
    names->items[names->count++] = entry;
    return entry;
}

const char *mr_names_nearest(const mr_names *names, const char *name)
{
    enum { LOOKED_AT_MAX = 1000 };
    const char *known[LOOKED_AT_MAX];
    uint32_t count = names->count < LOOKED_AT_MAX ? names->count : LOOKED_AT_MAX;
    for (uint32_t i = 0; i < count; i++)
        known[i] = names->items[i]->name;
    return mr_suggest(name, known, count);
}
