/*
 * An option's value that is one ASCII character, as Flink's formats take it: the character itself,
 * or Java's escapes `\t \b \n \r \f \\ \' \"` and `\uXXXX`. Thread: pure.
 */
#ifndef MR_CONNECTORS_FORMATS_TEXT_CHARACTER_H
#define MR_CONNECTORS_FORMATS_TEXT_CHARACTER_H

#include <stdbool.h>

/* False when the text is anything else; NUL and what is not ASCII are refused too. */
bool mr_character_parse(const char *text, char *character);

#endif
