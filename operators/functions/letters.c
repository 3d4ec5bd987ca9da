#include "operators/functions/letters.h"

#include <stddef.h>

/* Ranges of lower-case letters: a shift to the upper case, or (shift 0) pairs upper, lower, upper,
 * .. that start at `first` with an upper-case letter. */
static const struct range {
    uint32_t first, last;
    int32_t shift;
} ranges[] = {
    {'a', 'z', -32},     {0xE0, 0xF6, -32},   {0xF8, 0xFE, -32},   {0xFF, 0xFF, 0x79},
    {0x100, 0x12F, 0},   {0x132, 0x137, 0},   {0x139, 0x148, 0},   {0x14A, 0x177, 0},
    {0x179, 0x17E, 0},   {0x1CD, 0x1DC, 0},   {0x1DE, 0x1EF, 0},   {0x1F8, 0x21F, 0},
    {0x222, 0x233, 0},   {0x3AC, 0x3AC, -38}, {0x3AD, 0x3AF, -37}, {0x3B1, 0x3C1, -32},
    {0x3C3, 0x3CB, -32}, {0x3CC, 0x3CC, -64}, {0x3CD, 0x3CE, -63}, {0x430, 0x44F, -32},
    {0x450, 0x45F, -80}, {0x460, 0x481, 0},   {0x48A, 0x4BF, 0},   {0x4C1, 0x4CE, 0},
    {0x4D0, 0x52F, 0},   {0x561, 0x586, -48}, {0x1E00, 0x1E95, 0}, {0x1EA0, 0x1EFF, 0},
};
#define RANGES (sizeof ranges / sizeof ranges[0])

uint32_t mr_letter_upper(uint32_t character)
{
    if (character == 0xB5)
        return 0x39C; /* micro sign: Greek capital mu */
    if (character == 0x3C2)
        return 0x3A3; /* final sigma */
    if (character == 0x131)
        return 'I';
    if (character == 0x17F)
        return 'S';
    for (size_t i = 0; i < RANGES; i++) {
        if (character < ranges[i].first || character > ranges[i].last)
            continue;
        if (ranges[i].shift != 0)
            return (uint32_t)((int32_t)character + ranges[i].shift);
        return (character - ranges[i].first) % 2 == 1 ? character - 1 : character;
    }
    return character;
}

uint32_t mr_letter_lower(uint32_t character)
{
    if (character == 0x130)
        return 'i';
    if (character == 0x1E9E)
        return 0xDF;
    for (size_t i = 0; i < RANGES; i++) {
        if (ranges[i].shift == 0) {
            if (character >= ranges[i].first && character <= ranges[i].last)
                return (character - ranges[i].first) % 2 == 0 ? character + 1 : character;
            continue;
        }
        uint32_t small = (uint32_t)((int32_t)character - ranges[i].shift);
        if (small >= ranges[i].first && small <= ranges[i].last)
            return small;
    }
    return character;
}
