/*
 * Goal: what is given with -X reaches librdkafka, in the program's every client. Method:
 * `debug=conf` makes each client of librdkafka print what it was made with; a property that got
 * lost on the way is not there.
 */
#include "tests/broker/script.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Does a line of what the script said begin the speech of `role` and end with "name = value"? */
static bool was_made_with(const script *s, const char *role, const char *pair)
{
    char path[200], from[64];
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    bool is_found = false;
    snprintf(path, sizeof path, "%s/said", s->dir);
    snprintf(from, sizeof from, "kafka %s CONF:", role);
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file, "%s", path);
    while (!is_found && (length = getline(&line, &size, file)) > 0) {
        line[--length] = '\0';
        size_t wanted = strlen(pair);
        is_found = strstr(line, from) != NULL && (size_t)length > wanted &&
                   line[(size_t)length - wanted - 1] == ' ' &&
                   strcmp(line + (size_t)length - wanted, pair) == 0;
    }
    free(line);
    fclose(file);
    return is_found;
}

static const char *const FLAGS[] = {"--bounded", "-v",
                                    "-X",        "debug=conf",
                                    "-X",        "linger.ms=7",
                                    "-X",        "fetch.wait.max.ms=77",
                                    "-X",        "reconnect.backoff.max.ms=4321",
                                    NULL};

Test(properties, given_with_X_reach_each_client, .timeout = 400)
{
    static const char *const roles[] = {"admin", "reader", "member", "writer"};
    script s;
    script_open(&s, "properties");
    const char *in = kafka_topic(s.log, "in", 1), *out = kafka_topic(s.log, "out", 1);
    kafka_put_committed(s.writer, in, 0, "{\"id\":1}");
    script_write(
        &s,
        "CREATE TABLE src (id INT) WITH (" KAFKA_TABLE "'topic' = '%s', 'format' = 'json', "
        "'scan.startup.mode' = 'earliest-offset', 'properties.queued.min.messages' = '4242');\n"
        "CREATE TABLE dst (id INT) WITH (" KAFKA_TABLE "'topic' = '%s', 'format' = 'json');\n"
        "INSERT INTO dst SELECT id FROM src;",
        in, out);
    int code = script_finish(&s, script_start_with(&s, FLAGS));
    cr_assert_eq(code, 0, "exit %d: %s", code, script_said(&s));
    for (size_t r = 0; r < sizeof roles / sizeof *roles; r++)
        cr_expect(was_made_with(&s, roles[r], "reconnect.backoff.max.ms = 4321"), "%s", roles[r]);
    cr_expect(was_made_with(&s, "writer", "queue.buffering.max.ms = 7"), "linger.ms");
    cr_expect(was_made_with(&s, "reader", "fetch.wait.max.ms = 77"), "of consumers");
    cr_expect(was_made_with(&s, "reader", "queued.min.messages = 4242"), "of a table");
    cr_expect_not(was_made_with(&s, "reader", "fetch.wait.max.ms = 7"),
                  "whole values are compared");
    script_expect_topic(&s, out, 1, "{\"id\":1}");
    script_close(&s);
}
