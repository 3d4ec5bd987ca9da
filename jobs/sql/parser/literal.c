/*
 * Units of time, intervals, and literals of dates and times.
 */
#include "engine/base/assert.h"
#include "engine/expr/civil.h"
#include "jobs/sql/parser/state.h"
#include "jobs/sql/suggest.h"

#include <string.h>
#include <strings.h>

typedef struct unit_row {
    mr_ast_unit unit;
    const char *name;
    const char *plural;
    int64_t months; /* of one, 0: counted in microseconds */
    int64_t microseconds;
    int64_t next_max; /* how many of it the next larger unit of an interval holds, 0: any */
} unit_row;

static const unit_row unit_rows[] = {
    {MR_AST_UNIT_NONE, "", "", 0, 0, 0},
    {MR_AST_UNIT_YEAR, "YEAR", "YEARS", 12, 0, 0},
    {MR_AST_UNIT_QUARTER, "QUARTER", "QUARTERS", 3, 0, 0},
    {MR_AST_UNIT_MONTH, "MONTH", "MONTHS", 1, 0, 12},
    {MR_AST_UNIT_WEEK, "WEEK", "WEEKS", 0, 7 * MR_US_PER_DAY, 0},
    {MR_AST_UNIT_DAY, "DAY", "DAYS", 0, MR_US_PER_DAY, 0},
    {MR_AST_UNIT_HOUR, "HOUR", "HOURS", 0, MR_US_PER_HOUR, 24},
    {MR_AST_UNIT_MINUTE, "MINUTE", "MINUTES", 0, MR_US_PER_MINUTE, 60},
    {MR_AST_UNIT_SECOND, "SECOND", "SECONDS", 0, MR_US_PER_SECOND, 60},
    {MR_AST_UNIT_MILLISECOND, "MILLISECOND", "MILLISECONDS", 0, 0, 0},
    {MR_AST_UNIT_MICROSECOND, "MICROSECOND", "MICROSECONDS", 0, 0, 0},
    {MR_AST_UNIT_NANOSECOND, "NANOSECOND", "NANOSECONDS", 0, 0, 0},
    {MR_AST_UNIT_EPOCH, "EPOCH", "", 0, 0, 0},
    {MR_AST_UNIT_DOW, "DOW", "", 0, 0, 0},
    {MR_AST_UNIT_ISODOW, "ISODOW", "", 0, 0, 0},
    {MR_AST_UNIT_DOY, "DOY", "", 0, 0, 0},
    {MR_AST_UNIT_ISOYEAR, "ISOYEAR", "", 0, 0, 0},
    {MR_AST_UNIT_CENTURY, "CENTURY", "", 0, 0, 0},
    {MR_AST_UNIT_DECADE, "DECADE", "", 0, 0, 0},
    {MR_AST_UNIT_MILLENNIUM, "MILLENNIUM", "", 0, 0, 0},
};

const char *mr_ast_unit_name(mr_ast_unit unit)
{
    return unit_rows[unit].name;
}

static mr_ast_unit find_unit(const char *text)
{
    for (size_t i = 1; i < MR_LENGTH(unit_rows); i++)
        if (strcasecmp(text, unit_rows[i].name) == 0 || strcasecmp(text, unit_rows[i].plural) == 0)
            return unit_rows[i].unit;
    return MR_AST_UNIT_NONE;
}

mr_ast_unit mr_parser_peek_unit(mr_parser *parser, uint32_t n)
{
    mr_token token = mr_parser_peek(parser, n);
    /* Only the reserved ones: a free word behind a bracket is an alias. */
    if (token.kind != MR_TOKEN_NAME || !mr_word_is_reserved(token.word))
        return MR_AST_UNIT_NONE;
    return find_unit(mr_word_text(token.word));
}

