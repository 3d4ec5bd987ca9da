#include "connectors/formats/format.h"

#include "connectors/formats/avro/format.h"
#include "connectors/formats/csv/format.h"
#include "connectors/formats/json/format.h"
#include "connectors/formats/pair.h"
#include "connectors/formats/raw/format.h"
#include "connectors/formats/text/character.h"
#include "engine/base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static const mr_format *const FORMATS[] = {
    &mr_format_json,           &mr_format_csv,          &mr_format_raw, &mr_format_avro,
    &mr_format_avro_confluent, &mr_format_avro_registry};

const mr_format *const *mr_format_all(uint32_t *count)
{
    *count = MR_LENGTH(FORMATS);
    return FORMATS;
}

const mr_format *mr_format_find(const char *name)
{
    for (size_t i = 0; i < MR_LENGTH(FORMATS); i++)
        if (strcmp(FORMATS[i]->name, name) == 0)
            return FORMATS[i];
    return NULL;
}

const mr_format_option *mr_format_find_option(const mr_format *format, const char *name)
{
    for (uint32_t i = 0; i < format->options_count; i++)
        if (strcmp(format->options[i].name, name) == 0)
            return &format->options[i];
    return NULL;
}

static mr_status refuse_value(const mr_format_option *option, const char *value, mr_error *err)
{
    char allowed[256] = "";
    size_t length = 0;
    for (const char *const *v = option->values; *v != NULL; v++) {
        int more = snprintf(allowed + length, sizeof allowed - length, "%s`%s`",
                            v == option->values ? "" : ", ", *v);
        length = length + (size_t)more < sizeof allowed ? length + (size_t)more : length;
    }
    return mr_error_set(err, MR_E_SETTING, "`%s` is no value of `%s`; it takes %s", value,
                        option->name, allowed);
}

mr_status mr_format_check_value(const mr_format_option *option, const char *value, mr_error *err)
{
    char character;
    switch (option->kind) {
    case MR_OPTION_BOOLEAN:
        if (strcasecmp(value, "true") == 0 || strcasecmp(value, "false") == 0)
            return MR_OK;
        return mr_error_set(err, MR_E_SETTING, "`%s` is no value of `%s`; it takes `true`, `false`",
                            value, option->name);
    case MR_OPTION_ENUM:
        for (const char *const *v = option->values; *v != NULL; v++)
            if (strcasecmp(*v, value) == 0)
                return MR_OK;
        return refuse_value(option, value, err);
    case MR_OPTION_CHARACTER:
        if (mr_character_parse(value, &character))
            return MR_OK;
        return mr_error_set(err, MR_E_SETTING,
                            "`%s` is no value of `%s`; it takes one ASCII "
                            "character, or one of `\\t`, `\\\\`, `\\u0001` and their like",
                            value, option->name);
    default: return MR_OK;
    }
}

const char *mr_format_value(const mr_format_use *use, const char *name)
{
    const mr_format_option *option = mr_format_find_option(use->format, name);
    MR_ASSERT(option != NULL);
    const char *value = option->standard;
    for (uint32_t i = 0; i < use->settings_count; i++)
        if (strcmp(use->settings[i].name, name) == 0)
            value = use->settings[i].value;
    return value;
}

bool mr_format_flag(const mr_format_use *use, const char *name)
{
    const char *value = mr_format_value(use, name);
    return value != NULL && strcasecmp(value, "true") == 0;
}

static mr_status check_use(const mr_format_use *use, mr_error *err)
{
    for (uint32_t i = 0; i < use->settings_count; i++) {
        const mr_format_setting *setting = &use->settings[i];
        const mr_format_option *option = mr_format_find_option(use->format, setting->name);
        if (option == NULL)
            return mr_error_set(err, MR_E_SETTING, "format `%s` has no option `%s`",
                                use->format->name, setting->name);
        mr_status status = mr_format_check_value(option, setting->value, err);
        if (status != MR_OK)
            return status;
    }
    return MR_OK;
}

