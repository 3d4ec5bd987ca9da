#include "connectors/formats/json/decoder.h"

#include "connectors/formats/codes.h"
#include "connectors/formats/json/fast.h"
#include "connectors/formats/json/names.h"
#include "connectors/formats/json/wide.h"
#include "connectors/formats/text/convert.h"
#include "connectors/formats/text/time.h"
#include "engine/base/assert.h"

#include <stdlib.h>

#define PATH_TEXT_MAX 200

typedef struct json_decoder json_decoder;

struct json_decoder {
    mr_decoder base;
    bool (*read_object)(json_decoder *d, mr_json_node *node, unsigned depth);
    mr_arena memory; /* the decoder's own life */
    mr_record_part part;
    mr_json_options options;
    char separator; /* between date and time */
    mr_json_node *top;
    uint32_t columns_count;
    const mr_type *types;
    uint64_t *seen; /* bit c: column c has a value or NULL in this row */
    size_t seen_words;
    bool has_not_null;
    mr_json_minute minute;
    mr_json_wide wide;

    /* one call of decode */
    mr_vector *columns;
    uint32_t rows_max;
    mr_arena *arena; /* the batch's */
    uint32_t row;
    mr_json_scan scan;
    const mr_json_name *blamed; /* NULL: the record as a whole */
    uint32_t blamed_column;
    bool is_field_error; /* the record is JSON; a field of it is to blame */
};

static void set_seen(json_decoder *d, uint32_t column)
{
    d->seen[column / 64] |= UINT64_C(1) << (column % 64);
}

static void set_null(json_decoder *d, uint32_t column)
{
    mr_vector_set_null(&d->columns[column], d->row, d->rows_max, d->arena);
}

/* A field of a JSON record failed. With ignore-parse-errors that makes it NULL and nothing else. */
static bool fail_field(json_decoder *d, const mr_json_name *name, mr_status code, const char *at,
                       const char *reason)
{
    mr_json_fail(&d->scan, code, at, reason);
    d->scan.reason = reason;
    d->blamed = name;
    d->blamed_column = name->column;
    d->is_field_error = true;
    return false;
}

static const char *found_what(char first)
{
    switch (first) {
    case '{': return "found an object";
    case '[': return "found an array";
    case 't':
    case 'f': return "found a boolean";
    case 'n': return "found null";
    case '"': return "found a string";
    default: return "found a number";
    }
}

static bool settle(json_decoder *d, const mr_json_name *name, mr_convert_outcome outcome,
                   const char *at, const mr_convert_problem *problem)
{
    if (outcome == MR_CONVERT_STORED) {
        mr_vector *to = &d->columns[name->column];
        if (to->valid != NULL)
            mr_bitmap_set(to->valid, d->row);
        return true;
    }
    if (outcome == MR_CONVERT_NULL || d->options.is_ignoring_parse_errors) {
        set_null(d, name->column);
        return true;
    }
    return fail_field(d, name, problem->code, at, problem->reason);
}

/* A plain integer of at most 18 digits: the usual one. False, with nothing read, for any other. */
static inline bool plain_integer(mr_json_scan *scan, int64_t *value)
{
    const char *at = scan->at;
    bool is_negative = *at == '-';
    at += is_negative;
    const char *digits = at;
    uint64_t magnitude = 0;
    unsigned digit;
    while (at < scan->end && (digit = (unsigned char)(*at - '0')) < 10) {
        if (at - digits == 18)
            return false;
        magnitude = magnitude * 10 + digit;
        at++;
    }
    if (at == digits || (*digits == '0' && at - digits > 1) || at == scan->end || *at == '.' ||
        (*at | 0x20) == 'e')
        return false;
    *value = is_negative ? -(int64_t)magnitude : (int64_t)magnitude;
    scan->at = at;
    return true;
}

/* The token at `from` as the text of a text column, or a kind of value the column cannot take. */
static bool store_verbatim(json_decoder *d, const mr_json_name *name, const char *from)
{
    mr_vector *to = &d->columns[name->column];
    mr_convert_problem problem = {.code = MR_E_FIELD_TYPE, .reason = found_what(*from)};
    if (!mr_type_is_text(to->type))
        return settle(d, name, MR_CONVERT_BAD, from, &problem);
    to->strings[d->row] = mr_string_of(from, (uint32_t)(d->scan.at - from));
    return settle(d, name, MR_CONVERT_STORED, from, &problem);
}

