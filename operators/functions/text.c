/* Functions that find in texts, pad and repeat them. Positions and lengths count characters. */
#include "engine/base/assert.h"
#include "engine/expr/kernel.h"
#include "engine/expr/utf8.h"
#include "operators/functions/build.h"

#include <string.h>

/* One row could ask for any memory; no sink takes a record of that size. */
#define TEXT_MAX (16 * 1024 * 1024)

static int32_t int_at(const mr_kernel_call *call, uint32_t arg, uint32_t row)
{
    return call->args[arg].i32[mr_kernel_at(call, arg, row)];
}

/* ---- finding ---- */

/* Place of `wanted`, from 1; 0: none. Characters before `skipped` do not count; an empty text is
 * found at once, wherever the search begins, as in Flink. */
static int32_t position(mr_string text, mr_string wanted, int32_t skipped)
{
    if (wanted.length == 0)
        return 1;
    uint32_t start = skipped > 0 ? mr_utf8_prefix(text.bytes, text.length, (uint32_t)skipped) : 0;
    if (start >= text.length)
        return 0;
    const char *hit = memmem(text.bytes + start, text.length - start, wanted.bytes, wanted.length);
    return hit == NULL ? 0 : (int32_t)mr_utf8_count(text.bytes, (uint32_t)(hit - text.bytes)) + 1;
}

/* (wanted, text [, from]) */
static void locate(const mr_kernel_call *call)
{
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        call->result->i32[row] = 0;
        if (mr_kernel_is_null(call, row))
            continue;
        int32_t from = call->args_count > 2 ? int_at(call, 2, row) : 1;
        call->result->i32[row] = position(mr_kernel_string(call, 1, row),
                                          mr_kernel_string(call, 0, row), from > 1 ? from - 1 : 0);
    }
}

/* (text, wanted) */
static void instr(const mr_kernel_call *call)
{
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        call->result->i32[row] = 0;
        if (!mr_kernel_is_null(call, row))
            call->result->i32[row] =
                position(mr_kernel_string(call, 0, row), mr_kernel_string(call, 1, row), 0);
    }
}

static void starts_with(const mr_kernel_call *call)
{
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        call->result->bools[row] = 0;
        if (mr_kernel_is_null(call, row))
            continue;
        mr_string text = mr_kernel_string(call, 0, row), part = mr_kernel_string(call, 1, row);
        call->result->bools[row] =
            part.length <= text.length &&
            (part.length == 0 || memcmp(text.bytes, part.bytes, part.length) == 0);
    }
}

static void ends_with(const mr_kernel_call *call)
{
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        call->result->bools[row] = 0;
        if (mr_kernel_is_null(call, row))
            continue;
        mr_string text = mr_kernel_string(call, 0, row), part = mr_kernel_string(call, 1, row);
        call->result->bools[row] =
            part.length <= text.length &&
            (part.length == 0 ||
             memcmp(text.bytes + text.length - part.length, part.bytes, part.length) == 0);
    }
}

/* The first byte's number; 0 of an empty text. */
static void ascii(const mr_kernel_call *call)
{
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        call->result->i32[row] = 0;
        if (mr_kernel_is_null(call, row))
            continue;
        mr_string text = mr_kernel_string(call, 0, row);
        call->result->i32[row] = text.length > 0 ? (int32_t)(signed char)text.bytes[0] : 0;
    }
}

/* ---- making ---- */

/* Room for a text of `length` bytes; NULL: too long, the row has failed. */
static char *room(const mr_kernel_call *call, uint32_t row, uint64_t length)
{
    if (length <= TEXT_MAX)
        return mr_arena_alloc(call->arena, (size_t)length + 1);
    mr_kernel_fail(call, row, MR_E_OVERFLOW, "a text of more than 16 MiB");
    return NULL;
}

/* Writes the first `characters` of `pad`, over and over. Returns how many bytes. */
static uint64_t pad_bytes(mr_string pad, uint32_t characters, uint32_t pad_characters)
{
    uint64_t rounds = characters / pad_characters;
    return rounds * pad.length + mr_utf8_prefix(pad.bytes, pad.length, characters % pad_characters);
}

