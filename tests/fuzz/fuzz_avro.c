/*
 * Any bytes as Avro. The first byte says as what: a record of a random schema (the second byte is
 * its seed), checked against Avro C; the text of a schema, read, compiled and run on nothing; or an
 * object container file, cut to its end. No crash, no read outside of the bytes, no difference.
 * Built without libFuzzer it replays the files it is given.
 */
#include "connectors/formats/avro/container.h"
#include "connectors/formats/avro/decode/decoder.h"
#include "tests/harness/avro_oracle.h"

#include <stdio.h>
#include <stdlib.h>

#define RECORDS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void as_record(uint8_t seed, const char *bytes, size_t length)
{
    bool is_taken;
    mr_avro_oracle *oracle = mr_avro_oracle_new((uint64_t)seed + 1);
    const char *wrong = mr_avro_oracle_check(oracle, bytes, length, &is_taken);
    if (wrong != NULL) {
        fprintf(stderr, "%s\n", wrong);
        abort();
    }
    mr_avro_oracle_free(oracle);
}

static void as_schema(const char *bytes, size_t length)
{
    char *text = malloc(length + 1);
    mr_decoder *decoder = NULL;
    mr_error err;
    memcpy(text, bytes, length);
    text[length] = '\0';
    const char *path = "a";
    mr_codec_column column = {.path = &path, .path_length = 1, .type = mr_type_string()};
    mr_avro_decoder_config config = {.writer = text};
    if (mr_avro_decoder_new(&config, &column, 1, &decoder, &err) == MR_OK)
        decoder->class->free(decoder);
    config.reader = text;
    if (mr_avro_decoder_new(&config, &column, 1, &decoder, &err) == MR_OK)
        decoder->class->free(decoder);
    free(text);
}

static void as_file(const char *bytes, size_t length)
{
    mr_splitter *splitter = mr_avro_container_new();
    mr_record record[RECORDS_MAX];
    mr_error err;
    size_t at = 0;
    int64_t last = -1;
    bool is_found = true;
    splitter->class->begin(splitter);
    for (bool moves = true; moves;) {
        mr_split split = {.bytes = bytes + at,
                          .length = length - at,
                          .offset = (int64_t)at,
                          .is_end = true,
                          .record = record,
                          .records_max = RECORDS_MAX};
        mr_status status = splitter->class->cut(splitter, &split, &err);
        at += split.taken;
        for (uint32_t i = 0; i < split.count; i++) {
            if (record[i].offset <= last)
                abort();
            last = record[i].offset;
        }
        moves = split.count > 0 || split.taken > 0;
        if (status != MR_OK && split.count == 0) {
            size_t dropped = splitter->class->resync(splitter, bytes + at, length - at, &is_found);
            at += dropped;
            moves = is_found && dropped > 0;
        }
    }
    splitter->class->free(splitter);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    if (size < 2)
        return 0;
    switch (data[0] % 3) {
    case 0: as_record(data[1], bytes + 2, size - 2); break;
    case 1: as_schema(bytes + 1, size - 1); break;
    default: as_file(bytes + 1, size - 1); break;
    }
    return 0;
}