mr_ast_unit mr_parse_unit(mr_parser *parser)
{
    mr_token token = mr_parser_peek(parser, 0);
    if (token.kind != MR_TOKEN_NAME) {
        mr_parser_unexpected(parser, "a unit of time");
        return MR_AST_UNIT_NONE;
    }
    const char *text = mr_parser_text(parser, token.span);
    mr_ast_unit unit = find_unit(text);
    if (unit != MR_AST_UNIT_NONE) {
        mr_parser_take(parser);
        return unit;
    }
    const char *names[MR_LENGTH(unit_rows)] = {0};
    for (size_t i = 1; i < MR_LENGTH(unit_rows); i++)
        names[i] = unit_rows[i].name;
    const char *near = mr_suggest(text, names, MR_LENGTH(names));
    if (mr_parser_fail(parser, MR_E_UNIT, token.span, "`%.60s` is no unit of time", text)) {
        if (near != NULL)
            mr_diagnostics_label(parser->diagnostics, "did you mean %s?", near);
        else
            mr_diagnostics_label(parser->diagnostics,
                                 "YEAR, QUARTER, MONTH, WEEK, DAY, HOUR, MINUTE or SECOND");
    }
    return MR_AST_UNIT_NONE;
}

/* ---- intervals ---- */

/* DAY(3), SECOND(2, 3): digits of the leading field; 0 when not written. */
static uint32_t parse_digits(mr_parser *parser)
{
    mr_span open = mr_parser_peek(parser, 0).span;
    if (!mr_parser_accept(parser, MR_TOKEN_OPEN))
        return 0;
    uint32_t digits[2] = {0};
    uint32_t count = 0;
    do {
        mr_token token = mr_parser_peek(parser, 0);
        mr_parser_expect(parser, MR_TOKEN_INTEGER, "a number of digits");
        uint32_t length = token.span.end - token.span.start;
        const char *text = parser->script->text + token.span.start;
        digits[count] = length == 1 ? (uint32_t)(text[0] - '0') : 10;
        bool is_ten = length == 2 && memcmp(text, "10", 2) == 0;
        if (length > 1 && !is_ten)
            mr_parser_fail(parser, MR_E_BAD_INTERVAL, token.span,
                           "an interval's field has 1 to 10 digits");
    } while (++count < 2 && mr_parser_comma(parser));
    mr_parser_close(parser, open);
    return digits[0];
}

/* unit [(digits)] [TO unit [(digits)]]; `*digits` of the leading field, 0: not written. */
static bool parse_units(mr_parser *parser, mr_ast_interval *interval, uint32_t *digits)
{
    uint32_t start = mr_parser_start(parser);
    interval->unit = mr_parse_unit(parser);
    *digits = parse_digits(parser);
    if (mr_parser_accept_word(parser, MR_WORD_TO)) {
        interval->to = mr_parse_unit(parser);
        parse_digits(parser);
    }
    if (parser->is_failed)
        return false;
    const unit_row *from = &unit_rows[interval->unit];
    const unit_row *to = &unit_rows[interval->to];
    mr_span span = mr_parser_span_from(parser, start);
    interval->is_months = from->months != 0;
    if (from->months == 0 && from->microseconds == 0)
        mr_parser_fail(parser, MR_E_BAD_INTERVAL, span, "%s is no unit of intervals", from->name);
    else if (interval->to != MR_AST_UNIT_NONE &&
             (interval->to <= interval->unit || to->next_max == 0 ||
              interval->unit == MR_AST_UNIT_QUARTER || interval->unit == MR_AST_UNIT_WEEK ||
              (to->months != 0) != interval->is_months))
        mr_parser_fail(parser, MR_E_BAD_INTERVAL, span, "there is no interval %s TO %s", from->name,
                       to->name);
    return !parser->is_failed;
}

bool mr_parse_interval_units(mr_parser *parser, mr_ast_interval *interval)
{
    uint32_t digits = 0;
    return parse_units(parser, interval, &digits);
}

typedef struct scan {
    const char *next;
    const char *end;
} scan;

/* Digits at the front as a number; how many, 0 when there is none or it is too large. */
static size_t scan_number(scan *from, int64_t *value)
{
    size_t count = 0;
    *value = 0;
    while (from->next < from->end && *from->next >= '0' && *from->next <= '9') {
        *value = *value * 10 + (*from->next++ - '0');
        if (++count > 12)
            return 0;
    }
    return count;
}

/* .5 or .123456 behind seconds, in microseconds. */
static bool scan_fraction(scan *from, int64_t *microseconds)
{
    if (from->next == from->end || *from->next != '.')
        return true;
    from->next++;
    int64_t value = 0;
    size_t count = scan_number(from, &value);
    if (count == 0 || count > 6)
        return false;
    for (; count < 6; count++)
        value *= 10;
    *microseconds += value;
    return true;
}

static bool scan_char(scan *from, char c)
{
    if (from->next == from->end || *from->next != c)
        return false;
    from->next++;
    return true;
}

