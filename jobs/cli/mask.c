#include "jobs/cli/mask.h"

#include "connectors/formats/format.h"
#include "connectors/kafka/client/settings.h"
#include "engine/base/buffer.h"
#include "jobs/plan/catalog/connector.h"
#include "jobs/plan/options/settings.h"
#include "jobs/plan/options/substitute.h"
#include "jobs/sql/lexer/lexer.h"

#include <string.h>

/* A shorter secret is only replaced in a message where it is quoted alone: else it would be found
 * in any word. */
#define FOUND_ANYWHERE_MIN 3

/* Bytes of `_utf8'`. */
#define PREFIX_MAX 6U

typedef struct masking {
    const mr_script *script;
    mr_buffer spans;    /* of mr_span: what is hidden */
    mr_buffer comments; /* of mr_span: hidden too, and quoted by no message */
    bool is_in_options;
    bool is_hiding;      /* the latest key is secret or unknown */
    bool is_behind_key;  /* the token before was a key */
    uint32_t rest_until; /* lines are looked through once */
} masking;

/* ---- which keys hide their values ---- */

static bool is_format_option(const char *key)
{
    const char *prefixes[] = {"key.", "value."};
    for (size_t i = 0; i < 2; i++)
        if (strncmp(key, prefixes[i], strlen(prefixes[i])) == 0)
            key += strlen(prefixes[i]);
    uint32_t count;
    const mr_format *const *all = mr_format_all(&count);
    for (uint32_t i = 0; i < count; i++) {
        size_t length = strlen(all[i]->name);
        if (strncmp(key, all[i]->name, length) != 0 || key[length] != '.')
            continue;
        for (uint32_t o = 0; o < all[i]->options_count; o++)
            if (strcmp(key + length + 1, all[i]->options[o].name) == 0)
                return true;
    }
    return false;
}

static bool is_known(const char *key)
{
    if (strncmp(key, "properties.", 11) == 0)
        return mr_kafka_settings_is_known(key + 11);
    mr_option_specs settings = mr_settings_specs();
    return mr_connector_option_is_known(key) || is_format_option(key) ||
           mr_option_spec_of(&settings, 1, key) != NULL;
}

/* ---- what to hide in the script ---- */

static void hide(masking *to, uint32_t start, uint32_t end)
{
    mr_span span = {start, end};
    if (end > start)
        mr_buffer_put(&to->spans, &span, sizeof span);
}

static uint32_t line_end(const masking *to, uint32_t at)
{
    const char *end = memchr(to->script->text + at, '\n', to->script->length - at);
    return end != NULL ? (uint32_t)(end - to->script->text) : (uint32_t)to->script->length;
}

/* Between two tokens is white space and comments. */
static void hide_comments(masking *to, uint32_t start, uint32_t end)
{
    const char *text = to->script->text;
    while (start < end && text[start] != '-' && text[start] != '/')
        start++;
    mr_span span = {start + 2, end}; /* of a comment its first two bytes are shown */
    if (span.end > span.start)
        mr_buffer_put(&to->comments, &span, sizeof span);
}

/* What stands between the quotes of a closed token. */
static void hide_quoted(masking *to, mr_span span)
{
    const char *text = to->script->text;
    uint32_t start = span.start;
    while (start < span.end && strchr("'\"`", text[start]) == NULL)
        start++;
    hide(to, start + 1, span.end - 1);
}

/* The first byte in [start, end) that may belong to a value, where quotes are in disorder. */
static uint32_t value_in(const masking *to, uint32_t start, uint32_t end)
{
    mr_arena arena = {0};
    const char *line = mr_arena_string(&arena, to->script->text + start, end - start);
    const char *equal = strchr(line, '=');
    uint32_t at = equal != NULL ? start + (uint32_t)(equal - line) + 1 : end;
    size_t word = mr_option_secret_word(line);
    if (word != 0 && start + word < at)
        at = start + (uint32_t)word;
    mr_arena_release(&arena);
    return at;
}

