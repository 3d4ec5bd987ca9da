/*
 * Goal: an interval join on a real Kafka gives each pair, and each left row without a partner,
 * exactly once, over a kill -9 in the middle.
 * Method: orders and payments in random order within the watermark's delay, so that no row is late
 * however the two topics are read; the expected pairs are found by comparing every order with every
 * payment. A result is one number: order * 1000 + payment, 999 where there is none.
 */
#include "tests/broker/script.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ORDERS 300
#define PAYMENTS 400
#define KEYS 40
#define NOBODY 999
#define IDS (ORDERS * 1000)
#define FIRST_S 1704067200 /* 2024-01-01 */
#define DELAY_S 10
#define LOWER_S 5 /* payment.ts BETWEEN order.ts - 5 s AND order.ts + 20 s */
#define UPPER_S 20
#define TRANSACTION_ROWS 50

typedef struct row {
    int key, amount;
    int64_t time_s;
} row;

typedef struct streams {
    row orders[ORDERS], payments[PAYMENTS];
} streams;

static void draw(row *rows, int count, unsigned *seed, int step_tenths)
{
    for (int i = 0; i < count; i++)
        rows[i] = (row){.key = rand_r(seed) % KEYS,
                        .amount = rand_r(seed) % 10,
                        .time_s = FIRST_S + i * step_tenths / 10 - rand_r(seed) % DELAY_S};
}

/* Every order against every payment. Returns how many results there are. */
static uint32_t expect(const streams *all, uint8_t *expected)
{
    uint32_t results = 0;
    for (int o = 0; o < ORDERS; o++) {
        bool is_matched = false;
        for (int p = 0; p < PAYMENTS; p++) {
            const row *order = &all->orders[o], *payment = &all->payments[p];
            bool fits = order->key == payment->key && payment->time_s >= order->time_s - LOWER_S &&
                        payment->time_s <= order->time_s + UPPER_S &&
                        payment->amount >= order->amount;
            expected[o * 1000 + p] = fits;
            results += fits;
            is_matched = is_matched || fits;
        }
        expected[o * 1000 + NOBODY] = !is_matched;
        results += !is_matched;
    }
    return results;
}

static void put_row(script *s, const char *topic, int id, const row *r)
{
    char text[160], time[32];
    time_t at = (time_t)r->time_s;
    struct tm parts;
    strftime(time, sizeof time, "%Y-%m-%d %H:%M:%S", gmtime_r(&at, &parts));
    snprintf(text, sizeof text, "{\"id\":%d,\"k\":\"k%d\",\"amount\":%d,\"ts\":\"%s\"}", id, r->key,
             r->amount, time);
    kafka_put(s->writer, topic, 0, text);
}

/* Rows [from, to) of a stream, some of them a transaction. */
static void feed(script *s, const char *topic, const row *rows, int from, int to)
{
    for (int i = from; i < to; i++) {
        if ((i - from) % TRANSACTION_ROWS == 0)
            kafka_begin(s->writer);
        put_row(s, topic, i, &rows[i]);
        if ((i - from) % TRANSACTION_ROWS == TRANSACTION_ROWS - 1 || i + 1 == to)
            kafka_commit(s->writer);
    }
}

/* A row that nothing meets, behind whose time all others are over. */
static void put_last(script *s, const char *topic, int key)
{
    row last = {.key = key, .time_s = FIRST_S + 86400};
    kafka_begin(s->writer);
    put_row(s, topic, NOBODY, &last);
    kafka_commit(s->writer);
}

static void await_end(script *s, const char *topic, int64_t end)
{
    for (double until = kafka_ms() + KAFKA_PATIENCE_MS; kafka_end(s->log, topic, 0) < end;) {
        cr_assert_lt(kafka_ms(), until, "%s ends at %lld, not %lld: %s", topic,
                     (long long)kafka_end(s->log, topic, 0), (long long)end, script_said(s));
        usleep(50000);
    }
}

static void write_job(script *s, const char *orders, const char *payments, const char *out)
{
    script_write(s,
                 "CREATE TABLE orders (id BIGINT, k STRING, amount INT, ts TIMESTAMP(3), "
                 "WATERMARK FOR ts AS ts - INTERVAL '%d' SECOND) WITH (" KAFKA_TABLE
                 "'topic' = '%s', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');\n"
                 "CREATE TABLE payments (id BIGINT, k STRING, amount INT, ts TIMESTAMP(3), "
                 "WATERMARK FOR ts AS ts - INTERVAL '%d' SECOND) WITH (" KAFKA_TABLE
                 "'topic' = '%s', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');\n"
                 "CREATE TABLE dst (id BIGINT) WITH (" KAFKA_TABLE
                 "'topic' = '%s', 'format' = 'json');\n"
                 "INSERT INTO dst SELECT o.id * 1000 + COALESCE(p.id, %d) FROM orders AS o "
                 "LEFT JOIN payments AS p ON o.k = p.k AND p.amount >= o.amount AND p.ts BETWEEN "
                 "o.ts - INTERVAL '%d' SECOND AND o.ts + INTERVAL '%d' SECOND;",
                 DELAY_S, orders, DELAY_S, payments, out, NOBODY, LOWER_S, UPPER_S);
}

Test(joins, every_pair_and_every_lonely_order_comes_once_over_a_kill)
{
    static streams all;
    static uint8_t expected[IDS], seen[IDS];
    script s;
    unsigned seed = 7;
    script_open(&s, "joins");
    const char *orders = kafka_topic(s.log, "orders", 1);
    const char *payments = kafka_topic(s.log, "payments", 1), *out = kafka_topic(s.log, "out", 1);
    draw(all.orders, ORDERS, &seed, 4);
    draw(all.payments, PAYMENTS, &seed, 3);
    uint32_t results = expect(&all, expected);
    write_job(&s, orders, payments, out);
    pid_t pid = script_start(&s, NULL);
    feed(&s, orders, all.orders, 0, ORDERS / 2);
    feed(&s, payments, all.payments, 0, PAYMENTS / 2);
    await_end(&s, out, 20);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    feed(&s, payments, all.payments, PAYMENTS / 2, PAYMENTS);
    feed(&s, orders, all.orders, ORDERS / 2, ORDERS);
    put_last(&s, orders, KEYS);
    put_last(&s, payments, KEYS + 1);
    pid = script_start(&s, NULL);
    uint32_t got = 0;
    for (double until = kafka_ms() + KAFKA_PATIENCE_MS; got < results && kafka_ms() < until;
         usleep(100000)) {
        memset(seen, 0, sizeof seen);
        got = script_count_ids(&s, out, seen, IDS);
    }
    kill(pid, SIGTERM);
    cr_expect_eq(script_finish(&s, pid), 0, "%s", script_said(&s));
    memset(seen, 0, sizeof seen);
    cr_expect_eq(script_count_ids(&s, out, seen, IDS), results, "%s", script_said(&s));
    for (int i = 0; i < IDS; i++)
        cr_expect_eq(seen[i], expected[i], "order %d, payment %d: %d times, not %d", i / 1000,
                     i % 1000, seen[i], expected[i]);
    script_close(&s);
}
