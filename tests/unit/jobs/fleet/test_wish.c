/* Goal: what is written to a jobs topic comes back as it was, a newer Millrace's too, and anything
 * else is refused. */
#include "jobs/fleet/wish.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const mr_wish WISH = {.job = "orders",
                             .version = 7,
                             .kind = MR_WISH_STOP,
                             .plan_format = MR_FLEET_PLAN_FORMAT,
                             .plan_version = UINT64_C(0xfedcba9876543210),
                             .sql = "SELECT 'it''s', \"ü\";\n-- \\ \t",
                             .settings = {"a=b=c", "execution.guarantee=none"},
                             .settings_count = 2,
                             .written_by = "millrace 0.1.0",
                             .written_ms = 1763740000123};

Test(wish, comes_back_as_it_was_written)
{
    mr_buffer bytes = {0};
    mr_arena arena = {0};
    mr_wish wish;
    mr_error err;
    mr_wish_encode(&WISH, &bytes);
    cr_assert_eq(mr_wish_decode(bytes.data, bytes.length, &arena, &wish, &err), MR_OK, "%s",
                 err.message);
    cr_expect_str_eq(wish.job, WISH.job);
    cr_expect_eq(wish.version, 7);
    cr_expect_eq(wish.kind, MR_WISH_STOP);
    cr_expect_eq(wish.plan_version, WISH.plan_version);
    cr_expect_str_eq(wish.sql, WISH.sql);
    cr_expect_eq(wish.settings_count, 2);
    cr_expect_str_eq(wish.settings[0], "a=b=c");
    cr_expect_str_eq(wish.written_by, WISH.written_by);
    cr_expect_eq(wish.written_ms, WISH.written_ms);
    mr_buffer_release(&bytes);
    mr_arena_release(&arena);
}

Test(wish, status_comes_back_as_it_was_written)
{
    mr_fleet_status was = {.job = "a/b",
                           .instance = "0123",
                           .version = 3,
                           .state = MR_FLEET_REFUSED,
                           .tasks = 4,
                           .records_in = 1,
                           .rows_out = 2,
                           .late = 3,
                           .dead = 4,
                           .lag = -1,
                           .code = 2062,
                           .message = "no \"way\"",
                           .checkpoint_code = 4030,
                           .checkpoint_message = "no room",
                           .written_ms = 5};
    mr_buffer bytes = {0};
    mr_arena arena = {0};
    mr_fleet_status is;
    mr_error err;
    mr_fleet_status_encode(&was, &bytes);
    cr_assert_eq(mr_fleet_status_decode(bytes.data, bytes.length, &arena, &is, &err), MR_OK);
    cr_expect_str_eq(is.job, was.job);
    cr_expect_str_eq(is.instance, was.instance);
    cr_expect_eq(is.state, was.state);
    cr_expect(is.version == 3 && is.tasks == 4 && is.records_in == 1 && is.rows_out == 2);
    cr_expect(is.late == 3 && is.dead == 4 && is.lag == -1 && is.code == 2062);
    cr_expect_str_eq(is.message, was.message);
    cr_expect_eq(is.checkpoint_code, 4030);
    cr_expect_str_eq(is.checkpoint_message, was.checkpoint_message);
    mr_buffer_release(&bytes);
    mr_arena_release(&arena);
}

static mr_status decode(const char *text, mr_wish *wish, mr_arena *arena)
{
    mr_error err;
    return mr_wish_decode(text, strlen(text), arena, wish, &err);
}

/* What it wishes may be unknown here; that it is newer must be told of it, not of its fields. */
Test(wish, of_a_newer_millrace_is_read_as_far_as_its_format)
{
    mr_arena arena = {0};
    mr_wish wish;
    cr_assert_eq(decode("{\"job\":\"j\",\"version\":2,\"wish\":\"spread\",\"plan_format\":99,"
                        "\"new\":[1,{}]}",
                        &wish, &arena),
                 MR_OK);
    cr_expect_eq(wish.plan_format, 99);
    cr_expect_str_eq(wish.job, "j");
    mr_arena_release(&arena);
}

Test(wish, anything_else_is_refused)
{
    static const char *const texts[] = {
        "",
        "null",
        "[]",
        "{",
        "{}",
        "{\"job\":1,\"version\":1,\"wish\":\"run\",\"plan_format\":1,\"sql\":\"\"}",
        "{\"job\":\"j\",\"version\":0,\"wish\":\"run\",\"plan_format\":1,\"sql\":\"\"}",
        "{\"job\":\"j\",\"version\":-4,\"wish\":\"run\",\"plan_format\":1,\"sql\":\"\"}",
        "{\"job\":\"j\",\"version\":1,\"wish\":\"walk\",\"plan_format\":1,\"sql\":\"\"}",
        "{\"job\":\"j\",\"version\":1,\"wish\":\"run\",\"plan_format\":1}",
        "{\"job\":\"j\",\"version\":1,\"wish\":\"run\",\"sql\":\"\"}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        mr_arena arena = {0};
        mr_wish wish;
        cr_expect_eq(decode(texts[i], &wish, &arena), MR_E_FLEET_RECORD, "%s", texts[i]);
        mr_arena_release(&arena);
    }
}