/* The text of a literal such as '1 02:03:04.5' by its units. NULL: read; else what is wrong. */
static const char *read_interval(mr_ast_interval *interval, uint32_t digits)
{
    scan from = {interval->text.text, interval->text.text + interval->text.length};
    while (from.next < from.end && *from.next == ' ')
        from.next++;
    while (from.end > from.next && from.end[-1] == ' ')
        from.end--;
    bool is_negative = scan_char(&from, '-');
    if (!is_negative)
        scan_char(&from, '+');
    mr_ast_unit last = interval->to == MR_AST_UNIT_NONE ? interval->unit : interval->to;
    int64_t months = 0;
    int64_t microseconds = 0;
    for (int unit = (int)interval->unit; unit <= (int)last; unit++) {
        const unit_row *row = &unit_rows[unit];
        bool is_first = unit == (int)interval->unit;
        if (!is_first && (row->unit == MR_AST_UNIT_QUARTER || row->unit == MR_AST_UNIT_WEEK))
            continue;
        char separator = row->months != 0 ? '-' : row->unit == MR_AST_UNIT_HOUR ? ' ' : ':';
        int64_t value = 0;
        if (!is_first && !scan_char(&from, separator))
            return "does not fit its units";
        size_t count = scan_number(&from, &value);
        if (count == 0)
            return "does not fit its units";
        if (is_first && count > (digits == 0 ? 2 : digits))
            return "has more digits than its unit takes";
        if (!is_first && value >= row->next_max)
            return "has a field that is too large";
        months += value * row->months;
        microseconds += value * row->microseconds;
        if (row->unit == MR_AST_UNIT_SECOND && !scan_fraction(&from, &microseconds))
            return "has a malformed fraction";
    }
    interval->months = is_negative ? -months : months;
    interval->microseconds = is_negative ? -microseconds : microseconds;
    return from.next == from.end ? NULL : "does not fit its units";
}

static const char *example_of(const mr_ast_interval *interval)
{
    if (interval->to == MR_AST_UNIT_NONE)
        return "such as INTERVAL '5' MINUTE";
    return interval->is_months ? "such as INTERVAL '1-2' YEAR TO MONTH"
                               : "such as INTERVAL '1 02:03:04.5' DAY TO SECOND";
}

static void check_interval(mr_parser *parser, mr_ast_interval *interval, bool is_negative,
                           uint32_t digits)
{
    const char *wrong = read_interval(interval, digits);
    if (is_negative) {
        interval->months = -interval->months;
        interval->microseconds = -interval->microseconds;
    }
    if (wrong == NULL ||
        !mr_parser_fail(parser, MR_E_BAD_INTERVAL, interval->text.span, "this interval %s", wrong))
        return;
    const char *unit = mr_ast_unit_name(interval->unit);
    if (strstr(wrong, "digits") != NULL)
        mr_diagnostics_label(parser->diagnostics, "say how many: %s(%zu)", unit,
                             interval->text.length);
    else
        mr_diagnostics_label(parser->diagnostics, "%s", example_of(interval));
}

/* INTERVAL '10 seconds', as other systems write it: says how it is written here. */
static void check_unit_is_behind(mr_parser *parser, const mr_ast_text *text)
{
    if (mr_parser_peek(parser, 0).kind == MR_TOKEN_NAME)
        return;
    scan from = {text->text, text->text + text->length};
    const char *digits = from.next;
    int64_t value;
    size_t count = scan_number(&from, &value);
    while (scan_char(&from, ' ')) {
    }
    mr_ast_unit unit = find_unit(from.next);
    if (count > 0 && unit != MR_AST_UNIT_NONE &&
        mr_parser_fail(parser, MR_E_BAD_INTERVAL, text->span,
                       "the unit of an interval stands behind its text"))
        mr_diagnostics_label(parser->diagnostics, "write INTERVAL '%.*s' %s", (int)count, digits,
                             mr_ast_unit_name(unit));
}

/* INTERVAL a DAY. Brackets are read here: a unit behind them would else make `(a - b) DAY`. */
static mr_ast_expr *parse_amount(mr_parser *parser)
{
    mr_span open = mr_parser_peek(parser, 0).span;
    mr_ast_expr *expr = NULL;
    if (mr_parser_accept(parser, MR_TOKEN_OPEN)) {
        expr = mr_parse_expression(parser);
        mr_parser_close(parser, open);
        return expr;
    }
    /* INTERVAL INTERVAL INTERVAL .. comes by here. */
    if (mr_parser_enter(parser))
        expr = mr_parse_primary(parser);
    mr_parser_leave(parser);
    return expr;
}

