/*
 * Goal: what is staged comes out as it went in, in the same calls and order, and only then. Method:
 * a target that prints each call; the bytes given to staging are overwritten before it plays.
 */
#include "engine/commit/staging.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct target {
    mr_log_writer writer;
    char said[4000];
    uint32_t fails_at; /* the call that fails, from 1; 0: none */
    uint32_t calls;
} target;

static mr_status produce(mr_log_writer *writer, const char *topic, int32_t partition,
                         const mr_log_record *records, uint32_t count, mr_error *err)
{
    target *self = (target *)writer;
    size_t at = strlen(self->said);
    if (++self->calls == self->fails_at)
        return mr_error_set_recovery(err, MR_E_KAFKA_FENCED, MR_RECOVERY_WRITER, "fenced");
    at += (size_t)snprintf(self->said + at, sizeof self->said - at, "%s[%d]:", topic, partition);
    for (uint32_t i = 0; i < count; i++) {
        const mr_log_record *r = &records[i];
        at += (size_t)snprintf(
            self->said + at, sizeof self->said - at, " %.*s=%.*s#%d@%d",
            r->key != NULL ? (int)r->key_length : 4, r->key != NULL ? r->key : "NULL",
            r->value != NULL ? (int)r->value_length : 4, r->value != NULL ? r->value : "NULL",
            (int)r->tag, (int)r->timestamp_ms);
        for (uint32_t h = 0; h < r->headers_count; h++)
            at += (size_t)snprintf(self->said + at, sizeof self->said - at, "{%s:%.*s}",
                                   r->headers[h].name, (int)r->headers[h].value_length,
                                   r->headers[h].value != NULL ? r->headers[h].value : "");
    }
    snprintf(self->said + at, sizeof self->said - at, "\n");
    return MR_OK;
}

static const mr_writer_class target_class = {.produce = produce};

/* One call with records made of `text`, a letter each; its memory is scribbled over afterwards. */
static mr_status put(mr_staging *staging, const char *topic, int32_t partition, const char *text)
{
    char bytes[64], name[8] = "h";
    strncpy(bytes, text, sizeof bytes - 1);
    mr_log_record records[64] = {0};
    uint32_t count = (uint32_t)strlen(text);
    mr_header header = {.name = name, .value = bytes, .value_length = 1}, empty = {.name = name};
    for (uint32_t i = 0; i < count; i++) {
        records[i] = (mr_log_record){
            .value = bytes + i, .value_length = 1, .timestamp_ms = (int64_t)i, .tag = i + 1};
        if (text[i] == 'k') {
            records[i].key = bytes + i;
            records[i].key_length = 1;
        } else if (text[i] == 'h' || text[i] == 'e') {
            records[i].headers = text[i] == 'h' ? &header : &empty;
            records[i].headers_count = 1;
        } else if (text[i] == 'n') {
            records[i].value = NULL;
            records[i].value_length = 0;
        }
    }
    mr_error err;
    mr_status status =
        staging->writer.class->produce(&staging->writer, topic, partition, records, count, &err);
    memset(bytes, '!', sizeof bytes);
    memset(name, '!', sizeof name - 1);
    return status;
}

static void set_up(mr_staging *staging, target *to)
{
    to->writer.class = &target_class;
    mr_staging_init(staging, NULL);
    mr_staging_set_target(staging, &to->writer);
}

Test(staging, hands_on_at_once_while_it_does_not_hold)
{
    target to = {0};
    mr_staging staging;
    set_up(&staging, &to);
    cr_expect_eq(put(&staging, "a", 1, "xy"), MR_OK);
    cr_expect_str_eq(to.said, "a[1]: NULL=x#1@0 NULL=y#2@1\n");
    cr_expect_eq(staging.bytes, 0);
    mr_staging_release(&staging);
}

Test(staging, plays_the_same_calls_in_the_same_order_from_copies)
{
    target direct = {0}, to = {0};
    mr_staging staging;
    static const char *const calls[] = {"x", "kh", "n", "hhek", "abcdfgijlmopqrst", "y"};
    for (int is_held = 0; is_held < 2; is_held++) {
        target *into = is_held ? &to : &direct;
        set_up(&staging, into);
        if (is_held)
            mr_staging_hold(&staging);
        for (int i = 0; i < 60; i++)
            cr_expect_eq(put(&staging, i % 2 ? "a" : "b", i % 5 - 1, calls[i % 6]), MR_OK);
        if (is_held) {
            cr_expect_str_empty(to.said);
            cr_expect_gt(staging.bytes, 60 * sizeof(mr_log_record));
            mr_error err;
            cr_expect_eq(mr_staging_play(&staging, &err), MR_OK);
            cr_expect_eq(staging.bytes, 0);
        }
        mr_staging_release(&staging);
    }
    cr_expect_str_eq(to.said, direct.said);
}

static size_t taken(const mr_staging *staging, const char *text)
{
    mr_staging held = *staging;
    cr_expect_eq(put(&held, "a", 0, text), MR_OK);
    size_t bytes = (size_t)(held.arena.next - staging->arena.next);
    free(held.calls);
    free(held.records);
    return bytes;
}

Test(staging, copies_what_lies_in_a_row_in_one_piece)
{
    target to = {0};
    mr_staging staging;
    set_up(&staging, &to);
    (void)mr_arena_alloc(&staging.arena, 1);
    mr_staging_hold(&staging);
    cr_expect_eq(taken(&staging, "abcdfgijlmopqrst"), 16);
    cr_expect_eq(taken(&staging, "abcdfnijlmopqrst"), 16 * 15, "a gap: a piece each");
    mr_staging_release(&staging);
}