static void fill(char *to, uint64_t bytes, mr_string pad)
{
    for (uint64_t at = 0; at < bytes; at += pad.length)
        memcpy(to + at, pad.bytes, bytes - at < pad.length ? bytes - at : pad.length);
}

static void padded(const mr_kernel_call *call, uint32_t row, bool is_left)
{
    mr_string text = mr_kernel_string(call, 0, row), pad = mr_kernel_string(call, 2, row);
    int32_t wanted = int_at(call, 1, row);
    if (wanted < 0 || pad.length == 0) {
        mr_kernel_null(call, row);
        return;
    }
    uint32_t have = mr_utf8_count(text.bytes, text.length);
    if (have >= (uint32_t)wanted) {
        uint32_t cut = mr_utf8_prefix(text.bytes, text.length, (uint32_t)wanted);
        call->result->strings[row] = mr_string_of(text.bytes, cut);
        return;
    }
    uint64_t more = pad_bytes(pad, (uint32_t)wanted - have, mr_utf8_count(pad.bytes, pad.length));
    char *made = room(call, row, more + text.length);
    if (made == NULL)
        return;
    fill(made + (is_left ? 0 : text.length), more, pad);
    memcpy(made + (is_left ? more : 0), text.length > 0 ? text.bytes : "", text.length);
    call->result->strings[row] = mr_string_of(made, (uint32_t)(more + text.length));
}

static void lpad(const mr_kernel_call *call)
{
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        call->result->strings[row] = mr_string_of("", 0);
        if (!mr_kernel_is_null(call, row))
            padded(call, row, true);
    }
}

static void rpad(const mr_kernel_call *call)
{
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        call->result->strings[row] = mr_string_of("", 0);
        if (!mr_kernel_is_null(call, row))
            padded(call, row, false);
    }
}

static void repeat(const mr_kernel_call *call)
{
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        call->result->strings[row] = mr_string_of("", 0);
        if (mr_kernel_is_null(call, row))
            continue;
        mr_string text = mr_kernel_string(call, 0, row);
        int32_t times = int_at(call, 1, row);
        if (times <= 0 || text.length == 0)
            continue;
        uint64_t length = (uint64_t)times * text.length;
        char *made = room(call, row, length);
        if (made == NULL)
            continue;
        fill(made, length, text);
        call->result->strings[row] = mr_string_of(made, (uint32_t)length);
    }
}

static void reverse(const mr_kernel_call *call)
{
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        call->result->strings[row] = mr_string_of("", 0);
        if (mr_kernel_is_null(call, row))
            continue;
        mr_string text = mr_kernel_string(call, 0, row);
        char *made = mr_arena_alloc(call->arena, (size_t)text.length + 1);
        for (uint32_t at = 0, size; at < text.length; at += size) {
            size = mr_utf8_prefix(text.bytes + at, text.length - at, 1);
            memcpy(made + text.length - at - size, text.bytes + at, size);
        }
        call->result->strings[row] = mr_string_of(made, text.length);
    }
}

static bool is_between(char c, char low, char high)
{
    return c >= low && c <= high;
}

/* Words are runs of ASCII letters and digits; other letters part words and stay as they are. */
static void initcap(const mr_kernel_call *call)
{
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        call->result->strings[row] = mr_string_of("", 0);
        if (mr_kernel_is_null(call, row))
            continue;
        mr_string text = mr_kernel_string(call, 0, row);
        char *made = mr_arena_alloc(call->arena, (size_t)text.length + 1);
        bool is_first = true;
        for (uint32_t at = 0; at < text.length; at++) {
            char c = text.bytes[at];
            bool is_lower = is_between(c, 'a', 'z'), is_upper = is_between(c, 'A', 'Z');
            made[at] = (is_first && is_lower) || (!is_first && is_upper) ? (char)(c ^ 0x20) : c;
            is_first = !is_lower && !is_upper && !is_between(c, '0', '9');
        }
        call->result->strings[row] = mr_string_of(made, text.length);
    }
}

