/* The registry's client against tests/harness/registry.py: what it asks, how often, and what each
 * kind of refusal is called. */
#include "connectors/formats/codes.h"
#include "connectors/schemas/registry.h"
#include "tests/harness/registry.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCHEMA "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"a\",\"type\":\"int\"}]}"
#define SCHEMA_WIDER                                                                               \
    "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"a\",\"type\":\"int\"},{\"name\":" \
    "\"b\",\"type\":\"int\",\"default\":0}]}"
#define SCHEMA_BROKEN \
    "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"c\",\"type\":\"int\"}]}"

static mr_test_registry server;

static void start(const char *const *arguments)
{
    cr_assert(mr_test_registry_start(&server, arguments));
}

static void stop(void)
{
    mr_test_registry_stop(&server);
}

static mr_registry *open_with(mr_registry_config config)
{
    mr_registry *registry = NULL;
    mr_error err;
    if (config.url == NULL)
        config.url = server.url;
    if (config.patience_ms == 0)
        config.patience_ms = 20000; /* a busy machine */
    cr_assert_eq(mr_registry_new(&config, &registry, &err), MR_OK, "%s", err.message);
    return registry;
}

#define HOLDS(err, words) cr_expect_not_null(strstr((err).message, words), "%s", (err).message)

TestSuite(registry, .fini = stop);

Test(registry, asks_for_a_schema_once_and_with_all_it_refers_to)
{
    start(NULL);
    mr_registry *registry = open_with((mr_registry_config){0});
    mr_error err;
    const mr_registry_schema *schema;
    mr_test_registry_put(&server, "inner",
                         "{\"type\":\"enum\",\"name\":\"x.E\","
                         "\"symbols\":[\"A\"]}",
                         NULL);
    mr_test_registry_put(
        &server, "middle",
        "{\"type\":\"record\",\"name\":\"x.M\",\"fields\":[{\"name\":\"e\",\"type\":\"x.E\"}]}",
        ",\"references\":[{\"name\":\"x.E\",\"subject\":\"inner\",\"version\":1}]");
    uint32_t id = mr_test_registry_put(
        &server, "outer%2Fof%20all",
        "{\"type\":\"record\",\"name\":\"O\",\"fields\":[{\"name\":\"m\",\"type\":\"x.M\"},{"
        "\"name\":\"e\",\"type\":\"x.E\"}]}",
        ",\"references\":[{\"name\":\"x.M\",\"subject\":\"middle\",\"version\":1},"
        "{\"name\":\"x.E\","
        "\"subject\":\"inner\",\"version\":1}]");
    for (int i = 0; i < 3; i++)
        cr_assert_eq(mr_registry_schema_of(registry, id, &schema, &err), MR_OK, "%s", err.message);
    cr_assert_eq(schema->references_count, 2);
    cr_expect_not_null(strstr(schema->references[0], "x.E"));
    cr_expect_not_null(strstr(schema->references[1], "x.M"));
    cr_expect_eq(mr_registry_requests(registry), 3, "the schema, and each reference once");
    uint32_t found = 0;
    cr_assert_eq(mr_registry_id_of(registry, "outer/of all", schema->text, false, &found, &err),
                 MR_OK, "%s", err.message);
    cr_expect_eq(found, id);
    mr_registry_free(registry);
}

Test(registry, registers_finds_and_is_refused_by_the_subjects_rule)
{
    start(NULL);
    mr_registry *registry = open_with((mr_registry_config){0});
    mr_error err;
    uint32_t first = 0, second = 0, again = 0;
    cr_assert_eq(mr_registry_id_of(registry, "s", SCHEMA, false, &first, &err),
                 MR_E_REGISTRY_SUBJECT);
    HOLDS(err, "subject `s` does not hold the table's schema");
    cr_assert_eq(mr_registry_id_of(registry, "s", SCHEMA, true, &first, &err), MR_OK);
    cr_assert_eq(mr_registry_id_of(registry, "s", SCHEMA_WIDER, true, &second, &err), MR_OK);
    cr_assert_eq(mr_registry_id_of(registry, "s", SCHEMA, false, &again, &err), MR_OK);
    cr_expect(first > 0 && second != first && again == first);
    cr_assert_eq(mr_registry_id_of(registry, "s", SCHEMA_BROKEN, true, &again, &err),
                 MR_E_REGISTRY_INCOMPATIBLE);
    cr_expect_eq(err.recovery, MR_RECOVERY_STOP);
    HOLDS(err, "as version 3: it breaks BACKWARD against version 2 (id 2)");
    HOLDS(err, "READER_FIELD_MISSING_DEFAULT_VALUE at /c");
    cr_assert_eq(mr_registry_id_of(registry, "s", "{\"type\":\"nonsense\"}", true, &again, &err),
                 MR_E_REGISTRY_REFUSED);
    HOLDS(err, "HTTP 422");
    mr_registry_free(registry);
}