/* How much of the arena two records take, each of a key and a value behind it. `gap`: what lies
 * between them. */
static size_t taken_by_keys(uint32_t gap, const char *expected)
{
    target to = {0};
    mr_staging staging;
    mr_error err;
    set_up(&staging, &to);
    (void)mr_arena_alloc(&staging.arena, 1);
    mr_staging_hold(&staging);
    char bytes[] = "k1v1k2v2";
    const char *second = bytes + 4 + gap;
    mr_log_record records[] = {
        {.key = bytes, .key_length = 2, .value = bytes + 2, .value_length = 2},
        {.key = second, .key_length = 1, .value = second + 1, .value_length = 3 - gap}};
    const char *before = staging.arena.next;
    cr_expect_eq(staging.writer.class->produce(&staging.writer, "a", 0, records, 2, &err), MR_OK);
    size_t taken = (size_t)(staging.arena.next - before);
    memset(bytes, '!', sizeof bytes);
    cr_expect_eq(mr_staging_play(&staging, &err), MR_OK);
    cr_expect_str_eq(to.said, expected);
    mr_staging_release(&staging);
    return taken;
}

Test(staging, copies_keys_and_values_in_a_row_in_one_piece_too)
{
    size_t in_a_row = taken_by_keys(0, "a[0]: k1=v1#0@0 k=2v2#0@0\n");
    cr_expect_gt(taken_by_keys(1, "a[0]: k1=v1#0@0 2=v2#0@0\n"), in_a_row);
}

Test(staging, hands_on_again_when_it_has_played)
{
    target to = {0};
    mr_error err;
    mr_staging staging;
    set_up(&staging, &to);
    mr_staging_hold(&staging);
    cr_expect_eq(put(&staging, "a", 0, "1"), MR_OK);
    cr_expect_eq(mr_staging_play(&staging, &err), MR_OK);
    cr_expect_eq(put(&staging, "a", 0, "2"), MR_OK);
    cr_expect_eq(to.calls, 2);
    mr_staging_hold(&staging);
    cr_expect_eq(put(&staging, "a", 0, "3"), MR_OK);
    cr_expect_eq(to.calls, 2);
    cr_expect_eq(mr_staging_play(&staging, &err), MR_OK);
    cr_expect_eq(to.calls, 3);
    mr_staging_release(&staging);
}

Test(staging, keeps_no_call_without_records)
{
    target to = {0};
    mr_error err;
    mr_staging staging;
    set_up(&staging, &to);
    mr_staging_hold(&staging);
    cr_expect_eq(put(&staging, "a", 0, ""), MR_OK);
    cr_expect_eq(staging.calls_count, 0);
    cr_expect_eq(mr_staging_play(&staging, &err), MR_OK);
    cr_expect_eq(to.calls, 0);
    mr_staging_release(&staging);
}

Test(staging, forgets_what_is_cleared)
{
    target to = {0};
    mr_error err;
    mr_staging staging;
    set_up(&staging, &to);
    mr_staging_hold(&staging);
    cr_expect_eq(put(&staging, "a", 0, "12"), MR_OK);
    mr_staging_clear(&staging);
    cr_expect_not(staging.is_holding);
    cr_expect_eq(mr_staging_play(&staging, &err), MR_OK);
    cr_expect_eq(to.calls, 0);
    mr_staging_release(&staging);
}

Test(staging, tells_what_the_target_refused)
{
    target to = {.fails_at = 2};
    mr_error err;
    mr_staging staging;
    set_up(&staging, &to);
    mr_staging_hold(&staging);
    for (int i = 0; i < 3; i++)
        cr_expect_eq(put(&staging, "a", 0, "1"), MR_OK);
    cr_expect_eq(mr_staging_play(&staging, &err), MR_E_KAFKA_FENCED);
    cr_expect_eq(to.calls, 2, "what follows is not produced");
    mr_staging_release(&staging);
}

Test(staging, counts_in_the_budget)
{
    target to = {0};
    mr_budget budget = {0};
    mr_staging staging;
    mr_staging_init(&staging, &budget);
    to.writer.class = &target_class;
    mr_staging_set_target(&staging, &to.writer);
    mr_staging_hold(&staging);
    for (int i = 0; i < 5000; i++)
        cr_expect_eq(put(&staging, "a", 0, "abcdefgij"), MR_OK);
    cr_expect_gt(mr_budget_used(&budget), 40000);
    mr_staging_release(&staging);
    cr_expect_eq(mr_budget_used(&budget), 0);
}

static bool says(const void *context)
{
    return *(const bool *)context;
}

/* The sabotage of the simulator: without it no test would show that holding is what it takes. */
Test(staging, lets_through_what_a_test_asks_it_to)
{
    target to = {0};
    bool leaks = true;
    mr_staging staging;
    set_up(&staging, &to);
    staging.leaks = says;
    staging.leaks_context = &leaks;
    mr_staging_hold(&staging);
    cr_expect_eq(put(&staging, "a", 0, "1"), MR_OK);
    cr_expect_eq(to.calls, 1);
    leaks = false;
    cr_expect_eq(put(&staging, "a", 0, "2"), MR_OK);
    cr_expect_eq(to.calls, 1);
    mr_staging_release(&staging);
}
