/* Functions of text. Positions and lengths count characters. */
#include "operators/functions/build.h"

#include "engine/base/assert.h"
#include "engine/expr/kernel.h"
#include "engine/expr/utf8.h"
#include "operators/functions/letters.h"

#include <string.h>
#include <strings.h>

/* Walks the rows of a strict text kernel: rows that are NULL get an empty text. The body sets
 * `*to`. */
typedef void text_row(const mr_kernel_call *call, uint32_t row, mr_string *to);

static inline void each_text(const mr_kernel_call *call, text_row *body)
{
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        mr_string *to = &call->result->strings[row];
        *to = mr_string_of("", 0);
        if (!mr_kernel_is_null(call, row))
            body(call, row, to);
    }
}

#define TEXT_KERNEL(name)                                                                   \
    static inline void name##_row(const mr_kernel_call *call, uint32_t row, mr_string *to); \
    static void name(const mr_kernel_call *call)                                            \
    {                                                                                       \
        each_text(call, name##_row);                                                        \
    }                                                                                       \
    static inline void name##_row(const mr_kernel_call *call, uint32_t row, mr_string *to)

static bool is_ascii(mr_string text)
{
    for (uint32_t i = 0; i < text.length; i++)
        if ((unsigned char)text.bytes[i] >= 0x80)
            return false;
    return true;
}

static mr_string with_case(const mr_kernel_call *call, mr_string from, bool is_upper)
{
    /* No letter's other case takes more than 3 bytes for 1, 2 for sharp s. */
    char *made = mr_arena_alloc(call->arena, (size_t)from.length * 3 + 4);
    uint32_t length = 0;
    if (is_ascii(from)) {
        const char first = is_upper ? 'a' : 'A';
        for (; length < from.length; length++) {
            char c = from.bytes[length];
            made[length] = (char)(c >= first && c <= first + 25 ? c ^ 0x20 : c);
        }
        return mr_string_of(made, length);
    }
    for (uint32_t at = 0, size; at < from.length; at += size) {
        uint32_t character = mr_utf8_decode(from.bytes + at, from.length - at, &size);
        if (is_upper && character == 0xDF) {
            made[length++] = 'S';
            made[length++] = 'S';
            continue;
        }
        character = is_upper ? mr_letter_upper(character) : mr_letter_lower(character);
        length += mr_utf8_encode(character, made + length);
    }
    return mr_string_of(made, length);
}

TEXT_KERNEL(upper)
{
    *to = with_case(call, mr_kernel_string(call, 0, row), true);
}

TEXT_KERNEL(lower)
{
    *to = with_case(call, mr_kernel_string(call, 0, row), false);
}

static void char_length(const mr_kernel_call *call)
{
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        call->result->i32[row] = 0;
        if (mr_kernel_is_null(call, row))
            continue;
        mr_string text = mr_kernel_string(call, 0, row);
        call->result->i32[row] = (int32_t)mr_utf8_count(text.bytes, text.length);
    }
}

/* Characters [from, from + count) of `text`, clipped; from counts from 0. */
static mr_string slice(mr_string text, int64_t from, int64_t count)
{
    if (from < 0) {
        count += from;
        from = 0;
    }
    if (count <= 0 || from >= (int64_t)text.length)
        return mr_string_of("", 0);
    uint32_t start = mr_utf8_prefix(text.bytes, text.length, (uint32_t)from);
    uint32_t rest = text.length - start;
    uint32_t most = count < (int64_t)rest ? (uint32_t)count : rest;
    return mr_string_of(text.bytes + start, mr_utf8_prefix(text.bytes + start, rest, most));
}

TEXT_KERNEL(substring)
{
    mr_string text = mr_kernel_string(call, 0, row);
    int64_t from = call->args[1].i32[mr_kernel_at(call, 1, row)];
    int64_t count = INT32_MAX;
    if (call->args_count > 2)
        count = call->args[2].i32[mr_kernel_at(call, 2, row)];
    if (count < 0) {
        mr_kernel_null(call, row); /* Flink: a negative length gives NULL */
        return;
    }
    if (from > 0)
        from--;
    else if (from < 0) {
        from += mr_utf8_count(text.bytes, text.length);
        if (from < 0) {
            *to = mr_string_of("", 0); /* starts before the text */
            return;
        }
    }
    *to = slice(text, from, count);
}