/* Asks `is` about a bare name. */
static bool ask(const masking *to, mr_span span, bool (*is)(const char *key))
{
    mr_arena arena = {0};
    bool answer = is(mr_arena_string(&arena, to->script->text + span.start, span.end - span.start));
    mr_arena_release(&arena);
    return answer;
}

static void hide_rest(masking *to, mr_token token)
{
    uint32_t end = line_end(to, token.span.start);
    if (token.span.end > end)
        end = token.span.end;
    if (to->is_hiding)
        hide(to, token.span.start, end);
    else if (token.span.start >= to->rest_until)
        hide(to, value_in(to, token.span.start, end), end);
    to->rest_until = end;
}

static bool is_text(mr_token_kind kind)
{
    return kind == MR_TOKEN_STRING || kind == MR_TOKEN_QUOTED_NAME;
}

static bool is_equal(mr_token_kind kind)
{
    return kind == MR_TOKEN_EQUAL || kind == MR_TOKEN_ARROW;
}

/* A text between `before` and `next` is a key: of an option, or of what may be one. */
static bool is_key(const masking *to, mr_token before, mr_token next)
{
    if (to->is_behind_key || is_equal(before.kind))
        return false;
    bool is_first =
        before.kind == MR_TOKEN_COMMA || before.kind == MR_TOKEN_OPEN || before.word == MR_WORD_SET;
    return is_equal(next.kind) || (to->is_in_options && is_first) ||
           (!to->is_in_options && (is_text(next.kind) || next.kind == MR_TOKEN_BAD));
}

static void see_text(masking *to, mr_token before, mr_token token, mr_token next)
{
    if (!is_key(to, before, next)) {
        if (to->is_hiding)
            hide_quoted(to, token.span);
        to->is_hiding &= to->is_in_options;
        to->is_behind_key = false;
        return;
    }
    bool is_listed = before.kind == MR_TOKEN_COMMA || before.kind == MR_TOKEN_OPEN;
    bool is_option = to->is_in_options || (is_listed && is_equal(next.kind));
    to->is_hiding = mr_option_is_secret(token.text) || (is_option && !is_known(token.text));
    to->is_behind_key = true;
    const char *equal =
        memchr(to->script->text + token.span.start, '=', token.span.end - token.span.start);
    if (to->is_hiding && equal != NULL) /* 'key=value' in one pair of quotes */
        hide(to, (uint32_t)(equal - to->script->text) + 1, token.span.end - 1);
}

/* What is no text. */
static void see_other(masking *to, mr_token before, mr_token token, mr_token next)
{
    bool was_behind_key = to->is_behind_key;
    to->is_behind_key = false;
    bool is_end = next.kind == MR_TOKEN_COMMA || next.kind == MR_TOKEN_CLOSE;
    if (token.kind == MR_TOKEN_SEMICOLON || (token.kind == MR_TOKEN_CLOSE && to->is_in_options))
        to->is_in_options = to->is_hiding = false;
    else if ((token.kind == MR_TOKEN_OPEN && before.word == MR_WORD_WITH) ||
             (token.word == MR_WORD_SET && next.kind == MR_TOKEN_STRING))
        to->is_in_options = true;
    else if (token.kind == MR_TOKEN_BAD && (to->is_in_options || to->is_hiding))
        hide_rest(to, token);
    else if (is_equal(token.kind))
        return;
    else if (to->is_in_options && token.kind == MR_TOKEN_NAME && is_equal(next.kind) &&
             before.kind != MR_TOKEN_DOT && before.kind != MR_TOKEN_BAD && !is_equal(before.kind) &&
             ask(to, token.span, is_known))
        to->is_hiding = false;
    else if (!to->is_in_options) {
        to->is_hiding = token.kind == MR_TOKEN_NAME && is_equal(next.kind) &&
                        ask(to, token.span, mr_option_is_secret);
    } else if (token.kind != MR_TOKEN_COMMA &&
               (to->is_hiding || was_behind_key || !is_equal(before.kind) || !is_end))
        hide_rest(to, token);
}