/* ---- forms ---- */

#define FUNCTION(variable, sql_name, kernel_name) \
    static const mr_function variable = {         \
        .name = sql_name, .kernel = (kernel_name), .is_strict = true, .is_costly = true}

FUNCTION(function_locate, "LOCATE", locate);
FUNCTION(function_instr, "INSTR", instr);
FUNCTION(function_starts_with, "STARTSWITH", starts_with);
FUNCTION(function_ends_with, "ENDSWITH", ends_with);
FUNCTION(function_ascii, "ASCII", ascii);
FUNCTION(function_reverse, "REVERSE", reverse);
FUNCTION(function_initcap, "INITCAP", initcap);
static const mr_function function_lpad = {
    .name = "LPAD", .kernel = lpad, .is_strict = true, .can_fail = true};
static const mr_function function_rpad = {
    .name = "RPAD", .kernel = rpad, .is_strict = true, .can_fail = true};
static const mr_function function_repeat = {
    .name = "REPEAT", .kernel = repeat, .is_strict = true, .can_fail = true};

/* What a form gives. */
enum { GIVES_INT, GIVES_BOOLEAN, GIVES_TEXT, GIVES_TEXT_OR_NULL };

/* All arguments are texts but one: the third of LOCATE, the second of LPAD, RPAD and REPEAT. */
static mr_expr *build(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                      uint32_t count)
{
    mr_expr *all[3];
    const mr_function *function = form->extra;
    uint32_t number = function == &function_locate ? 2 : form->variant >= GIVES_TEXT ? 1 : 3;
    for (uint32_t i = 0; i < count; i++) {
        all[i] = i == number ? mr_want_int(resolver, form, args, count, i)
                             : mr_want_text(resolver, form, args, count, i);
        if (all[i] == NULL)
            return NULL;
    }
    mr_type type = form->variant == GIVES_INT       ? mr_type_of(MR_TYPE_INT)
                   : form->variant == GIVES_BOOLEAN ? mr_type_of(MR_TYPE_BOOLEAN)
                                                    : mr_type_string();
    type = mr_build_type(type, all, count);
    if (form->variant == GIVES_TEXT_OR_NULL)
        type.is_nullable = true;
    return mr_build_call(resolver, type, function, NULL, all, count);
}

mr_family mr_family_texts(void)
{
    static const mr_form forms[] = {
        {"POSITION", 2, 2, build, GIVES_INT, "POSITION(STRING IN STRING)", &function_locate},
        {"LOCATE", 2, 3, build, GIVES_INT, "LOCATE(STRING, STRING [, INT])", &function_locate},
        {"INSTR", 2, 2, build, GIVES_INT, "INSTR(STRING, STRING)", &function_instr},
        {"STARTSWITH", 2, 2, build, GIVES_BOOLEAN, "STARTSWITH(STRING, STRING)",
         &function_starts_with},
        {"ENDSWITH", 2, 2, build, GIVES_BOOLEAN, "ENDSWITH(STRING, STRING)", &function_ends_with},
        {"ASCII", 1, 1, build, GIVES_INT, "ASCII(STRING)", &function_ascii},
        {"LPAD", 3, 3, build, GIVES_TEXT_OR_NULL, "LPAD(STRING, INT, STRING)", &function_lpad},
        {"RPAD", 3, 3, build, GIVES_TEXT_OR_NULL, "RPAD(STRING, INT, STRING)", &function_rpad},
        {"REPEAT", 2, 2, build, GIVES_TEXT, "REPEAT(STRING, INT)", &function_repeat},
        {"REVERSE", 1, 1, build, GIVES_TEXT, "REVERSE(STRING)", &function_reverse},
        {"INITCAP", 1, 1, build, GIVES_TEXT, "INITCAP(STRING)", &function_initcap},
    };
    return (mr_family){forms, MR_LENGTH(forms)};
}
