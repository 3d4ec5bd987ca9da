#include "jobs/plan/options/substitute.h"

#include "engine/base/buffer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FILE_BYTES_MAX 65536

/* Appends a secret file's text. False: `result` has the problem. */
static bool put_file(const char *path, mr_buffer *out, mr_substitution *result, mr_arena *arena)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        result->problem =
            mr_arena_printf(arena, "file `%s` cannot be read: %s", path, strerror(errno));
        return false;
    }
    char bytes[FILE_BYTES_MAX];
    size_t length = fread(bytes, 1, sizeof bytes, file);
    bool is_bad = ferror(file) != 0, is_longer = fgetc(file) != EOF;
    fclose(file);
    if (is_longer) {
        result->problem =
            mr_arena_printf(arena, "file `%s` is longer than %d bytes", path, FILE_BYTES_MAX);
        return false;
    }
    if (is_bad) {
        result->problem = mr_arena_printf(arena, "file `%s` cannot be read", path);
        return false;
    }
    while (length > 0 && (bytes[length - 1] == '\n' || bytes[length - 1] == '\r'))
        length--;
    mr_buffer_put(out, bytes, length);
    result->is_secret = true;
    return true;
}

static bool put_variable(const char *name, const char *fallback, mr_buffer *out,
                         mr_substitution *result, mr_arena *arena)
{
    const char *value = getenv(name);
    if (value == NULL && fallback == NULL) {
        result->problem = mr_arena_printf(arena, "environment variable `%s` is not set", name);
        result->hint = mr_arena_printf(arena, "set it, or give a default: `${%s:value}`", name);
        return false;
    }
    result->is_secret |= value != NULL;
    mr_buffer_printf(out, "%s", value != NULL ? value : fallback);
    return true;
}

/* `body` is what stands between the braces. */
static bool put_reference(const char *body, mr_buffer *out, mr_substitution *result,
                          mr_arena *arena)
{
    if (strncmp(body, "file:", 5) == 0)
        return put_file(body + 5, out, result, arena);
    const char *colon = strchr(body, ':');
    if (colon == NULL)
        return put_variable(body, NULL, out, result, arena);
    return put_variable(mr_arena_string(arena, body, (size_t)(colon - body)), colon + 1, out,
                        result, arena);
}

mr_substitution mr_substitute(const char *text, mr_arena *arena)
{
    mr_substitution result = {.text = text};
    if (strstr(text, "${") == NULL)
        return result;
    mr_buffer out = {0};
    const char *at = text;
    result.text = NULL;
    for (;;) {
        const char *start = strstr(at, "${");
        const char *end = start != NULL ? strchr(start, '}') : NULL;
        if (start == NULL)
            break;
        if (end == NULL) {
            result.problem = "`${` without a `}` behind it";
            result.hint = "write ${NAME}, ${NAME:default} or ${file:path}; a value that holds `${` "
                          "itself comes from a variable or a file";
            goto done;
        }
        mr_buffer_put(&out, at, (size_t)(start - at));
        const char *body = mr_arena_string(arena, start + 2, (size_t)(end - start - 2));
        if (!put_reference(body, &out, &result, arena))
            goto done;
        at = end + 1;
    }
    mr_buffer_printf(&out, "%s", at);
    result.text = mr_arena_string(arena, out.data != NULL ? out.data : "", out.length);
done:
    mr_buffer_release(&out);
    return result;
}

size_t mr_option_secret_word(const char *text)
{
    static const char *const words[] = {
        "passw",   "secret",      "token",  "jaas", "user-info", "credential", "oauthbearer.config",
        "api.key", "ssl.key.pem", "private"};
    size_t first = 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const char *at = strcasestr(text, words[i]);
        size_t end = at != NULL ? (size_t)(at - text) + strlen(words[i]) : 0;
        if (at != NULL && (first == 0 || end < first))
            first = end;
    }
    return first;
}

bool mr_option_is_secret(const char *key)
{
    return mr_option_secret_word(key) != 0;
}
