#include "tests/unit/connectors/formats/avro/avro_fixture.h"

#include "connectors/formats/avro/decode/decoder.h"
#include "tests/unit/connectors/formats/decode_fixture.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static mr_type type_of(const char *text)
{
    static const struct {
        const char *name;
        mr_type_kind kind;
    } kinds[] = {{"BOOLEAN", MR_TYPE_BOOLEAN},   {"TINYINT", MR_TYPE_TINYINT},
                 {"SMALLINT", MR_TYPE_SMALLINT}, {"INT", MR_TYPE_INT},
                 {"BIGINT", MR_TYPE_BIGINT},     {"FLOAT", MR_TYPE_FLOAT},
                 {"DOUBLE", MR_TYPE_DOUBLE},     {"BYTES", MR_TYPE_VARBINARY},
                 {"DATE", MR_TYPE_DATE},         {"INTERVAL", MR_TYPE_INTERVAL_SECOND}};
    unsigned a = 0, b = 0;
    mr_type type = mr_type_string();
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strncmp(text, kinds[i].name, strlen(kinds[i].name)) == 0)
            type = mr_type_of(kinds[i].kind);
    if (sscanf(text, "DECIMAL(%u %u)", &a, &b) == 2)
        type = mr_type_decimal((uint8_t)a, (uint8_t)b);
    else if (sscanf(text, "TIME(%u)", &a) == 1)
        type = mr_type_time(MR_TYPE_TIME, (uint8_t)a);
    else if (sscanf(text, "TIMESTAMP(%u)", &a) == 1)
        type = mr_type_time(MR_TYPE_TIMESTAMP, (uint8_t)a);
    else if (sscanf(text, "LTZ(%u)", &a) == 1)
        type = mr_type_time(MR_TYPE_TIMESTAMP_LTZ, (uint8_t)a);
    return mr_type_nullable(type, strstr(text, "NOT NULL") == NULL);
}

avro_columns avro_columns_of(const char *text)
{
    avro_columns columns = {.count = 0};
    char *rest = mr_arena_string(&columns.arena, text, strlen(text));
    for (char *part = strsep(&rest, ","); part != NULL; part = strsep(&rest, ",")) {
        while (*part == ' ')
            part++;
        if (*part == '\0')
            continue;
        char *type = strchr(part, ' ');
        *type++ = '\0';
        const char **path = mr_arena_zalloc(&columns.arena, 8, sizeof *path);
        mr_codec_column *column = &columns.column[columns.count++];
        *column = (mr_codec_column){.path = path, .type = type_of(type)};
        for (char *name = strsep(&part, "."); name != NULL; name = strsep(&part, "."))
            path[column->path_length++] = name;
    }
    return columns;
}

static size_t unhex(const char *text, size_t length, char *to)
{
    size_t count = 0;
    unsigned byte;
    for (size_t i = 0; i + 1 < length;) {
        if (!isxdigit((unsigned char)text[i])) {
            i++;
            continue;
        }
        sscanf(text + i, "%2x", &byte);
        to[count++] = (char)byte;
        i += 2;
    }
    return count;
}

static const char *run(const mr_avro_decoder_config *config, const avro_columns *columns,
                       const char *records)
{
    static decoded out[2];
    static char refusal[1200], bytes[FIXTURE_RECORDS_MAX][4096];
    const char *texts[FIXTURE_RECORDS_MAX] = {0};
    size_t lengths[FIXTURE_RECORDS_MAX] = {0};
    uint32_t count = 0;
    mr_decoder *decoder = NULL;
    mr_error err;
    decoded *to = &out[config->is_narrow];
    mr_status status = mr_avro_decoder_new(config, columns->column, columns->count, &decoder, &err);
    if (status != MR_OK) {
        snprintf(refusal, sizeof refusal, "MR%d %s", status, err.message);
        return refusal;
    }
    for (const char *at = records; at != NULL;) {
        const char *bar = strchr(at, '|');
        size_t length = bar != NULL ? (size_t)(bar - at) : strlen(at);
        if (memchr(at, '-', length) == NULL) {
            lengths[count] = unhex(at, length, bytes[count]);
            texts[count] = bytes[count];
        }
        count++;
        at = bar != NULL ? bar + 1 : NULL;
    }
    fixture_decode(decoder, columns->count, texts, lengths, count, to);
    fixture_print(to, columns->count, true);
    decoder->class->free(decoder);
    fixture_release(to);
    return to->text;
}

const char *avro_decode(const char *writer, const char *reader, const char *columns,
                        const char *records)
{
    avro_columns wanted = avro_columns_of(columns);
    mr_avro_decoder_config config = {.writer = writer, .reader = reader};
    const char *wide = run(&config, &wanted, records);
    config.is_narrow = true;
    const char *narrow = run(&config, &wanted, records);
    mr_arena_release(&wanted.arena);
    cr_assert_str_eq(wide, narrow);
    return wide;
}

bool avro_holds(const char *text, const char *words)
{
    char *copy = strdup(words), *rest = copy;
    bool holds = true;
    while (holds && rest != NULL) {
        char *next = strstr(rest, "..");
        if (next != NULL)
            *next = '\0';
        const char *found = strstr(text, rest);
        holds = found != NULL;
        text = holds ? found + strlen(rest) : text;
        rest = next != NULL ? next + 2 : NULL;
    }
    free(copy);
    return holds;
}
