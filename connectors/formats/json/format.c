#include "connectors/formats/json/format.h"

#include "connectors/formats/json/decoder.h"
#include "connectors/formats/json/writer.h"
#include "engine/base/assert.h"

#include <strings.h>

static const char *const STANDARDS[] = {"SQL", "ISO-8601", NULL};
static const char *const NULL_KEY_MODES[] = {"FAIL", "DROP", "LITERAL", NULL};

static const mr_format_option OPTIONS[] = {
    {"ignore-parse-errors", MR_OPTION_BOOLEAN, NULL, "false",
     "a bad field becomes NULL, a record that is no JSON object is skipped"},
    {"fail-on-missing-field", MR_OPTION_BOOLEAN, NULL, "false",
     "a record without one of the columns is an error"},
    {"timestamp-format.standard", MR_OPTION_ENUM, STANDARDS, "SQL",
     "SQL: 'yyyy-MM-dd HH:mm:ss.fff', ISO-8601: 'yyyy-MM-ddTHH:mm:ss.fff'; LTZ ends in 'Z'"},
    {"encode.decimal-as-plain-number", MR_OPTION_BOOLEAN, NULL, "false",
     "write 100 and 0.00000001, not 1E+2 and 1E-8"},
    {"encode.ignore-null-fields", MR_OPTION_BOOLEAN, NULL, "false", "leave NULL fields out"},
    {"map-null-key.mode", MR_OPTION_ENUM, NULL_KEY_MODES, "FAIL",
     "known, without effect: MAP columns come later"},
    {"map-null-key.literal", MR_OPTION_TEXT, NULL, "null",
     "known, without effect: MAP columns come later"},
};

static mr_json_options options_of(const mr_format_use *use)
{
    return (mr_json_options){
        .is_ignoring_parse_errors = mr_format_flag(use, "ignore-parse-errors"),
        .is_failing_on_missing_field = mr_format_flag(use, "fail-on-missing-field"),
        .is_timestamp_iso =
            strcasecmp(mr_format_value(use, "timestamp-format.standard"), "ISO-8601") == 0,
        .is_decimal_plain = mr_format_flag(use, "encode.decimal-as-plain-number"),
        .is_omitting_nulls = mr_format_flag(use, "encode.ignore-null-fields"),
    };
}

static mr_status decoder_new(const mr_format_use *use, const mr_codec_column *columns,
                             uint32_t columns_count, mr_record_part part, mr_decoder **decoder,
                             mr_error *err)
{
    mr_json_options options = options_of(use);
    return mr_json_decoder_new(columns, columns_count, part, &options, decoder, err);
}

static mr_status writer_new(const mr_format_use *use, const mr_codec_field *fields,
                            uint32_t fields_count, mr_row_writer **writer, mr_error *err)
{
    mr_json_options options = options_of(use);
    return mr_json_writer_new(fields, fields_count, &options, writer, err);
}

const mr_format mr_format_json = {
    .name = "json",
    .options = OPTIONS,
    .options_count = MR_LENGTH(OPTIONS),
    .decoder_new = decoder_new,
    .writer_new = writer_new,
};