mr_ast_expr *mr_parse_interval(mr_parser *parser)
{
    uint32_t start = mr_parser_take(parser).span.start;
    mr_ast_expr *expr = mr_parser_new(parser, MR_AST_INTERVAL);
    mr_ast_interval *interval = &expr->interval;
    mr_token_kind sign = mr_parser_peek(parser, 0).kind;
    bool has_sign = (sign == MR_TOKEN_MINUS || sign == MR_TOKEN_PLUS) &&
                    mr_parser_peek(parser, 1).kind == MR_TOKEN_STRING;
    if (has_sign)
        mr_parser_take(parser);
    bool is_literal = mr_parser_at(parser, MR_TOKEN_STRING);
    if (is_literal)
        interval->text = mr_parser_string(parser, "an interval's text");
    else
        interval->expr = parse_amount(parser);
    if (is_literal)
        check_unit_is_behind(parser, &interval->text);
    mr_parser_above(parser, expr, interval->expr);
    uint32_t digits = 0;
    if (parse_units(parser, interval, &digits) && is_literal)
        check_interval(parser, interval, has_sign && sign == MR_TOKEN_MINUS, digits);
    return mr_parser_done(parser, expr, start);
}

/* ---- dates and times ---- */

static uint32_t count_char(mr_ast_text text, char c)
{
    uint32_t count = 0;
    for (size_t i = 0; i < text.length; i++)
        count += text.text[i] == c;
    return count;
}

static size_t fraction_digits(mr_ast_text text)
{
    const char *dot = memchr(text.text, '.', text.length);
    return dot == NULL ? 0 : text.length - (size_t)(dot - text.text) - 1;
}

/* The engine's parsers take shorter forms too, as CAST must; a literal is written in full. */
static bool read_time_literal(mr_ast_expr *expr, mr_ast_text text)
{
    bool has_date = count_char(text, '-') == 2;
    bool has_time = count_char(text, ':') == 2 && count_char(text, 'T') == 0;
    int64_t value = 0;
    int32_t days = 0;
    bool is_read = false;
    if (expr->kind == MR_AST_DATE) {
        is_read = has_date && count_char(text, ' ') == 0 && count_char(text, 'T') == 0 &&
                  count_char(text, ':') == 0 && mr_date_parse(text.text, text.length, &days);
        value = days;
    } else if (expr->kind == MR_AST_TIME) {
        is_read = has_time && mr_time_parse(text.text, text.length, &value);
    } else {
        is_read = has_date && has_time && mr_timestamp_parse(text.text, text.length, &value);
    }
    expr->literal.value = value;
    expr->literal.precision = (uint8_t)(fraction_digits(text) & 0x0F);
    return is_read && fraction_digits(text) <= 6;
}

mr_ast_expr *mr_parse_time_literal(mr_parser *parser)
{
    mr_token token = mr_parser_take(parser);
    mr_ast_expr *expr = mr_parser_new(parser, token.word == MR_WORD_DATE   ? MR_AST_DATE
                                              : token.word == MR_WORD_TIME ? MR_AST_TIME
                                                                           : MR_AST_TIMESTAMP);
    mr_ast_text text = mr_parser_string(parser, "a literal's text");
    expr->literal.text = text;
    if (parser->is_failed || read_time_literal(expr, text))
        return mr_parser_done(parser, expr, token.span.start);
    bool is_too_fine = fraction_digits(text) > 6;
    mr_parser_fail(parser, MR_E_BAD_TIME_LITERAL, text.span,
                   is_too_fine ? "more than 6 digits of a second are not supported"
                               : "there is no such %s",
                   expr->kind == MR_AST_DATE   ? "date"
                   : expr->kind == MR_AST_TIME ? "time of day"
                                               : "timestamp");
    mr_diagnostics_label(parser->diagnostics, "%s",
                         expr->kind == MR_AST_DATE   ? "such as DATE '2024-01-31'"
                         : expr->kind == MR_AST_TIME ? "such as TIME '09:05:00'"
                                                     : "such as TIMESTAMP '2024-01-31 09:05:00'");
    return NULL;
}
