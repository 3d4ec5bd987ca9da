#include "connectors/formats/avro/format.h"

#include "connectors/formats/avro/container.h"
#include "connectors/formats/avro/decode/decoder.h"
#include "connectors/formats/avro/schema/derive.h"
#include "connectors/formats/avro/writer.h"
#include "engine/base/assert.h"
#include "engine/base/buffer.h"

#include <stdlib.h>
#include <strings.h>

static const char *const ENCODINGS[] = {"binary", NULL};
static const char *const CODECS[] = {"null", "deflate", "snappy", "bzip2", "xz", "zstandard", NULL};
static const char *const BASIC_SOURCES[] = {"USER_INFO", "URL", NULL};
static const char *const BEARER_SOURCES[] = {"STATIC_TOKEN", NULL};

#define HELP_LEGACY "true: TIMESTAMP is timestamp-millis and -micros; false: local-timestamp-*"

static const mr_format_option OPTIONS[] = {
    {"encoding", MR_OPTION_ENUM, ENCODINGS, "binary", "of values"},
    {"codec", MR_OPTION_ENUM, CODECS, NULL, "known, without effect: a file names its own"},
    {"schema", MR_OPTION_TEXT, NULL, NULL, "of the records, instead of the one from the columns"},
    {"timestamp_mapping.legacy", MR_OPTION_BOOLEAN, NULL, "true", HELP_LEGACY},
};

static const mr_format_option CONFLUENT_OPTIONS[] = {
    {"url", MR_OPTION_TEXT, NULL, NULL, "of the schema registry; several with commas"},
    {"subject", MR_OPTION_TEXT, NULL, NULL,
     "written under; a topic's own is <topic>-value or -key"},
    {"schema", MR_OPTION_TEXT, NULL, NULL, "instead of the one from the columns"},
    {"auto.register.schemas", MR_OPTION_BOOLEAN, NULL, "true",
     "false: the subject must hold the schema already"},
    {"properties.auto.register.schemas", MR_OPTION_BOOLEAN, NULL, NULL,
     "the same as auto.register.schemas"},
    {"timestamp_mapping.legacy", MR_OPTION_BOOLEAN, NULL, "true", HELP_LEGACY},
    {"basic-auth.credentials-source", MR_OPTION_ENUM, BASIC_SOURCES, NULL,
     "USER_INFO: basic-auth.user-info, URL: in the url"},
    {"basic-auth.user-info", MR_OPTION_TEXT, NULL, NULL, "user:password"},
    {"bearer-auth.credentials-source", MR_OPTION_ENUM, BEARER_SOURCES, NULL, "STATIC_TOKEN"},
    {"bearer-auth.token", MR_OPTION_TEXT, NULL, NULL, "a token"},
    {"ssl.truststore.location", MR_OPTION_TEXT, NULL, NULL, "PEM file of authorities"},
    {"ssl.truststore.password", MR_OPTION_TEXT, NULL, NULL, "known, without effect: PEM has none"},
    {"ssl.keystore.location", MR_OPTION_TEXT, NULL, NULL, "our certificate: PEM or PKCS #12"},
    {"ssl.keystore.password", MR_OPTION_TEXT, NULL, NULL, "of the key"},
};

static bool is_confluent(const mr_format_use *use)
{
    return mr_format_find_option(use->format, "url") != NULL;
}

static bool may_register(const mr_format_use *use)
{
    const char *property = mr_format_value(use, "properties.auto.register.schemas");
    return property != NULL ? strcasecmp(property, "true") == 0
                            : mr_format_flag(use, "auto.register.schemas");
}

static mr_status make_registry(const mr_format_use *use, mr_registry **registry, mr_error *err)
{
    const char *source = mr_format_value(use, "basic-auth.credentials-source");
    const char *user_info = mr_format_value(use, "basic-auth.user-info");
    const char *token_source = mr_format_value(use, "bearer-auth.credentials-source");
    if (source != NULL && strcasecmp(source, "USER_INFO") == 0 && user_info == NULL)
        return mr_error_set(err, MR_E_SETTING,
                            "basic-auth.credentials-source USER_INFO needs basic-auth.user-info");
    if (token_source != NULL && mr_format_value(use, "bearer-auth.token") == NULL)
        return mr_error_set(err, MR_E_SETTING,
                            "bearer-auth.credentials-source STATIC_TOKEN needs bearer-auth.token");
    mr_registry_config config = {
        .url = mr_format_value(use, "url"),
        .user_info = source != NULL && strcasecmp(source, "URL") == 0 ? NULL : user_info,
        .token = mr_format_value(use, "bearer-auth.token"),
        .truststore = mr_format_value(use, "ssl.truststore.location"),
        .keystore = mr_format_value(use, "ssl.keystore.location"),
        .keystore_password = mr_format_value(use, "ssl.keystore.password"),
    };
    return mr_registry_new(&config, registry, err);
}

/* --- decoding --------------------------------------------------------------------------- */