static bool read_number(json_decoder *d, const mr_json_name *name)
{
    mr_vector *to = &d->columns[name->column];
    const char *from = d->scan.at;
    mr_convert_problem problem = {0};
    int64_t integer;
    if (mr_type_is_integer(to->type) && plain_integer(&d->scan, &integer))
        return settle(d, name, mr_convert_i64(integer, to, d->row, &problem), from, &problem);
    mr_number number;
    if (!mr_json_number(&d->scan, &number))
        return false;
    if (mr_type_is_text(to->type))
        return store_verbatim(d, name, from);
    return settle(d, name, mr_convert_number(&number, to, d->row, &problem), from, &problem);
}

/* `text` is a whole timestamp. */
static void remember_minute(json_decoder *d, const char *text, int64_t us)
{
    memcpy(d->minute.text, text, sizeof d->minute.text);
    int64_t behind = us % (60 * MR_US_PER_SECOND);
    d->minute.us = us - (behind < 0 ? behind + 60 * MR_US_PER_SECOND : behind);
    d->minute.is_set = true;
}

static bool read_string(json_decoder *d, const mr_json_name *name)
{
    mr_vector *to = &d->columns[name->column];
    const char *from = d->scan.at++;
    mr_convert_problem problem = {0};
    mr_json_text token;
    if (!mr_json_string(&d->scan, &token))
        return false;
    mr_string text = mr_json_unescape(&token, d->arena);
    mr_convert_outcome outcome =
        mr_convert_text(text.bytes, text.length, d->separator, to, d->row, d->arena, &problem);
    if (outcome == MR_CONVERT_STORED && name->reader >= MR_JSON_READ_TIMESTAMP)
        remember_minute(d, text.bytes, to->i64[d->row]);
    return settle(d, name, outcome, from, &problem);
}

static bool read_boolean(json_decoder *d, const mr_json_name *name)
{
    mr_vector *to = &d->columns[name->column];
    const char *from = d->scan.at;
    bool is_true = *from == 't';
    if (!mr_json_word(&d->scan, is_true ? "true" : "false", is_true ? 4 : 5))
        return false;
    if (to->lane != MR_LANE_BOOL)
        return store_verbatim(d, name, from);
    to->bools[d->row] = is_true;
    return settle(d, name, MR_CONVERT_STORED, from, NULL);
}

static bool read_column(json_decoder *d, const mr_json_name *name, unsigned depth)
{
    set_seen(d, name->column);
    const char *from = d->scan.at;
    switch (*from) {
    case '"': return read_string(d, name);
    case 't':
    case 'f': return read_boolean(d, name);
    case 'n': set_null(d, name->column); return mr_json_word(&d->scan, "null", 4);
    case '{':
    case '[': return mr_json_skip(&d->scan, depth) && store_verbatim(d, name, from);
    default: return read_number(d, name);
    }
}

/* What is not an object, where one leads to columns: null makes them NULL. */
static bool read_no_object(json_decoder *d, const mr_json_name *name, unsigned depth)
{
    const char *from = d->scan.at;
    if (!mr_json_skip(&d->scan, depth))
        return false;
    if (*from != 'n' && !d->options.is_ignoring_parse_errors)
        return fail_field(d, name, MR_E_FIELD_TYPE, from, found_what(*from));
    for (uint32_t c = 0; c < d->columns_count; c++) {
        if (mr_bitmap_get(name->child->below, c)) {
            set_seen(d, c);
            set_null(d, c);
        }
    }
    return true;
}

static bool read_row(json_decoder *d, const mr_json_name *name, unsigned depth)
{
    if (*d->scan.at != '{')
        return read_no_object(d, name, depth);
    /* The last of two objects under one name replaces the first one whole. */
    for (size_t w = 0; w < d->seen_words; w++)
        d->seen[w] &= ~name->child->below[w];
    d->scan.at++;
    return d->read_object(d, name->child, depth + 1);
}