TEXT_KERNEL(left)
{
    int32_t count = call->args[1].i32[mr_kernel_at(call, 1, row)];
    *to = slice(mr_kernel_string(call, 0, row), 0, count);
}

TEXT_KERNEL(right)
{
    mr_string text = mr_kernel_string(call, 0, row);
    int64_t count = call->args[1].i32[mr_kernel_at(call, 1, row)];
    int64_t have = mr_utf8_count(text.bytes, text.length);
    *to = count >= have ? text : slice(text, have - count, count);
}

static bool holds(mr_string set, const char *character, uint32_t size)
{
    return memmem(set.bytes, set.length, character, size) != NULL;
}

/* Cuts characters of `set` off the start and the end. */
static mr_string trimmed(mr_string text, mr_string set, bool at_start, bool at_end)
{
    const char *from = text.bytes, *end = text.bytes + text.length;
    while (at_start && from < end) {
        uint32_t size = mr_utf8_prefix(from, (uint32_t)(end - from), 1);
        if (!holds(set, from, size))
            break;
        from += size;
    }
    while (at_end && end > from) {
        const char *last = end - 1;
        while (last > from && ((unsigned char)*last & 0xC0) == 0x80)
            last--;
        if (!holds(set, last, (uint32_t)(end - last)))
            break;
        end = last;
    }
    return mr_string_of(from, (uint32_t)(end - from));
}

static mr_string trim_set(const mr_kernel_call *call, uint32_t row)
{
    return call->args_count > 1 ? mr_kernel_string(call, 1, row) : mr_string_of(" ", 1);
}

TEXT_KERNEL(trim_both)
{
    *to = trimmed(mr_kernel_string(call, 0, row), trim_set(call, row), true, true);
}

TEXT_KERNEL(trim_left)
{
    *to = trimmed(mr_kernel_string(call, 0, row), trim_set(call, row), true, false);
}

TEXT_KERNEL(trim_right)
{
    *to = trimmed(mr_kernel_string(call, 0, row), trim_set(call, row), false, true);
}

static mr_string joined(const mr_kernel_call *call, uint32_t row, uint32_t first,
                        mr_string separator)
{
    size_t length = 0;
    for (uint32_t i = first; i < call->args_count; i++)
        if (!mr_kernel_arg_is_null(call, i, row))
            length += mr_kernel_string(call, i, row).length + (size_t)separator.length;
    if (length > INT32_MAX)
        return mr_string_of(NULL, 0);
    char *made = mr_arena_alloc(call->arena, length + 1);
    size_t at = 0;
    bool is_next = false;
    for (uint32_t i = first; i < call->args_count; i++) {
        if (mr_kernel_arg_is_null(call, i, row))
            continue;
        mr_string part = mr_kernel_string(call, i, row);
        if (is_next && separator.length > 0) {
            memcpy(made + at, separator.bytes, separator.length);
            at += separator.length;
        }
        if (part.length > 0)
            memcpy(made + at, part.bytes, part.length);
        at += part.length;
        is_next = true;
    }
    return mr_string_of(made, (uint32_t)at);
}

static void put_joined(const mr_kernel_call *call, uint32_t row, mr_string text)
{
    if (text.bytes == NULL)
        mr_kernel_fail(call, row, MR_E_OVERFLOW, "a text of more than 2 GiB");
    else
        call->result->strings[row] = text;
}

TEXT_KERNEL(concat)
{
    (void)to;
    put_joined(call, row, joined(call, row, 0, mr_string_of("", 0)));
}

/* Not strict: only a NULL separator makes NULL, other NULLs are skipped. */
static void concat_ws(const mr_kernel_call *call)
{
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        if (mr_kernel_arg_is_null(call, 0, row))
            mr_kernel_null(call, row);
        else
            put_joined(call, row, joined(call, row, 1, mr_kernel_string(call, 0, row)));
    }
}

static const char *find(mr_string text, const char *from, mr_string wanted)
{
    return memmem(from, (size_t)(text.bytes + text.length - from), wanted.bytes, wanted.length);
}

