#include "operators/functions/like.h"

#include "engine/expr/kernel.h"
#include "engine/expr/utf8.h"

#include <string.h>

/* A pattern as bytes beside their meaning; texts between `%` alone are found by memmem. */
typedef enum like_op {
    LIKE_BYTE = 0,
    LIKE_ONE,  /* _ */
    LIKE_MANY, /* % */
} like_op;

typedef enum like_shape {
    LIKE_GENERAL = 0,
    LIKE_EXACT,
    LIKE_PREFIX,
    LIKE_SUFFIX,
    LIKE_INSIDE
} like_shape;

struct mr_like {
    like_shape shape;
    uint32_t count;
    char *byte;
    uint8_t *op;
    mr_string fixed; /* all shapes but GENERAL */
};

static like_shape shape_of(const mr_like *like)
{
    uint32_t many = 0;
    for (uint32_t i = 0; i < like->count; i++) {
        if (like->op[i] == LIKE_ONE)
            return LIKE_GENERAL;
        many += like->op[i] == LIKE_MANY;
    }
    bool at_start = like->count > 0 && like->op[0] == LIKE_MANY;
    bool at_end = like->count > 0 && like->op[like->count - 1] == LIKE_MANY;
    if (many == 0)
        return LIKE_EXACT;
    if (many == 1)
        return at_end ? LIKE_PREFIX : at_start ? LIKE_SUFFIX : LIKE_GENERAL;
    return many == 2 && at_start && at_end ? LIKE_INSIDE : LIKE_GENERAL;
}

const char *mr_like_new(mr_string pattern, mr_string escape, mr_arena *arena, const mr_like **like)
{
    if (escape.length > 0 && mr_utf8_count(escape.bytes, escape.length) != 1)
        return "the ESCAPE of a LIKE is one character";
    mr_like *made = mr_arena_zalloc(arena, 1, sizeof *made);
    made->byte = mr_arena_alloc(arena, pattern.length + 1);
    made->op = mr_arena_alloc(arena, pattern.length + 1);
    const char *at = pattern.bytes, *end = pattern.bytes + pattern.length;
    while (at < end) {
        uint8_t op = LIKE_BYTE;
        if (escape.length > 0 && (uint32_t)(end - at) >= escape.length &&
            memcmp(at, escape.bytes, escape.length) == 0) {
            at += escape.length;
            bool is_self = (uint32_t)(end - at) >= escape.length &&
                           memcmp(at, escape.bytes, escape.length) == 0;
            if (at == end || (*at != '%' && *at != '_' && !is_self))
                return "the ESCAPE character of a LIKE stands before %, _ or itself only";
        } else {
            op = *at == '%' ? LIKE_MANY : *at == '_' ? LIKE_ONE : LIKE_BYTE;
        }
        bool is_repeated =
            op == LIKE_MANY && made->count > 0 && made->op[made->count - 1] == LIKE_MANY;
        if (!is_repeated) {
            made->byte[made->count] = *at;
            made->op[made->count++] = op;
        }
        at++;
    }
    made->shape = shape_of(made);
    uint32_t skip = made->shape == LIKE_SUFFIX || made->shape == LIKE_INSIDE;
    uint32_t drop = made->shape == LIKE_PREFIX || made->shape == LIKE_INSIDE;
    if (made->shape != LIKE_GENERAL && made->count >= skip + drop)
        made->fixed = mr_string_of(made->byte + skip, made->count - skip - drop);
    if (made->shape == LIKE_PREFIX && made->count == 1) /* a bare % */
        made->fixed = mr_string_of("", 0);
    *like = made;
    return NULL;
}

/* Greedy with one way back: to the last `%`, one character further. Steps <= text * pattern. */
static bool matches_general(const mr_like *like, mr_string text)
{
    uint32_t t = 0, p = 0, back_t = 0, back_p = UINT32_MAX;
    while (t < text.length) {
        if (p < like->count && like->op[p] == LIKE_MANY) {
            back_p = ++p;
            back_t = t;
        } else if (p < like->count && like->op[p] == LIKE_ONE) {
            t++;
            while (t < text.length && ((unsigned char)text.bytes[t] & 0xC0) == 0x80)
                t++;
            p++;
        } else if (p < like->count && like->byte[p] == text.bytes[t]) {
            t++;
            p++;
        } else if (back_p != UINT32_MAX) {
            t = ++back_t;
            p = back_p;
            while (t < text.length && ((unsigned char)text.bytes[t] & 0xC0) == 0x80)
                t = ++back_t; /* never inside of a character */
        } else {
            return false;
        }
    }
    while (p < like->count && like->op[p] == LIKE_MANY)
        p++;
    return p == like->count;
}

bool mr_like_matches(const mr_like *like, mr_string text)
{
    const mr_string fixed = like->fixed;
    switch (like->shape) {
    case LIKE_GENERAL: return matches_general(like, text);
    case LIKE_EXACT: return mr_string_equals(text, fixed);
    case LIKE_PREFIX:
        return text.length >= fixed.length && memcmp(text.bytes, fixed.bytes, fixed.length) == 0;
    case LIKE_SUFFIX:
        return text.length >= fixed.length &&
               memcmp(text.bytes + text.length - fixed.length, fixed.bytes, fixed.length) == 0;
    case LIKE_INSIDE:
        return fixed.length == 0 ||
               memmem(text.bytes, text.length, fixed.bytes, fixed.length) != NULL;
    }
    return false;
}

static void like_kernel(const mr_kernel_call *call)
{
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        call->result->bools[row] = !mr_kernel_is_null(call, row) &&
                                   mr_like_matches(call->data, mr_kernel_string(call, 0, row));
    }
}

static void like_dynamic(const mr_kernel_call *call)
{
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        call->result->bools[row] = 0;
        if (mr_kernel_is_null(call, row))
            continue;
        mr_string escape =
            call->args_count > 2 ? mr_kernel_string(call, 2, row) : mr_string_of("", 0);
        const mr_like *like;
        const char *problem =
            mr_like_new(mr_kernel_string(call, 1, row), escape, call->arena, &like);
        if (problem != NULL)
            mr_kernel_fail(call, row, MR_E_ARGUMENT, "%s", problem);
        else
            call->result->bools[row] = mr_like_matches(like, mr_kernel_string(call, 0, row));
    }
}

const mr_function mr_function_like = {
    .name = "LIKE", .kernel = like_kernel, .is_strict = true, .is_costly = true};
const mr_function mr_function_like_dynamic = {
    .name = "LIKE", .kernel = like_dynamic, .is_strict = true, .can_fail = true};