/* Without a layout the columns in use are all there is: as fields, which only lie at the top. */
static mr_status layout_of(const mr_codec_column *columns, uint32_t count, mr_field *fields,
                           mr_error *err)
{
    for (uint32_t c = 0; c < count; c++) {
        if (columns[c].path_length != 1)
            return mr_error_set(err, MR_E_SETTING, "avro: a nested column without its table");
        fields[c] = (mr_field){.name = columns[c].path[0], .type = columns[c].type};
    }
    return MR_OK;
}

static mr_status derive(const mr_format_use *use, const mr_codec_column *columns, uint32_t count,
                        mr_buffer *text, mr_error *err)
{
    bool is_legacy = mr_format_flag(use, "timestamp_mapping.legacy");
    mr_status status;
    if (use->layout != NULL) {
        status =
            mr_avro_derive(use->layout->fields, use->layout->fields_count, is_legacy, text, err);
    } else {
        mr_field *fields = calloc((size_t)count + 1, sizeof *fields);
        MR_ASSERT(fields != NULL);
        status = layout_of(columns, count, fields, err);
        if (status == MR_OK)
            status = mr_avro_derive(fields, count, is_legacy, text, err);
        free(fields);
    }
    mr_buffer_put(text, "", 1);
    return status;
}

static mr_status decoder_new(const mr_format_use *use, const mr_codec_column *columns,
                             uint32_t columns_count, mr_record_part part, mr_decoder **decoder,
                             mr_error *err)
{
    mr_avro_decoder_config config = {.part = part, .reader = mr_format_value(use, "schema")};
    mr_buffer derived = {0};
    mr_status status = MR_OK;
    if (is_confluent(use)) {
        config.framing = MR_AVRO_REGISTRY;
        status = make_registry(use, &config.registry, err);
    } else if (use->is_file) {
        config.framing = MR_AVRO_CONTAINER;
    } else if (config.reader != NULL) {
        config.writer = config.reader;
    } else {
        status = derive(use, columns, columns_count, &derived, err);
        config.writer = derived.data;
    }
    if (status == MR_OK)
        status = mr_avro_decoder_new(&config, columns, columns_count, decoder, err);
    mr_buffer_release(&derived);
    return status;
}

/* --- encoding --------------------------------------------------------------------------- */

static mr_status derive_fields(const mr_format_use *use, const mr_codec_field *from, uint32_t count,
                               mr_buffer *text, mr_error *err)
{
    mr_field *fields = calloc((size_t)count + 1, sizeof *fields);
    MR_ASSERT(fields != NULL);
    for (uint32_t f = 0; f < count; f++)
        fields[f] = (mr_field){.name = from[f].name, .type = from[f].type};
    mr_status status =
        mr_avro_derive(fields, count, mr_format_flag(use, "timestamp_mapping.legacy"), text, err);
    mr_buffer_put(text, "", 1);
    free(fields);
    return status;
}

static mr_status writer_new(const mr_format_use *use, const mr_codec_field *fields,
                            uint32_t fields_count, mr_row_writer **writer, mr_error *err)
{
    mr_avro_writer_config config = {.schema = mr_format_value(use, "schema")};
    mr_buffer derived = {0};
    mr_status status = MR_OK;
    if (use->is_file)
        return mr_error_set(err, MR_E_SETTING, "%s files can be read, not written",
                            use->format->name);
    if (config.schema == NULL) {
        status = derive_fields(use, fields, fields_count, &derived, err);
        config.schema = derived.data;
    }
    if (status == MR_OK && is_confluent(use)) {
        config.subject = mr_format_value(use, "subject");
        config.subject = config.subject != NULL ? config.subject : use->subject;
        config.may_register = may_register(use);
        status = config.subject != NULL
                     ? make_registry(use, &config.registry, err)
                     : mr_error_set(err, MR_E_SETTING, "%s needs a subject", use->format->name);
    }
    if (status == MR_OK)
        status = mr_avro_writer_new(&config, fields, fields_count, writer, err);
    mr_buffer_release(&derived);
    return status;
}

static mr_status splitter_new(const mr_format_use *use, mr_splitter **splitter, mr_error *err)
{
    (void)use;
    (void)err;
    *splitter = mr_avro_container_new();
    return MR_OK;
}

const mr_format mr_format_avro = {
    .name = "avro",
    .options = OPTIONS,
    .options_count = MR_LENGTH(OPTIONS),
    .decoder_new = decoder_new,
    .writer_new = writer_new,
    .splitter_new = splitter_new,
};

const mr_format mr_format_avro_confluent = {
    .name = "avro-confluent",
    .needs = "url",
    .needs_example = "http://localhost:8081",
    .options = CONFLUENT_OPTIONS,
    .options_count = MR_LENGTH(CONFLUENT_OPTIONS),
    .decoder_new = decoder_new,
    .writer_new = writer_new,
};

const mr_format mr_format_avro_registry = {
    .name = "avro-registry",
    .needs = "url",
    .needs_example = "http://localhost:8081",
    .options = CONFLUENT_OPTIONS,
    .options_count = MR_LENGTH(CONFLUENT_OPTIONS),
    .decoder_new = decoder_new,
    .writer_new = writer_new,
};