TEXT_KERNEL(replace)
{
    mr_string text = mr_kernel_string(call, 0, row), wanted = mr_kernel_string(call, 1, row);
    mr_string by = mr_kernel_string(call, 2, row);
    const char *end = text.bytes + text.length, *hit;
    *to = text;
    if (wanted.length == 0 || text.length == 0)
        return;
    size_t hits = 0;
    for (const char *at = text.bytes; (hit = find(text, at, wanted)) != NULL; hits++)
        at = hit + wanted.length;
    if (hits == 0)
        return;
    size_t length = text.length - hits * wanted.length + hits * by.length;
    if (length > INT32_MAX) {
        mr_kernel_fail(call, row, MR_E_OVERFLOW, "a text of more than 2 GiB");
        return;
    }
    char *made = mr_arena_alloc(call->arena, length + 1), *next = made;
    const char *at = text.bytes;
    while ((hit = find(text, at, wanted)) != NULL) {
        memcpy(next, at, (size_t)(hit - at));
        next += hit - at;
        memcpy(next, by.length > 0 ? by.bytes : "", by.length);
        next += by.length;
        at = hit + wanted.length;
    }
    memcpy(next, at, (size_t)(end - at));
    *to = mr_string_of(made, (uint32_t)length);
}

/* Part `index`, from 0, of a text cut at a whole delimiter; NULL when there is none. */
TEXT_KERNEL(split_index)
{
    mr_string text = mr_kernel_string(call, 0, row), cut = mr_kernel_string(call, 1, row);
    int32_t index = call->args[2].i32[mr_kernel_at(call, 2, row)];
    const char *at = text.bytes, *end = text.bytes + text.length;
    if (index < 0 || cut.length == 0 || text.length == 0) {
        mr_kernel_null(call, row);
        return;
    }
    for (; index > 0; index--) {
        const char *hit = find(text, at, cut);
        if (hit == NULL) {
            mr_kernel_null(call, row);
            return;
        }
        at = hit + cut.length;
    }
    const char *hit = find(text, at, cut);
    *to = mr_string_of(at, (uint32_t)((hit != NULL ? hit : end) - at));
}

static const mr_function function_upper = {
    .name = "UPPER", .kernel = upper, .is_strict = true, .is_costly = true};
static const mr_function function_lower = {
    .name = "LOWER", .kernel = lower, .is_strict = true, .is_costly = true};
static const mr_function function_char_length = {
    .name = "CHAR_LENGTH", .kernel = char_length, .is_strict = true, .is_costly = true};
static const mr_function function_substring = {
    .name = "SUBSTRING", .kernel = substring, .is_strict = true, .is_costly = true};
static const mr_function function_left = {
    .name = "LEFT", .kernel = left, .is_strict = true, .is_costly = true};
static const mr_function function_right = {
    .name = "RIGHT", .kernel = right, .is_strict = true, .is_costly = true};
static const mr_function function_trim = {
    .name = "TRIM", .kernel = trim_both, .is_strict = true, .is_costly = true};
static const mr_function function_ltrim = {
    .name = "LTRIM", .kernel = trim_left, .is_strict = true, .is_costly = true};
static const mr_function function_rtrim = {
    .name = "RTRIM", .kernel = trim_right, .is_strict = true, .is_costly = true};
static const mr_function function_concat = {
    .name = "CONCAT", .kernel = concat, .is_strict = true, .can_fail = true};
static const mr_function function_concat_ws = {
    .name = "CONCAT_WS", .kernel = concat_ws, .can_fail = true};
static const mr_function function_replace = {
    .name = "REPLACE", .kernel = replace, .is_strict = true, .can_fail = true};
static const mr_function function_split_index = {
    .name = "SPLIT_INDEX", .kernel = split_index, .is_strict = true, .is_costly = true};

