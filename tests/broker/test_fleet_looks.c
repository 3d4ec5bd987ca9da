/*
 * Goal: what a user sees of a fleet at night is so: `list` and `status` for programs, a store that
 * takes no checkpoint, a name that others have, and nothing made by what was refused.
 * Method: the program's own commands on a real Kafka; Python's json reads what they print.
 */
#include "tests/broker/fleet.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TABLES                                                                             \
    "CREATE TABLE src (id INT) WITH (" KAFKA_TABLE                                         \
    "'topic' = '%s', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');\n"       \
    "CREATE TABLE dst (id INT) WITH (" KAFKA_TABLE "'topic' = '%s', 'format' = 'json');\n" \
    "INSERT INTO dst SELECT id FROM src;\n"

static void submit(const script *s, const char *more, int code)
{
    char words[300];
    snprintf(words, sizeof words, "job.sql --name %s %s", s->name, more);
    cr_assert_eq(fleet_say(s, "submit", words), code, "%s", script_read_file(s, "said"));
}

/* What the command prints, as `j` for an expression of Python's. */
static void expect_json(const script *s, const char *verb, const char *words, const char *claim)
{
    char command[1000];
    cr_assert_eq(fleet_say(s, verb, words), 0, "%s", script_read_file(s, "said"));
    snprintf(command, sizeof command,
             "cd '%s' && python3 -c \"import json; t = open('said').read(); "
             "l = [json.loads(x) for x in t.splitlines()]; j = l[0]; assert %s, t\"",
             s->dir, claim);
    cr_expect_eq(system(command), 0, "%s %s: not %s", verb, words, claim);
}

Test(fleet_looks, list_and_status_are_json_for_programs, .timeout = 400)
{
    script s;
    script_open(&s, "looks");
    const char *in = kafka_topic(s.log, "in", 1), *out = kafka_topic(s.log, "out", 1);
    char claim[600], words[300];
    script_write(&s, TABLES, in, out);
    pid_t a = fleet_start_worker(&s, "a");
    kafka_put_committed(s.writer, in, 0, "{\"id\":1}");
    submit(&s, "", 0);
    snprintf(words, sizeof words, "%s -o json", s.name);
    fleet_await_said(&s, "status", words, "\"rows_out\":1,");
    snprintf(claim, sizeof claim,
             "len(l) == 1 and j['fleet'] == '%s-fleet' and [(x['job'], x['version'], x['wished'], "
             "x['state'], x['live_workers'], x['silent_workers'], x['tasks']) for x in j['jobs']] "
             "== [('%s', 1, 'run', 'running', 1, 0, 1)]",
             s.name, s.name);
    expect_json(&s, "list", "-o json", claim);
    expect_json(&s, "list", "-o ndjson",
                "len(l) == 1 and j['tasks'] == 1 and len(j['plan']) == 16");
    expect_json(&s, "status", words,
                "j['state'] == 'running' and [(w['records_in'], w['rows_out'], w['is_silent'], "
                "w['error'], w['no_checkpoint']) for w in j['workers']] == "
                "[(1, 1, False, None, None)]");
    snprintf(words, sizeof words, "%s -o ndjson", s.name);
    expect_json(&s, "status", words, "len(l) == 1 and j['state'] == 'running'");
    cr_expect_eq(fleet_say(&s, "list", "-o xml"), 2);
    fleet_stop_worker(&s, a);
    script_close(&s);
}

/* Not before the worker listens, and has an epoch. */
static void await_checkpoint(const script *s)
{
    double end_ms = kafka_ms() + FLEET_READY_MS;
    while (fleet_say(s, "checkpoint", s->name) != 0 ||
           strstr(script_read_file(s, "said"), "/task-0/0") == NULL) {
        cr_assert_lt(kafka_ms(), end_ms, "%s", script_read_file(s, "said"));
        usleep(200000);
    }
}

