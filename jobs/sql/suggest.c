#include "jobs/sql/suggest.h"

#include <ctype.h>
#include <string.h>

#define NAME_BYTES_MAX 64

static unsigned smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static int folded(char c)
{
    return tolower((unsigned char)c);
}

/* Edits from `a` to `b` with swaps of neighbours (optimal string alignment), case folded. */
static unsigned edits(const char *a, size_t a_length, const char *b, size_t b_length)
{
    unsigned rows[3][NAME_BYTES_MAX + 1];
    for (size_t j = 0; j <= b_length; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a_length; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i - 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_length; j++) {
            unsigned replaced = above[j - 1] + (folded(a[i - 1]) != folded(b[j - 1]));
            row[j] = smaller(replaced, smaller(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) &&
                folded(a[i - 2]) == folded(b[j - 1]))
                row[j] = smaller(row[j], rows[(i - 2) % 3][j - 2] + 1);
        }
    }
    return rows[a_length % 3][b_length];
}

static const char *nearest_of(const char *name, const char *const *candidates, size_t count,
                              unsigned edits_max)
{
    size_t length = strlen(name);
    if (length == 0 || length > NAME_BYTES_MAX)
        return NULL;
    const char *nearest = NULL;
    unsigned fewest = NAME_BYTES_MAX;
    for (size_t i = 0; i < count; i++) {
        size_t other = candidates[i] == NULL ? 0 : strlen(candidates[i]);
        if (other == 0 || other > NAME_BYTES_MAX)
            continue;
        size_t longer = length > other ? length : other;
        unsigned distance = edits(name, length, candidates[i], other);
        /* Two letters in common are no reason to suggest `to` for `id`. */
        unsigned distance_max = longer < 3 ? 0 : (unsigned)(longer + 2) / 3;
        distance_max = smaller(distance_max, edits_max);
        if (distance < fewest && distance <= distance_max && distance < longer) {
            nearest = candidates[i];
            fewest = distance;
        }
    }
    return nearest;
}

const char *mr_suggest(const char *name, const char *const *candidates, size_t count)
{
    return nearest_of(name, candidates, count, NAME_BYTES_MAX);
}

const char *mr_suggest_slip(const char *name, const char *const *candidates, size_t count)
{
    return nearest_of(name, candidates, count, 1);
}