/* Texts first, then INTs; `variant` is how many texts (MR_ARGS_ANY: all). Gives STRING. */
static mr_expr *build_text(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                           uint32_t count)
{
    mr_expr **all = mr_arena_alloc(resolver->arena, (count + 1) * sizeof(mr_expr *));
    for (uint32_t i = 0; i < count; i++) {
        all[i] = form->variant < 0 || i < (uint32_t)form->variant
                     ? mr_want_text(resolver, form, args, count, i)
                     : mr_want_int(resolver, form, args, count, i);
        if (all[i] == NULL)
            return NULL;
    }
    const mr_function *function = form->extra;
    mr_type type = function == &function_char_length ? mr_type_of(MR_TYPE_INT) : mr_type_string();
    type = mr_build_type(type, all, count);
    if (function == &function_split_index)
        type.is_nullable = true;
    if (function == &function_concat_ws)
        type.is_nullable = all[0]->type.is_nullable;
    return mr_build_call(resolver, type, function, NULL, all, count);
}

/* ('BOTH'|'LEADING'|'TRAILING', characters, text) */
static mr_expr *build_trim(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                           uint32_t count)
{
    mr_string mode;
    static const mr_form forms[] = {
        {"TRIM", 2, 2, build_text, 2, "TRIM([BOTH|LEADING|TRAILING] STRING FROM STRING)",
         &function_trim},
        {"TRIM", 2, 2, build_text, 2, "TRIM([BOTH|LEADING|TRAILING] STRING FROM STRING)",
         &function_ltrim},
        {"TRIM", 2, 2, build_text, 2, "TRIM([BOTH|LEADING|TRAILING] STRING FROM STRING)",
         &function_rtrim},
    };
    if (!mr_constant_text(args[0], &mode))
        return mr_refuse_types(resolver, form, args, count);
    mr_expr *sides[] = {args[2], args[1]};
    int which = mode.length == 7 && strncasecmp(mode.bytes, "LEADING", 7) == 0    ? 1
                : mode.length == 8 && strncasecmp(mode.bytes, "TRAILING", 8) == 0 ? 2
                                                                                  : 0;
    return build_text(resolver, &forms[which], sides, 2);
}

mr_family mr_family_strings(void)
{
    static const mr_form forms[] = {
        {"||", 2, 2, build_text, -1, "STRING || STRING", &function_concat},
        {"UPPER", 1, 1, build_text, 1, "UPPER(STRING)", &function_upper},
        {"LOWER", 1, 1, build_text, 1, "LOWER(STRING)", &function_lower},
        {"CHAR_LENGTH", 1, 1, build_text, 1, "CHAR_LENGTH(STRING)", &function_char_length},
        {"CHARACTER_LENGTH", 1, 1, build_text, 1, "CHARACTER_LENGTH(STRING)",
         &function_char_length},
        {"SUBSTRING", 2, 3, build_text, 1, "SUBSTRING(STRING, INT [, INT])", &function_substring},
        {"SUBSTR", 2, 3, build_text, 1, "SUBSTR(STRING, INT [, INT])", &function_substring},
        {"LEFT", 2, 2, build_text, 1, "LEFT(STRING, INT)", &function_left},
        {"RIGHT", 2, 2, build_text, 1, "RIGHT(STRING, INT)", &function_right},
        {"TRIM", 1, 2, build_text, 2, "TRIM([[BOTH|LEADING|TRAILING] STRING FROM] STRING)",
         &function_trim},
        {"TRIM", 3, 3, build_trim, 0, "TRIM([[BOTH|LEADING|TRAILING] STRING FROM] STRING)", NULL},
        {"LTRIM", 1, 2, build_text, 2, "LTRIM(STRING [, STRING])", &function_ltrim},
        {"RTRIM", 1, 2, build_text, 2, "RTRIM(STRING [, STRING])", &function_rtrim},
        {"BTRIM", 1, 2, build_text, 2, "BTRIM(STRING [, STRING])", &function_trim},
        {"CONCAT", 1, MR_ARGS_ANY, build_text, -1, "CONCAT(STRING, ..)", &function_concat},
        {"CONCAT_WS", 2, MR_ARGS_ANY, build_text, -1, "CONCAT_WS(STRING, STRING, ..)",
         &function_concat_ws},
        {"REPLACE", 3, 3, build_text, 3, "REPLACE(STRING, STRING, STRING)", &function_replace},
        {"SPLIT_INDEX", 3, 3, build_text, 2, "SPLIT_INDEX(STRING, STRING, INT)",
         &function_split_index},
    };
    return (mr_family){forms, MR_LENGTH(forms)};
}