__attribute__((noinline)) static bool read_member(json_decoder *d, const mr_json_name *name,
                                                  unsigned depth)
{
    if (d->scan.at == d->scan.end)
        return mr_json_fail(&d->scan, 0, d->scan.at, "");
    if (name == NULL)
        return mr_json_skip(&d->scan, depth);
    if (name->reader == MR_JSON_READ_OBJECT)
        return read_row(d, name, depth);
    return read_column(d, name, depth);
}

/* Two copies are made of what follows, see wide.h. */
#define BOTH_WAYS __attribute__((always_inline)) static inline

/* Behind the closing quote of the string that opens at `at`, if it has neither escapes nor
 * anything but ASCII; NULL else. */
BOTH_WAYS const char *string_fast(const json_decoder *d, const char *at, bool is_wide)
{
    const char *start = d->scan.start, *end = d->scan.end;
    if (is_wide)
        return mr_json_wide_string(&d->wide, at, start, end);
    const char *special = mr_json_find_special(at + 1, start, end);
    return special < end && *special == '"' ? special + 1 : NULL;
}

BOTH_WAYS bool is_at_place(const mr_json_place *place, const char *at, const char *end,
                           bool is_wide)
{
    if (is_wide && end - at >= MR_JSON_PLACE_BYTES)
        return mr_json_wide_place(place, at);
    return mr_json_place_is_at(place, at, end);
}

/* The usual values, skipped; NULL: the general path has to. */
BOTH_WAYS const char *skip_fast(const json_decoder *d, const char *at, bool is_wide)
{
    if (at == d->scan.end)
        return NULL;
    return *at == '"' ? string_fast(d, at, is_wide) : mr_json_fast_skip_integer(at, d->scan.end);
}

/* The usual values of the usual types, stored; NULL: the general path has to. */
BOTH_WAYS const char *read_fast(json_decoder *d, const mr_json_name *name, const char *at,
                                const char *end, bool is_wide)
{
    const char *behind = NULL;
    const uint32_t row = d->row;
    if (name->reader == MR_JSON_READ_BIGINT) {
        int64_t *number = (int64_t *)name->values + row;
        behind = is_wide ? mr_json_wide_integer(&d->wide, at, end, number)
                         : mr_json_fast_integer(at, end, number);
    } else if (name->reader == MR_JSON_READ_TEXT) {
        behind = at < end && *at == '"' ? string_fast(d, at, is_wide) : NULL;
        if (behind != NULL)
            ((mr_string *)name->values)[row] = mr_string_of(at + 1, (uint32_t)(behind - at - 2));
    } else if (name->reader >= MR_JSON_READ_TIMESTAMP) {
        int64_t *number = (int64_t *)name->values + row;
        bool is_utc = name->reader == MR_JSON_READ_TIMESTAMP_LTZ;
        behind = is_wide ? mr_json_wide_timestamp(at, end, &d->minute, is_utc, number) : NULL;
        if (behind == NULL)
            behind = mr_json_fast_timestamp(at, end, &d->minute, is_utc, number);
    }
    if (behind == NULL)
        return NULL;
    d->seen[name->word] |= name->bit;
    if (name->to->valid != NULL)
        mr_bitmap_set(name->to->valid, row);
    return behind;
}

/* Behind the opening brace; `depth` counts it. */
BOTH_WAYS bool read_members(json_decoder *d, mr_json_node *node, unsigned depth, bool is_wide)
{
    mr_json_scan *scan = &d->scan;
    const char *const end = scan->end;
    const char *at = scan->at;
    if (depth > MR_JSON_DEPTH_MAX)
        return mr_json_fail(scan, MR_E_JSON_DEPTH, at - 1, "nested too deep");
    const mr_json_place *place = node->places;
    for (uint32_t member = 0;; member++, place = place->next) {
        const mr_json_name *name;
        if (is_at_place(place, at, end, is_wide)) {
            at += place->length;
            name = place->name;
        } else if (at < end && *at == '}') {
            scan->at = at + 1;
            return true;
        } else {
            bool is_end;
            scan->at = at;
            if (!mr_json_names_next(node, member, scan, d->arena, &name, &is_end))
                return false;
            if (is_end)
                return true;
            at = scan->at;
        }
        const char *behind =
            name == NULL ? skip_fast(d, at, is_wide) : read_fast(d, name, at, end, is_wide);
        if (behind == NULL) {
            scan->at = at;
            mr_json_skip_blanks(scan); /* more of them than were remembered */
            if (!read_member(d, name, depth))
                return false;
            behind = scan->at;
        }
        at = behind;
    }
}

