/* The decoder of avro-confluent against tests/harness/registry.py: the bytes in front of a record,
 * schemas that take turns, and how often the registry is asked for them. */
#include "connectors/formats/avro/decode/decoder.h"
#include "tests/harness/registry.h"
#include "tests/unit/connectors/formats/avro/avro_fixture.h"
#include "tests/unit/connectors/formats/decode_fixture.h"

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#define RECORD(fields) "{\"type\":\"record\",\"name\":\"r\",\"fields\":[" fields "]}"
#define ID "{\"name\":\"id\",\"type\":\"long\"}"
#define PRICE "{\"name\":\"price\",\"type\":\"int\"}"

static mr_test_registry server;

static void start(void)
{
    cr_assert(mr_test_registry_start(&server, NULL));
}

static void stop(void)
{
    mr_test_registry_stop(&server);
}

static mr_decoder *open_decoder(int32_t ask_again_ms)
{
    mr_avro_decoder_config config = {.framing = MR_AVRO_REGISTRY, .ask_again_ms = ask_again_ms};
    mr_registry_config registry = {.url = server.url, .patience_ms = 20000};
    avro_columns columns = avro_columns_of("id BIGINT");
    mr_decoder *decoder = NULL;
    mr_error err;
    cr_assert_eq(mr_registry_new(&registry, &config.registry, &err), MR_OK, "%s", err.message);
    cr_assert_eq(mr_avro_decoder_new(&config, columns.column, columns.count, &decoder, &err), MR_OK,
                 "%s", err.message);
    mr_arena_release(&columns.arena);
    return decoder;
}

/* One record of each schema: 0x00, the schema's id, and the numbers 1 and 2. */
static const char *decode(mr_decoder *decoder, const uint32_t *ids, uint32_t count)
{
    static decoded out;
    char bytes[8][7];
    const char *texts[8];
    size_t lengths[8];
    for (uint32_t i = 0; i < count; i++) {
        const char record[] = {
            0, (char)(ids[i] >> 24), (char)(ids[i] >> 16), (char)(ids[i] >> 8), (char)ids[i], 2, 4};
        memcpy(bytes[i], record, sizeof record);
        texts[i] = bytes[i];
        lengths[i] = sizeof record;
    }
    fixture_decode(decoder, 1, texts, lengths, count, &out);
    fixture_print(&out, 1, false);
    fixture_release(&out);
    return out.text;
}

TestSuite(avro_registry, .init = start, .fini = stop);

Test(avro_registry, schemas_that_take_turns_are_asked_for_once)
{
    uint32_t a = mr_test_registry_put(&server, "a", RECORD(ID "," PRICE), NULL);
    uint32_t b = mr_test_registry_put(&server, "b", RECORD(PRICE "," ID), NULL);
    int before = mr_test_registry_requests(&server);
    mr_decoder *decoder = open_decoder(0);
    const uint32_t ids[] = {a, b, a, a, b, a};
    for (int batch = 0; batch < 3; batch++)
        cr_expect_str_eq(decode(decoder, ids, 6), "0: 1; 1: 2; 2: 1; 3: 1; 4: 2; 5: 1;");
    cr_expect_eq(mr_test_registry_requests(&server) - before, 2);
    decoder->class->free(decoder);
}

Test(avro_registry, an_id_nobody_knows_is_asked_for_again_only_after_a_while)
{
    uint32_t a = mr_test_registry_put(&server, "a", RECORD(ID "," PRICE), NULL);
    int before = mr_test_registry_requests(&server);
    mr_decoder *decoder = open_decoder(3600000), *eager = open_decoder(1);
    /* The last one is below zero to a registry, which would call the question no page of its. */
    const uint32_t ids[] = {a + 1, a, a + 1, UINT32_MAX};
    for (int batch = 0; batch < 3; batch++)
        cr_expect_str_eq(decode(decoder, ids, 4), "1: 1; 0! MR3160; 2! MR3160; 3! MR3160;");
    cr_expect_eq(mr_test_registry_requests(&server) - before, 2);
    cr_expect_str_eq(decode(eager, ids, 1), "0! MR3160;");
    cr_assert_eq(mr_test_registry_put(&server, "b", RECORD(PRICE "," ID), NULL), a + 1);
    usleep(2000);
    cr_expect_str_eq(decode(eager, ids, 1), "0: 2;");
    cr_expect_str_eq(decode(decoder, ids, 1), "0! MR3160;", "not for an hour");
    decoder->class->free(decoder);
    eager->class->free(eager);
}
