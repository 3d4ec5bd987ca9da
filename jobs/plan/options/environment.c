#include "jobs/plan/options/environment.h"

#include <ctype.h>
#include <string.h>

#define PREFIX "MILLRACE_"

/* "PIPELINE__NAME" -> "pipeline.name" */
static const char *key_of(const char *name, size_t length, mr_arena *arena)
{
    char *key = mr_arena_alloc(arena, length + 1);
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        bool is_dot = name[i] == '_' && i + 1 < length && name[i + 1] == '_';
        key[n++] = (char)(is_dot ? '.' : name[i] == '_' ? '-' : tolower((unsigned char)name[i]));
        i += is_dot;
    }
    key[n] = '\0';
    return key;
}

static const char *variable_of(const char *key, mr_arena *arena)
{
    char *name = mr_arena_alloc(arena, strlen(PREFIX) + 2 * strlen(key) + 1);
    strcpy(name, PREFIX);
    size_t n = strlen(PREFIX);
    for (const char *c = key; *c != '\0'; c++) {
        name[n++] = (char)(*c == '.' || *c == '-' ? '_' : toupper((unsigned char)*c));
        if (*c == '.')
            name[n++] = '_';
    }
    name[n] = '\0';
    return name;
}

/* The setting with these letters and other separators; NULL: there is none. */
static const mr_option_spec *same_letters(const char *key, const mr_option_specs *known)
{
    for (size_t i = 0; i < known->count; i++) {
        const char *a = key, *b = known->items[i].name;
        for (;; a++, b++) {
            a += strspn(a, ".-");
            b += strspn(b, ".-");
            if (*a != *b || *a == '\0')
                break;
        }
        if (*a == *b)
            return &known->items[i];
    }
    return NULL;
}

uint32_t mr_environment_settings(const char *const *environment, const mr_option_specs *known,
                                 mr_arena *arena, const mr_environment_setting **list)
{
    uint32_t room = 0, count = 0;
    while (environment != NULL && environment[room] != NULL)
        room++;
    mr_environment_setting *items = mr_arena_zalloc(arena, room + 1, sizeof *items);
    for (uint32_t i = 0; i < room; i++) {
        const char *text = environment[i], *equals = strchr(text, '=');
        if (strncmp(text, PREFIX, strlen(PREFIX)) != 0 || equals == NULL)
            continue;
        const char *name = text + strlen(PREFIX);
        const char *key = key_of(name, (size_t)(equals - name), arena);
        const mr_option_spec *near = NULL;
        if (mr_option_spec_of(known, 1, key) == NULL)
            near = same_letters(key, known);
        if (strchr(key, '.') == NULL && near == NULL)
            continue;
        items[count++] = (mr_environment_setting){
            .variable = mr_arena_string(arena, text, (size_t)(equals - text)),
            .key = key,
            .value = equals + 1,
            .meant = near != NULL ? variable_of(near->name, arena) : NULL};
    }
    *list = items;
    return count;
}