static bool read_object(json_decoder *d, mr_json_node *node, unsigned depth)
{
    return read_members(d, node, depth, false);
}

MR_JSON_WIDE static bool read_object_wide(json_decoder *d, mr_json_node *node, unsigned depth)
{
    return read_members(d, node, depth, true);
}

/* Columns no member spoke of are NULL; says whether the record may be without them. */
static bool settle_missing(json_decoder *d)
{
    uint64_t missing = 0;
    for (size_t w = 0; w < d->seen_words; w++)
        missing |= d->seen[w] ^ d->top->below[w];
    if (missing == 0)
        return true;
    for (uint32_t c = 0; c < d->columns_count; c++) {
        if (mr_bitmap_get(d->seen, c))
            continue;
        if (d->options.is_failing_on_missing_field) {
            d->blamed_column = c;
            d->is_field_error = true;
            return mr_json_fail(&d->scan, MR_E_FIELD_MISSING, d->scan.start, "missing field");
        }
        set_null(d, c);
    }
    return true;
}

static bool check_not_null(json_decoder *d)
{
    for (uint32_t c = 0; c < d->columns_count; c++) {
        if (d->types[c].is_nullable || !mr_vector_is_null(&d->columns[c], d->row))
            continue;
        d->blamed_column = c;
        d->is_field_error = true;
        return mr_json_fail(&d->scan, MR_E_FIELD_NULL, d->scan.start, "NULL in a NOT NULL column");
    }
    return true;
}

static bool read_document(json_decoder *d, const char *text, size_t length)
{
    /* Field by field: a struct copied whole is read back while its halves are still being
     * stored. */
    d->scan.start = d->scan.at = text;
    d->scan.end = text + length;
    d->blamed = NULL;
    d->blamed_column = MR_JSON_COLUMN_NONE;
    d->is_field_error = false;
    for (size_t w = 0; w < d->seen_words; w++)
        d->seen[w] = 0;
    mr_json_scan *scan = &d->scan;
    mr_json_skip_blanks(scan);
    if (scan->at == scan->end)
        return mr_json_fail(scan, 0, scan->at, "");
    if (*scan->at != '{')
        return mr_json_skip(scan, 0) &&
               mr_json_fail(scan, MR_E_JSON_SHAPE, scan->start, "expected an object");
    scan->at++;
    if (!d->read_object(d, d->top, 1))
        return false;
    mr_json_skip_blanks(scan);
    if (scan->at != scan->end)
        return mr_json_fail(scan, MR_E_JSON_BEHIND, scan->at, "text behind the JSON object");
    return settle_missing(d) && (!d->has_not_null || check_not_null(d));
}

static const mr_json_name *name_of_column(const mr_json_node *node, uint32_t column)
{
    for (uint32_t i = 0; i < node->names_count; i++) {
        const mr_json_name *name = &node->names[i];
        if (name->column == column)
            return name;
        if (name->child != NULL && mr_bitmap_get(name->child->below, column))
            return name_of_column(name->child, column);
    }
    return NULL;
}

static void report(json_decoder *d, uint32_t record, mr_row_errors *errors)
{
    const mr_json_name *name = d->blamed;
    char path[PATH_TEXT_MAX];
    char type[MR_TYPE_NAME_MAX];
    if (name == NULL && d->blamed_column != MR_JSON_COLUMN_NONE)
        name = name_of_column(d->top, d->blamed_column);
    mr_json_names_path(name, path, sizeof path);
    size_t at = (size_t)(d->scan.bad_at - d->scan.start);
    if (d->blamed_column == MR_JSON_COLUMN_NONE)
        mr_row_errors_add(errors, record, d->scan.code, "json: %s at %s, byte %zu", d->scan.reason,
                          path, at);
    else
        mr_row_errors_add(errors, record, d->scan.code, "json: %s at %s (%s), byte %zu",
                          d->scan.reason, path,
                          mr_type_name(d->types[d->blamed_column], type, sizeof type), at);
}

