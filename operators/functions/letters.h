/*
 * Upper and lower case, the same in every locale: ASCII, Latin-1, Latin Extended-A and Additional,
 * Greek, Cyrillic, Armenian. One character becomes one, but for sharp s, whose upper case is SS.
 * Other letters stay as they are. Thread: pure. Memory: none.
 */
#ifndef MR_OPERATORS_FUNCTIONS_LETTERS_H
#define MR_OPERATORS_FUNCTIONS_LETTERS_H

#include <stdint.h>

uint32_t mr_letter_upper(uint32_t character);
uint32_t mr_letter_lower(uint32_t character);

#endif