Test(registry, blames_the_record_for_an_id_nobody_knows_and_for_another_kind_of_schema)
{
    start(NULL);
    mr_registry *registry = open_with((mr_registry_config){0});
    mr_error err;
    const mr_registry_schema *schema;
    cr_assert_eq(mr_registry_schema_of(registry, 4711, &schema, &err), MR_E_AVRO_UNKNOWN_ID);
    cr_expect_eq(err.recovery, MR_RECOVERY_RECORD);
    uint32_t id =
        mr_test_registry_put(&server, "p", "syntax = \"proto3\";", ",\"schemaType\":\"PROTOBUF\"");
    cr_assert_eq(mr_registry_schema_of(registry, id, &schema, &err), MR_E_AVRO_SCHEMA);
    HOLDS(err, "PROTOBUF, not AVRO");
    id = mr_test_registry_put(
        &server, "r", "{\"type\":\"array\",\"items\":\"x.Gone\"}",
        ",\"references\":[{\"name\":\"x.Gone\",\"subject\":\"gone\",\"version\":3}]");
    cr_assert_eq(mr_registry_schema_of(registry, id, &schema, &err), MR_E_AVRO_SCHEMA);
    cr_expect_eq(err.recovery, MR_RECOVERY_RECORD);
    HOLDS(err, "version 3 of subject `gone`");
    uint64_t before = mr_registry_requests(registry);
    cr_assert_eq(mr_registry_schema_of(registry, UINT32_C(1) << 31, &schema, &err),
                 MR_E_AVRO_UNKNOWN_ID, "%s", err.message);
    cr_expect_eq(err.recovery, MR_RECOVERY_RECORD);
    cr_expect_eq(mr_registry_requests(registry), before, "no registry has such an id");
    mr_registry_free(registry);
}

Test(registry, goes_on_trying_while_the_registry_is_away_and_then_says_so)
{
    start(NULL);
    uint32_t id = mr_test_registry_put(&server, "s", SCHEMA, NULL), again;
    mr_registry *registry = open_with((mr_registry_config){0});
    mr_error err;
    const mr_registry_schema *schema;
    mr_test_registry_fail(&server, 503, 2);
    mr_test_registry_fail(&server, 0, 2);
    cr_assert_eq(mr_registry_schema_of(registry, id, &schema, &err), MR_OK, "%s", err.message);
    cr_expect_geq(mr_registry_requests(registry), 4);
    mr_registry_free(registry);

    registry = open_with((mr_registry_config){.patience_ms = 200});
    mr_test_registry_fail(&server, 500, 1000);
    cr_assert_eq(mr_registry_schema_of(registry, id, &schema, &err), MR_E_REGISTRY_UNREACHABLE);
    cr_expect_eq(err.recovery, MR_RECOVERY_RETRY);
    HOLDS(err, "answers with HTTP 500");
    stop();
    cr_assert_eq(mr_registry_id_of(registry, "s", SCHEMA, true, &again, &err),
                 MR_E_REGISTRY_UNREACHABLE);
    cr_expect_eq(err.recovery, MR_RECOVERY_RETRY);
    HOLDS(err, "is away");
    mr_registry_free(registry);
}

/* Times of the server: a machine that is slow makes gaps longer, never shorter. So a gap of less
 * than its pause says that pauses are drawn, and none of less than half of it that they grow. */
Test(registry, waits_longer_each_time_and_never_the_same)
{
    start(NULL);
    uint32_t id = mr_test_registry_put(&server, "s", SCHEMA, NULL);
    int shorter = 0;
    for (int run = 0; run < 5; run++) {
        mr_registry *registry = open_with((mr_registry_config){0});
        mr_error err;
        const mr_registry_schema *schema;
        mr_test_registry_fail(&server, 503, 1);
        mr_test_registry_fail(&server, 429, 1);
        mr_test_registry_fail(&server, 408, 1);
        mr_test_registry_fail(&server, 502, 1);
        cr_assert_eq(mr_registry_schema_of(registry, id, &schema, &err), MR_OK, "%s", err.message);
        cr_expect_eq(mr_registry_requests(registry), 5);
        for (int last = 4, pause = 50; last > 0; last--, pause *= 2) {
            int gap = mr_test_registry_gap(&server, last);
            cr_expect_geq(gap, pause / 2 - 1, "pause %d: %d", pause, gap);
            shorter += gap < pause - 1;
        }
        mr_registry_free(registry);
    }
    cr_expect_gt(shorter, 0);
}