static bool decode_null_key(json_decoder *d)
{
    memset(d->seen, 0xff, d->seen_words * sizeof *d->seen);
    d->scan = mr_json_scan_of("", 0);
    d->blamed = NULL;
    for (uint32_t c = 0; c < d->columns_count; c++)
        set_null(d, c);
    return check_not_null(d);
}

static mr_status json_decode(mr_decoder *decoder, const mr_records *records, mr_vector *columns,
                             uint32_t *rows, uint32_t *rows_count, mr_row_errors *errors,
                             mr_arena *arena, mr_error *err)
{
    (void)err;
    json_decoder *d = (json_decoder *)decoder;
    d->columns = columns;
    d->rows_max = records->count;
    d->arena = arena;
    d->row = 0;
    for (uint32_t c = 0; c < d->columns_count; c++)
        columns[c] = mr_vector_new(d->types[c], records->count, arena);
    mr_json_names_aim(d->top, columns);
    for (uint32_t i = 0; i < records->count; i++) {
        const mr_record *record = &records->record[i];
        bool is_key = d->part == MR_PART_KEY;
        const char *text = is_key ? record->key : record->value;
        if (text == NULL && !is_key)
            continue;
        bool is_good =
            text == NULL
                ? decode_null_key(d)
                : read_document(d, text, is_key ? record->key_length : record->value_length);
        if (is_good)
            rows[d->row++] = i;
        else if (d->is_field_error || !d->options.is_ignoring_parse_errors)
            report(d, i, errors);
    }
    *rows_count = d->row;
    return MR_OK;
}

static void json_free(mr_decoder *decoder)
{
    json_decoder *d = (json_decoder *)decoder;
    mr_arena_release(&d->memory);
    free(d);
}

static const mr_decoder_class JSON_DECODER = {.decode = json_decode, .free = json_free};

static mr_status check_columns(const mr_codec_column *columns, uint32_t columns_count,
                               const mr_json_options *options, mr_error *err)
{
    if (options->is_ignoring_parse_errors && options->is_failing_on_missing_field)
        return mr_error_set(err, MR_E_SETTING,
                            "json.fail-on-missing-field and json.ignore-parse-errors cannot both "
                            "be true");
    for (uint32_t c = 0; c < columns_count; c++) {
        mr_type_kind kind = columns[c].type.kind;
        char type[MR_TYPE_NAME_MAX];
        if (mr_type_lane(columns[c].type) == MR_LANE_NONE || kind == MR_TYPE_INTERVAL_MONTH ||
            kind == MR_TYPE_INTERVAL_SECOND)
            return mr_error_set(err, MR_E_SETTING, "json cannot hold a column of type %s",
                                mr_type_name(columns[c].type, type, sizeof type));
    }
    return MR_OK;
}

mr_status mr_json_decoder_new(const mr_codec_column *columns, uint32_t columns_count,
                              mr_record_part part, const mr_json_options *options,
                              mr_decoder **decoder, mr_error *err)
{
    mr_status status = check_columns(columns, columns_count, options, err);
    if (status != MR_OK)
        return status;
    json_decoder *d = calloc(1, sizeof *d);
    MR_ASSERT(d != NULL);
    d->base.class = &JSON_DECODER;
    mr_json_wide_init(&d->wide);
    d->read_object = mr_json_has_wide() && !options->is_narrow ? read_object_wide : read_object;
    d->part = part;
    d->options = *options;
    d->separator = options->is_timestamp_iso ? 'T' : ' ';
    d->columns_count = columns_count;
    d->seen_words = ((size_t)columns_count + 63) / 64;
    d->seen = mr_arena_zalloc(&d->memory, d->seen_words, sizeof *d->seen);
    mr_type *types = mr_arena_zalloc(&d->memory, columns_count, sizeof *types);
    for (uint32_t c = 0; c < columns_count; c++)
        types[c] = columns[c].type;
    for (uint32_t c = 0; c < columns_count; c++)
        d->has_not_null |= !types[c].is_nullable;
    d->types = types;
    status = mr_json_names_build(columns, columns_count, &d->memory, &d->top, err);
    if (status != MR_OK) {
        json_free(&d->base);
        return status;
    }
    *decoder = &d->base;
    return MR_OK;
}
