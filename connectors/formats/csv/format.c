#include "connectors/formats/csv/format.h"

#include "connectors/formats/csv/decoder.h"
#include "connectors/formats/csv/splitter.h"
#include "connectors/formats/csv/writer.h"
#include "connectors/formats/text/character.h"
#include "engine/base/assert.h"

#include <string.h>

static const mr_format_option OPTIONS[] = {
    {"field-delimiter", MR_OPTION_CHARACTER, NULL, ",", "between fields"},
    {"disable-quote-character", MR_OPTION_BOOLEAN, NULL, "false", "fields have no quotes"},
    {"quote-character", MR_OPTION_CHARACTER, NULL, NULL, "around fields, `\"` unless given"},
    {"allow-comments", MR_OPTION_BOOLEAN, NULL, "false", "lines that begin with `#` are no rows"},
    {"ignore-parse-errors", MR_OPTION_BOOLEAN, NULL, "false",
     "a bad or missing field becomes NULL, a row that cannot be read is skipped"},
    {"array-element-delimiter", MR_OPTION_TEXT, NULL, ";",
     "known, without effect: no ARRAY columns"},
    {"escape-character", MR_OPTION_CHARACTER, NULL, NULL,
     "takes the meaning from the character behind it"},
    {"null-literal", MR_OPTION_TEXT, NULL, NULL, "the text that stands for NULL"},
    {"write-bigdecimal-in-scientific-notation", MR_OPTION_BOOLEAN, NULL, "true",
     "write 1E+2 and 1E-8, not 100 and 0.00000001"},
};

static char character_of(const mr_format_use *use, const char *name)
{
    const char *value = mr_format_value(use, name);
    char character = MR_CSV_NONE;
    /* The value was checked before. */
    bool is_good = value == NULL || mr_character_parse(value, &character);
    MR_ASSERT(is_good);
    return character;
}

static mr_status dialect_of(const mr_format_use *use, mr_csv_dialect *dialect, mr_error *err)
{
    bool is_disabled = mr_format_flag(use, "disable-quote-character");
    *dialect = (mr_csv_dialect){
        .delimiter = character_of(use, "field-delimiter"),
        .quote = character_of(use, "quote-character"),
        .escape = character_of(use, "escape-character"),
        .has_comments = mr_format_flag(use, "allow-comments"),
        .is_ignoring_parse_errors = mr_format_flag(use, "ignore-parse-errors"),
        .is_decimal_plain = !mr_format_flag(use, "write-bigdecimal-in-scientific-notation"),
        .null_literal = mr_format_value(use, "null-literal"),
    };
    if (is_disabled && dialect->quote != MR_CSV_NONE)
        return mr_error_set(err, MR_E_SETTING,
                            "csv.quote-character and csv.disable-quote-character = true exclude "
                            "each other");
    if (!is_disabled && dialect->quote == MR_CSV_NONE)
        dialect->quote = '"';
    if (dialect->null_literal != NULL)
        dialect->null_length = strlen(dialect->null_literal);
    mr_csv_dialect_settle(dialect);
    char d = dialect->delimiter, q = dialect->quote, e = dialect->escape;
    if (d == '\r' || d == '\n' || q == '\r' || q == '\n' || e == '\r' || e == '\n')
        return mr_error_set(err, MR_E_SETTING, "a line end is no csv delimiter, quote or escape");
    if (d == q || d == e)
        return mr_error_set(err, MR_E_SETTING, "the csv delimiter `%c` is the %s character too", d,
                            d == q ? "quote" : "escape");
    return MR_OK;
}

static mr_status decoder_new(const mr_format_use *use, const mr_codec_column *columns,
                             uint32_t columns_count, mr_record_part part, mr_decoder **decoder,
                             mr_error *err)
{
    mr_csv_dialect dialect;
    mr_status status = dialect_of(use, &dialect, err);
    if (status != MR_OK)
        return status;
    return mr_csv_decoder_new(columns, columns_count, use->width, part, &dialect, decoder, err);
}

static mr_status writer_new(const mr_format_use *use, const mr_codec_field *fields,
                            uint32_t fields_count, mr_row_writer **writer, mr_error *err)
{
    mr_csv_dialect dialect;
    mr_status status = dialect_of(use, &dialect, err);
    if (status != MR_OK)
        return status;
    return mr_csv_writer_new(fields, fields_count, &dialect, writer, err);
}

static mr_status splitter_new(const mr_format_use *use, mr_splitter **splitter, mr_error *err)
{
    mr_csv_dialect dialect;
    mr_status status = dialect_of(use, &dialect, err);
    if (status == MR_OK)
        *splitter = mr_csv_splitter_new(&dialect);
    return status;
}

const mr_format mr_format_csv = {
    .name = "csv",
    .options = OPTIONS,
    .options_count = MR_LENGTH(OPTIONS),
    .decoder_new = decoder_new,
    .writer_new = writer_new,
    .splitter_new = splitter_new,
};