/* No registry has this; a server that says so must not be believed for ever. */
Test(registry, references_that_go_round_in_a_circle_end)
{
    start(NULL);
    mr_registry *registry = open_with((mr_registry_config){0});
    mr_error err;
    const mr_registry_schema *schema;
    static const char *const paths[] = {"/schemas/ids/7", "/subjects/a/versions/1",
                                        "/subjects/b/versions/1"};
    for (int i = 0; i < 3; i++) {
        char body[400];
        snprintf(body, sizeof body,
                 "{\"path\":\"%s\",\"status\":200,\"body\":{\"schema\":\"\\\"int\\\"\","
                 "\"references\":[{\"name\":\"x\",\"subject\":\"%s\",\"version\":1}]}}",
                 paths[i], i == 1 ? "b" : "a");
        mr_test_registry_call(&server, "/-/answer", body);
    }
    cr_assert_eq(mr_registry_schema_of(registry, 7, &schema, &err), MR_E_AVRO_SCHEMA);
    cr_expect_eq(err.recovery, MR_RECOVERY_RECORD);
    HOLDS(err, "references");
    cr_expect_leq(mr_registry_requests(registry), MR_REGISTRY_REFERENCES_MAX + 2);
    mr_registry_free(registry);
}

/* Asking again would not make it smaller: its records would hold the job up for ever. */
Test(registry, a_schema_larger_than_any_is_the_fault_of_the_record_that_names_it)
{
    start(NULL);
    mr_registry *registry = open_with((mr_registry_config){0});
    mr_error err;
    const mr_registry_schema *schema;
    const size_t size = (size_t)5 << 20;
    char *body = malloc(size + 200);
    int head =
        snprintf(body, size, "{\"path\":\"/schemas/ids/7\",\"status\":200,\"body\":{\"schema\":\"");
    memset(body + head, 'x', size);
    strcpy(body + head + size, "\"}}");
    mr_test_registry_call(&server, "/-/answer", body);
    free(body);
    cr_expect_eq(mr_registry_schema_of(registry, 7, &schema, &err), MR_E_AVRO_SCHEMA);
    cr_expect_eq(err.recovery, MR_RECOVERY_RECORD);
    HOLDS(err, "larger than");
    cr_expect_eq(mr_registry_requests(registry), 1);
    mr_registry_free(registry);
}

Test(registry, shows_a_token_and_takes_no_for_an_answer)
{
    start((const char *const[]){"--token", "t0ken", NULL});
    mr_error err;
    const mr_registry_schema *schema;
    mr_registry *registry = open_with((mr_registry_config){.token = "t0ken"});
    cr_assert_eq(mr_registry_schema_of(registry, 1, &schema, &err), MR_E_AVRO_UNKNOWN_ID, "%s",
                 err.message);
    mr_test_registry_fail(&server, 403, 1);
    cr_assert_eq(mr_registry_schema_of(registry, 1, &schema, &err), MR_E_REGISTRY_AUTHORIZATION);
    HOLDS(err, "HTTP 403");
    mr_registry_free(registry);
    registry = open_with((mr_registry_config){.token = "t0k3n"});
    cr_assert_eq(mr_registry_schema_of(registry, 1, &schema, &err), MR_E_REGISTRY_AUTHORIZATION);
    cr_expect_null(strstr(err.message, "t0k3n"), "%s", err.message);
    mr_registry_free(registry);
}

Test(registry, takes_the_next_of_several_addresses_and_hides_passwords)
{
    start((const char *const[]){"--user", "jo:s3cret", NULL});
    char urls[512];
    mr_error err;
    const mr_registry_schema *schema;
    snprintf(urls, sizeof urls, "http://127.0.0.1:1, %s/", server.url);
    mr_registry *registry = open_with((mr_registry_config){.url = urls, .user_info = "jo:s3cret"});
    cr_assert_eq(mr_registry_schema_of(registry, 1, &schema, &err), MR_E_AVRO_UNKNOWN_ID, "%s",
                 err.message);
    mr_registry_free(registry);

    snprintf(urls, sizeof urls, "http://jo:wr0ng@%s", server.url + strlen("http://"));
    registry = open_with((mr_registry_config){.url = urls});
    cr_assert_eq(mr_registry_schema_of(registry, 1, &schema, &err), MR_E_REGISTRY_AUTHORIZATION);
    cr_expect_eq(err.recovery, MR_RECOVERY_STOP);
    HOLDS(err, "HTTP 401");
    cr_expect_null(strstr(err.message, "wr0ng"), "%s", err.message);
    mr_registry_free(registry);

    snprintf(urls, sizeof urls, "http://jo:s3cret@%s", server.url + strlen("http://"));
    registry = open_with((mr_registry_config){.url = urls});
    cr_assert_eq(mr_registry_schema_of(registry, 1, &schema, &err), MR_E_AVRO_UNKNOWN_ID, "%s",
                 err.message);
    mr_registry_free(registry);
}