/* The columns of one part; `places` gets their positions in the whole list. Freed by the caller. */
static mr_codec_column *columns_of(const mr_codec_column *columns, uint32_t columns_count,
                                   mr_record_part part, uint32_t *places, uint32_t *count)
{
    mr_codec_column *kept = calloc((size_t)columns_count + 1, sizeof *kept);
    MR_ASSERT(kept != NULL);
    *count = 0;
    for (uint32_t i = 0; i < columns_count; i++) {
        if (columns[i].part != part)
            continue;
        places[*count] = i;
        kept[(*count)++] = columns[i];
    }
    return kept;
}

static mr_status part_decoder_new(const mr_format_use *use, const mr_codec_column *columns,
                                  uint32_t columns_count, mr_record_part part, mr_decoder **decoder,
                                  mr_error *err)
{
    mr_status status = check_use(use, err);
    if (status != MR_OK)
        return status;
    return use->format->decoder_new(use, columns, columns_count, part, decoder, err);
}

mr_status mr_format_decoder_new(const mr_format_use *key, const mr_format_use *value,
                                const mr_codec_column *columns, uint32_t columns_count,
                                mr_decoder **decoder, mr_error *err)
{
    uint32_t key_count, value_count;
    uint32_t *places = calloc((size_t)columns_count + 1, sizeof *places);
    MR_ASSERT(places != NULL);
    mr_codec_column *keys = columns_of(columns, columns_count, MR_PART_KEY, places, &key_count);
    mr_codec_column *values =
        columns_of(columns, columns_count, MR_PART_VALUE, places + key_count, &value_count);
    mr_decoder *key_decoder = NULL, *value_decoder = NULL;
    mr_status status =
        part_decoder_new(value, values, value_count, MR_PART_VALUE, &value_decoder, err);
    if (status != MR_OK)
        goto done;
    if (key_count == 0) {
        *decoder = value_decoder;
        goto done;
    }
    status = key == NULL ? mr_error_set(err, MR_E_SETTING, "a key column needs a key format")
                         : part_decoder_new(key, keys, key_count, MR_PART_KEY, &key_decoder, err);
    if (status != MR_OK) {
        value_decoder->class->free(value_decoder);
        goto done;
    }
    *decoder = mr_pair_decoder_new(key_decoder, places, key_count, value_decoder,
                                   places + key_count, value_count);
done:
    free(keys);
    free(values);
    free(places);
    return status;
}

mr_status mr_format_splitter_new(const mr_format_use *value, mr_splitter **splitter, mr_error *err)
{
    if (value->format->splitter_new != NULL)
        return value->format->splitter_new(value, splitter, err);
    *splitter = mr_lines_new();
    return MR_OK;
}

static mr_status part_writer_new(const mr_format_use *use, const mr_codec_field *fields,
                                 uint32_t fields_count, mr_record_part part, mr_row_writer **writer,
                                 mr_error *err)
{
    mr_status status = check_use(use, err);
    if (status != MR_OK)
        return status;
    mr_codec_field *kept = calloc((size_t)fields_count + 1, sizeof *kept);
    MR_ASSERT(kept != NULL);
    uint32_t count = 0;
    for (uint32_t i = 0; i < fields_count; i++)
        if (fields[i].part == part)
            kept[count++] = fields[i];
    status = use->format->writer_new(use, kept, count, writer, err);
    free(kept);
    return status;
}

mr_status mr_format_encoder_new(const mr_format_use *key, const mr_format_use *value,
                                const mr_codec_field *fields, uint32_t fields_count,
                                mr_encoder **encoder, mr_error *err)
{
    mr_row_writer *key_writer = NULL, *value_writer = NULL;
    mr_status status =
        part_writer_new(value, fields, fields_count, MR_PART_VALUE, &value_writer, err);
    if (status != MR_OK)
        return status;
    if (key != NULL) {
        status = part_writer_new(key, fields, fields_count, MR_PART_KEY, &key_writer, err);
        if (status != MR_OK) {
            value_writer->class->free(value_writer);
            return status;
        }
    }
    *encoder = mr_pair_encoder_new(key_writer, value_writer);
    return MR_OK;
}