Test(fleet_looks, a_store_that_takes_no_checkpoint_is_told_at_once, .timeout = 400)
{
    script s;
    script_open(&s, "no-checkpoint");
    const char *in = kafka_topic(s.log, "in", 1), *out = kafka_topic(s.log, "out", 1);
    char folder[200], words[300];
    snprintf(folder, sizeof folder, "rm -rf '%s/blobs' && : > '%s/blobs'", s.dir, s.dir);
    script_write(&s, "SET 'execution.checkpointing.dir' = 'file://%s/blobs';\n" TABLES, s.dir, in,
                 out);
    pid_t a = fleet_start_worker(&s, "a");
    kafka_put_committed(s.writer, in, 0, "{\"id\":1}");
    submit(&s, "", 0);
    await_checkpoint(&s);
    cr_assert_eq(system(folder), 0); /* a file is in its place now */
    kafka_put_committed(s.writer, in, 0, "{\"id\":2}");
    snprintf(words, sizeof words, "%s -o json", s.name);
    fleet_await_said(&s, "status", words, "\"rows_out\":2,");
    cr_expect_eq(fleet_say(&s, "checkpoint", s.name), 1);
    const char *said = script_read_file(&s, "said");
    cr_expect_not_null(strstr(said, "error[MR4030]: checkpoint of task 0: "), "%s", said);
    cr_expect_null(strstr(said, "within"), "%s", said); /* the end of its patience */
    fleet_await_said(&s, "status", s.name, "no checkpoint, error[MR4030]: ");
    fleet_await_said(&s, "list", "", "(no checkpoint: MR4030)");
    expect_json(&s, "status", words, "j['workers'][0]['no_checkpoint']['code'] == 'MR4030'");

    snprintf(folder, sizeof folder, "rm -f '%s/blobs'", s.dir);
    cr_assert_eq(system(folder), 0);
    await_checkpoint(&s); /* it went on meanwhile */
    fleet_await_said(&s, "status", words, "\"no_checkpoint\":null");
    fleet_stop_worker(&s, a);
    script_close(&s);
}

Test(fleet_looks, a_name_that_others_have_is_refused_and_nothing_is_made, .timeout = 400)
{
    script s;
    script_open(&s, "alone");
    const char *in = kafka_topic(s.log, "in", 1), *out = kafka_topic(s.log, "out", 1);
    char topic[200];
    mr_topic_facts facts;
    mr_error err;
    snprintf(topic, sizeof topic, "%s-fleet.jobs", s.name);
    script_write(&s, TABLES, in, "no-such-topic");
    submit(&s, "", 1);
    cr_assert_eq(s.log->class->describe(s.log, topic, &facts, &err), MR_OK, "%s", err.message);
    cr_expect_not(facts.exists, "a submit that was refused has made the fleet");

    script_write(&s, TABLES, in, out);
    pid_t alone = script_start_worker(&s, "b"); /* `millrace run` */
    kafka_put_committed(s.writer, in, 0, "{\"id\":1}");
    uint8_t seen[2] = {0};
    for (double end_ms = kafka_ms() + KAFKA_PATIENCE_MS; seen[1] == 0; usleep(100000)) {
        cr_assert_lt(kafka_ms(), end_ms);
        (void)script_count_ids(&s, out, seen, 2);
    }
    submit(&s, "", 1);
    const char *said = script_read_file(&s, "said");
    cr_expect_not_null(strstr(said, "error[MR2061]"), "%s", said);
    cr_expect_not_null(strstr(said, "--take-over"), "%s", said);
    cr_expect_eq(fleet_say(&s, "list", ""), 0);
    cr_expect_null(strstr(script_read_file(&s, "said"), "run "), "it is on the board");
    pid_t a = fleet_start_worker(&s, "a");
    submit(&s, "--take-over", 0);
    submit(&s, "", 0); /* its own by now */
    cr_expect_not_null(strstr(script_read_file(&s, "said"), "there already"));
    fleet_stop_worker(&s, a);
    kill(alone, SIGTERM);
    cr_expect_eq(script_finish(&s, alone), 0);
    script_close(&s);
}