Test(registry, stops_at_a_server_that_is_no_registry)
{
    start(NULL);
    mr_registry *registry = open_with((mr_registry_config){0});
    mr_error err;
    const mr_registry_schema *schema;
    uint32_t id;
    static const struct {
        const char *path, *answer;
    } cases[] = {
        {"/schemas/ids/1", "{\"path\":\"/schemas/ids/1\",\"status\":404,\"body\":\"no page\"}"},
        {"/schemas/ids/2", "{\"path\":\"/schemas/ids/2\",\"status\":200,\"body\":{}}"},
        {"/schemas/ids/3", "{\"path\":\"/schemas/ids/3\",\"status\":302,\"body\":{}}"},
    };
    for (uint32_t i = 0; i < 3; i++) {
        mr_test_registry_call(&server, "/-/answer", cases[i].answer);
        cr_expect_eq(mr_registry_schema_of(registry, i + 1, &schema, &err), MR_E_REGISTRY_ANSWER);
        HOLDS(err, cases[i].path);
    }
    mr_test_registry_call(&server, "/-/answer",
                          "{\"path\":\"/subjects/s/versions\",\"status\":200,\"body\":[1]}");
    cr_expect_eq(mr_registry_id_of(registry, "s", SCHEMA, true, &id, &err), MR_E_REGISTRY_ANSWER);
    mr_registry_free(registry);
}

Test(registry, speaks_tls_with_certificates_and_refuses_those_it_does_not_trust)
{
    char folder[] = "/tmp/millrace-registry-XXXXXX", command[1200], ca[64], server_pem[64],
         client[64];
    mr_error err;
    const mr_registry_schema *schema;
    cr_assert_not_null(mkdtemp(folder));
    snprintf(command, sizeof command,
             "cd %s && exec 2>/dev/null && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "
             "/CN=ca -keyout ca.key -out ca.pem && for who in server client; do openssl req -new "
             "-newkey rsa:2048 -nodes -subj /CN=$who -keyout $who.key -out $who.csr && echo "
             "subjectAltName=IP:127.0.0.1 >ext && openssl x509 -req -in $who.csr -CA ca.pem -CAkey "
             "ca.key -CAcreateserial -days 2 -extfile ext -out $who.crt && cat $who.key $who.crt "
             ">$who.pem; done; openssl pkcs12 -export -in client.pem -out client.p12 -passout "
             "pass:horse",
             folder);
    cr_assert_eq(system(command), 0);
    snprintf(ca, sizeof ca, "%s/ca.pem", folder);
    snprintf(server_pem, sizeof server_pem, "%s/server.pem", folder);
    snprintf(client, sizeof client, "%s/client.pem", folder);
    start((const char *const[]){"--tls", server_pem, server_pem, "--client-ca", ca, NULL});
    mr_registry *registry = open_with((mr_registry_config){.truststore = ca, .keystore = client});
    cr_expect_eq(mr_registry_schema_of(registry, 1, &schema, &err), MR_E_AVRO_UNKNOWN_ID, "%s",
                 err.message);
    mr_registry_free(registry);
    snprintf(client, sizeof client, "%s/client.p12", folder);
    registry = open_with(
        (mr_registry_config){.truststore = ca, .keystore = client, .keystore_password = "horse"});
    cr_expect_eq(mr_registry_schema_of(registry, 1, &schema, &err), MR_E_AVRO_UNKNOWN_ID, "%s",
                 err.message);
    mr_registry_free(registry);
    registry = open_with((mr_registry_config){.keystore = client, .keystore_password = "horse"});
    cr_expect_eq(mr_registry_schema_of(registry, 1, &schema, &err), MR_E_REGISTRY_AUTHORIZATION);
    HOLDS(err, "ssl.truststore.location");
    mr_registry_free(registry);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_expect_eq(system(command), 0);
}

Test(registry, refuses_settings_it_cannot_use)
{
    static const struct {
        mr_registry_config config;
        const char *words;
    } cases[] = {
        {{.url = NULL}, "is empty"},
        {{.url = "localhost:8081"}, "http://host:port"},
        {{.url = "ftp://x/"}, "http://host:port"},
        {{.url = "http://x", .truststore = "/x/trust.jks"}, "is no PEM file"},
        {{.url = "http://x", .keystore = "/x/key.JKS"}, "neither PEM nor PKCS #12"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mr_registry *registry = NULL;
        mr_error err;
        cr_expect_eq(mr_registry_new(&cases[i].config, &registry, &err), MR_E_SETTING);
        HOLDS(err, cases[i].words);
    }
}
