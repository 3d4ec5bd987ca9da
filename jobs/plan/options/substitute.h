/*
 * `${NAME}`, `${NAME:default}` and `${file:path}` in option values, and what must never be printed.
 *
 * A file's last line end is cut off. Anything else behind `$` stays as it is.
 * Memory: results live in the arena given. Thread: pure but for reading the environment and files.
 */
#ifndef MR_JOBS_PLAN_OPTIONS_SUBSTITUTE_H
#define MR_JOBS_PLAN_OPTIONS_SUBSTITUTE_H

#include "engine/base/arena.h"

#include <stdbool.h>

typedef struct mr_substitution {
    const char *text; /* NULL: see problem */
    bool is_secret;   /* something came from a file or a variable, where no reader sees it */
    const char *problem;
    const char *hint;
} mr_substitution;

mr_substitution mr_substitute(const char *text, mr_arena *arena);

/* Passwords, tokens, keys: by the option's name. */
bool mr_option_is_secret(const char *key);

/* Where the first word in `text` ends that makes an option secret; 0: none is there. */
size_t mr_option_secret_word(const char *text);

/* What is shown in place of a secret. */
#define MR_SECRET_MASK "******"

#endif