static void find_secrets(masking *to)
{
    mr_arena arena = {0};
    mr_diagnostics unused = {0};
    mr_lexer lexer;
    mr_lexer_init(&lexer, to->script, &arena, &unused);
    mr_token before = {0};
    mr_token token = mr_lexer_next(&lexer);
    while (token.kind != MR_TOKEN_END) {
        hide_comments(to, before.span.end, token.span.start);
        mr_token next = mr_lexer_next(&lexer);
        if (is_text(token.kind))
            see_text(to, before, token, next);
        else
            see_other(to, before, token, next);
        before = token;
        token = next;
    }
    hide_comments(to, before.span.end, (uint32_t)to->script->length);
    mr_diagnostics_release(&unused);
    mr_arena_release(&arena);
}

/* ---- what diagnostics quote ---- */

static bool is_quote(char c)
{
    return c == '`' || c == '\'' || c == '"';
}

/* How much of `text` (ended by NUL) at `at` is the secret: all of it, or its beginning where a
 * message cut it off; 0: none. */
static size_t secret_at(const char *text, size_t at, const char *secret, size_t length)
{
    size_t same = 0;
    while (same < length && text[at + same] == secret[same])
        same++;
    if (same == length && length >= FOUND_ANYWHERE_MIN)
        return same;
    bool is_alone = at > 0 && is_quote(text[at - 1]) && is_quote(text[at + same]);
    return is_alone ? same : 0;
}

static const char *without(mr_diagnostics *list, const char *text, const char *secret,
                           size_t length)
{
    mr_buffer out = {0};
    bool is_found = false;
    for (size_t i = 0; text != NULL && text[i] != '\0';) {
        size_t size = secret_at(text, i, secret, length);
        if (size > 0)
            mr_buffer_put(&out, MR_SECRET_MASK, strlen(MR_SECRET_MASK));
        else
            mr_buffer_put_u8(&out, (uint8_t)text[i]);
        i += size > 0 ? size : 1;
        is_found |= size > 0;
    }
    if (is_found)
        text = mr_arena_string(&list->arena, (const char *)out.data, out.length);
    mr_buffer_release(&out);
    return text;
}

static void mask_diagnostic(const masking *from, mr_diagnostics *list, mr_diagnostic *item)
{
    const mr_span *spans = (const mr_span *)(const void *)from->spans.data;
    for (size_t i = 0; i < from->spans.length / sizeof *spans; i++) {
        /* Only errors at the value itself, or at a key with a value in its quotes, quote it. */
        bool is_apart =
            spans[i].end <= item->span.start || spans[i].start >= item->span.end ||
            (item->span.start + PREFIX_MAX < spans[i].start && item->span.end != spans[i].end + 1);
        if (is_apart || item->code == MR_E_BAD_CHARACTER)
            continue;
        /* A bare value is hidden to the line's end, but quoted alone. */
        uint32_t start = spans[i].start > item->span.start ? spans[i].start : item->span.start;
        uint32_t end = spans[i].end < item->span.end ? spans[i].end : item->span.end;
        const char *secret = from->script->text + start;
        item->message = without(list, item->message, secret, end - start);
        item->label = without(list, item->label, secret, end - start);
        item->hint = without(list, item->hint, secret, end - start);
    }
}

static void put_stars(const mr_buffer *list, char *text, bool are_blanks_kept)
{
    const mr_span *spans = (const mr_span *)(const void *)list->data;
    for (size_t i = 0; i < list->length / sizeof *spans; i++)
        for (uint32_t at = spans[i].start; at < spans[i].end; at++)
            if (text[at] != '\n' && text[at] != '\r' && !(are_blanks_kept && text[at] == ' '))
                text[at] = '*';
}

void mr_mask_secrets(const mr_script *script, char *text, mr_diagnostics *diagnostics)
{
    masking found = {.script = script};
    find_secrets(&found);
    for (size_t i = 0; i < diagnostics->count; i++)
        mask_diagnostic(&found, diagnostics, &diagnostics->items[i]);
    put_stars(&found.spans, text, false);
    put_stars(&found.comments, text, true);
    mr_buffer_release(&found.spans);
    mr_buffer_release(&found.comments);
}
