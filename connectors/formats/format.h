/*
 * The formats Millrace knows, in one table: name, options, how to make a decoder and an encoder.
 *
 * The planner looks a format up, validates options against it (names here are without the format's
 * prefix: `ignore-parse-errors`, not `json.ignore-parse-errors`) and asks for a codec of whole
 * records; key and value may have different formats. A new format is one more entry in format.c.
 * Thread: the table is constant; codecs are for one thread at a time.
 */
#ifndef MR_CONNECTORS_FORMATS_FORMAT_H
#define MR_CONNECTORS_FORMATS_FORMAT_H

#include "connectors/formats/column.h"
#include "connectors/formats/splitter.h"
#include "connectors/formats/writer.h"
#include "engine/ports/codec.h"

typedef enum mr_option_kind {
    MR_OPTION_BOOLEAN = 0, /* true, false, in any case */
    MR_OPTION_ENUM,        /* one of `values`, in any case */
    MR_OPTION_TEXT,
    MR_OPTION_CHARACTER, /* see text/character.h */
} mr_option_kind;

typedef struct mr_format_option {
    const char *name;
    mr_option_kind kind;
    const char *const *values; /* ENUM: NULL-terminated */
    const char *standard;      /* the value when unset; NULL: none */
    const char *help;
} mr_format_option;

typedef struct mr_format_setting {
    const char *name;
    const char *value;
} mr_format_setting;

typedef struct mr_format mr_format;

/* A format with what a table sets of its options, and what a format may have to know of the table
 * besides the columns that somebody uses. */
typedef struct mr_format_use {
    const mr_format *format;
    const mr_format_setting *settings;
    uint32_t settings_count;
    uint32_t width;                   /* columns that the table has in this part, read or not */
    bool is_file;                     /* records come from files (splitter.h), not from a log */
    const struct mr_row_type *layout; /* all columns of the part, in the table's order: for bytes
                                         that do not name their fields; NULL: those in use */
    const char *subject; /* of a schema registry, when none is set: "<topic>-value"; NULL: none */
} mr_format_use;

struct mr_format {
    const char *name;
    const mr_format_option *options;
    uint32_t options_count;
    const char *needs;         /* an option that must be set; NULL: none */
    const char *needs_example; /* a value of it */
    bool takes_one_column;     /* raw: a table has exactly one physical column in this part */
    mr_status (*decoder_new)(const mr_format_use *use, const mr_codec_column *columns,
                             uint32_t columns_count, mr_record_part part, mr_decoder **decoder,
                             mr_error *err);
    mr_status (*writer_new)(const mr_format_use *use, const mr_codec_field *fields,
                            uint32_t fields_count, mr_row_writer **writer, mr_error *err);
    /* How a file of this format is cut into records; NULL: by lines. */
    mr_status (*splitter_new)(const mr_format_use *use, mr_splitter **splitter, mr_error *err);
};

/* All formats, in the order messages list them. */
const mr_format *const *mr_format_all(uint32_t *count);

/* NULL: unknown. */
const mr_format *mr_format_find(const char *name);
const mr_format_option *mr_format_find_option(const mr_format *format, const char *name);

/* MR_E_SETTING, with what is allowed, when `value` is none of the option's. */
mr_status mr_format_check_value(const mr_format_option *option, const char *value,
                                mr_error *err) MR_MUST_USE;

/* What the use sets, else the option's standard value (may be NULL). The last setting of a name
 * counts. The option must be one of the format's. */
const char *mr_format_value(const mr_format_use *use, const char *name);
bool mr_format_flag(const mr_format_use *use, const char *name);

/* A decoder of records: `columns` in output order, each from key or value. `key` may be NULL
 * when no column comes from there. A record whose key or value is bad is an error; one that
 * either part skips (json: NULL value) is skipped. The value is decoded (and so validated) even
 * when no column needs it. MR_E_SETTING for an unknown option, a bad value or a column type the
 * format lacks. */
mr_status mr_format_decoder_new(const mr_format_use *key, const mr_format_use *value,
                                const mr_codec_column *columns, uint32_t columns_count,
                                mr_decoder **decoder, mr_error *err) MR_MUST_USE;

/* A splitter of files in this format. */
mr_status mr_format_splitter_new(const mr_format_use *value, mr_splitter **splitter,
                                 mr_error *err) MR_MUST_USE;

/* An encoder of records: `fields` by part, in the order they are written; `key` NULL: records
 * have no key. Errors as above. */
mr_status mr_format_encoder_new(const mr_format_use *key, const mr_format_use *value,
                                const mr_codec_field *fields, uint32_t fields_count,
                                mr_encoder **encoder, mr_error *err) MR_MUST_USE;

#endif
