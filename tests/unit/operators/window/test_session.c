/* Goal: what sessions hold is bounded by the live ones, and a row finds the sessions it touches.
 * Method: sessions by hand over a table of their own; the operator as a whole is played against an
 * oracle by sim_windows. */
#include "operators/window/session.h"

#include "engine/base/hash.h"
#include "engine/batch/record.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define GAP 10

typedef struct fixture {
    mr_budget budget;
    mr_state *state;
    mr_table *table;
    mr_sessions sessions;
    mr_arena arena;
} fixture;

static void set_up(fixture *f)
{
    mr_table_layout layout = {.name = "s", .value_size = sizeof(mr_session)};
    *f = (fixture){0};
    f->state = mr_state_new(&f->budget);
    f->table = mr_state_table(f->state, &layout);
    mr_sessions_init(&f->sessions, f->table, GAP, &f->budget);
}

static void tear_down(fixture *f)
{
    mr_sessions_release(&f->sessions);
    mr_state_free(f->state);
    mr_arena_release(&f->arena);
    cr_assert(mr_budget_used(&f->budget) == 0);
}

static mr_session_list *list_of(fixture *f, const char *key)
{
    mr_string name = mr_string_of(key, (uint32_t)strlen(key));
    uint64_t hash = mr_hash(name.bytes, name.length);
    mr_session_list *list;
    mr_sessions_lists(&f->sessions, &name, &hash, 1, &list);
    return list;
}

/* A row: joins what it touches, else begins a session. */
static mr_session *row(fixture *f, const char *key, int64_t time, int64_t watermark)
{
    mr_session_list *list = list_of(f, key);
    mr_session *touched[2];
    uint32_t count = mr_sessions_touched(&f->sessions, list, time, watermark, touched);
    if (count == 0)
        return mr_sessions_add(&f->sessions, list, mr_string_of(key, (uint32_t)strlen(key)), time,
                               &f->arena);
    if (count == 2)
        mr_sessions_unite(&f->sessions, touched[0], touched[1]);
    mr_sessions_lengthen(&f->sessions, touched[0], time);
    return touched[0];
}

static void expect_due(fixture *f, int64_t limit, const char *key, int64_t start, int64_t last)
{
    mr_session *due = mr_sessions_due(&f->sessions, limit);
    cr_assert(due != NULL);
    mr_string name = mr_session_key(due);
    cr_assert(name.length == strlen(key) && memcmp(name.bytes, key, name.length) == 0);
    cr_assert(due->start_ms == start && due->last_ms == last, "%ld %ld", (long)due->start_ms,
              (long)due->last_ms);
    mr_sessions_end(&f->sessions, due);
}

Test(session, rows_exactly_one_gap_apart_share_one_and_a_ms_more_does_not)
{
    fixture f;
    set_up(&f);
    row(&f, "k", 0, MR_TIME_NONE);
    row(&f, "k", 10, MR_TIME_NONE);
    row(&f, "k", 21, MR_TIME_NONE);
    row(&f, "other", 15, MR_TIME_NONE);
    expect_due(&f, 100, "k", 0, 10);
    expect_due(&f, 100, "other", 15, 15);
    expect_due(&f, 100, "k", 21, 21);
    cr_assert(mr_sessions_due(&f.sessions, INT64_MAX) == NULL);
    tear_down(&f);
}

Test(session, a_row_in_between_makes_one_of_two)
{
    fixture f;
    set_up(&f);
    row(&f, "k", 0, MR_TIME_NONE);
    row(&f, "k", 20, MR_TIME_NONE);
    row(&f, "k", 40, MR_TIME_NONE);
    row(&f, "k", 30, MR_TIME_NONE);
    row(&f, "k", 10, MR_TIME_NONE);
    cr_assert(mr_slice_count(mr_table_find(f.table, 0)) == 1);
    cr_assert(mr_sessions_due(&f.sessions, 49) == NULL);
    expect_due(&f, 50, "k", 0, 40);
    tear_down(&f);
}

Test(session, what_the_watermark_has_closed_is_not_joined)
{
    fixture f;
    set_up(&f);
    row(&f, "k", 0, MR_TIME_NONE);
    mr_session *joined = row(&f, "k", 5, 8); /* [0, 10) is open until 9 */
    cr_assert(joined->start_ms == 0);
    mr_session *fresh = row(&f, "k", 8, 14); /* [0, 15) is closed */
    cr_assert(fresh->start_ms == 8);
    cr_assert(row(&f, "k", 0, 15) == fresh); /* touches the open one */
    expect_due(&f, 100, "k", 0, 5);
    expect_due(&f, 100, "k", 0, 8);
    tear_down(&f);
}

Test(session, a_long_one_has_one_timer_and_one_entry)
{
    fixture f;
    set_up(&f);
    row(&f, "k", 0, MR_TIME_NONE);
    int64_t held = mr_budget_used(&f.budget);
    for (int64_t t = 1; t < 100000; t++) {
        row(&f, "k", t, t - 5);
        if (t % 7 == 0)
            cr_assert(mr_sessions_due(&f.sessions, t - 4) == NULL);
    }
    cr_assert(mr_budget_used(&f.budget) <= held + 32 * 1024);
    expect_due(&f, INT64_MAX, "k", 0, 99999);
    tear_down(&f);
}

Test(session, a_stream_of_short_ones_holds_the_live_ones_only)
{
    fixture f;
    set_up(&f);
    int64_t held = 0;
    for (int64_t t = 0; t < 300000; t += 3) { /* each key comes once */
        char key[48];
        snprintf(key, sizeof key, "a key that does not lie inline %ld", (long)t);
        row(&f, key, t, t - 50);
        mr_session *due;
        while ((due = mr_sessions_due(&f.sessions, t - 49)) != NULL)
            mr_sessions_end(&f.sessions, due);
        mr_state_mark_clean(f.state);
        mr_arena_reset(&f.arena);
        if (t == 3000)
            held = mr_budget_used(&f.budget);
    }
    cr_assert(mr_slice_count(mr_table_find(f.table, 0)) < 30);
    cr_assert(mr_slice_count(mr_table_find(f.sessions.lists, 0)) < 30);
    cr_assert(mr_budget_used(&f.budget) < 2 * held);
    tear_down(&f);
}

Test(session, a_key_of_late_rows_only_is_not_remembered)
{
    fixture f;
    set_up(&f);
    list_of(&f, "late");
    mr_sessions_forget(&f.sessions, mr_string_of("late", 4), mr_hash("late", 4));
    cr_assert(mr_slice_count(mr_table_find(f.sessions.lists, 0)) == 0);
    row(&f, "k", 0, MR_TIME_NONE); /* one with a session is kept */
    mr_sessions_forget(&f.sessions, mr_string_of("k", 1), mr_hash("k", 1));
    cr_assert(mr_slice_count(mr_table_find(f.sessions.lists, 0)) == 1);
    tear_down(&f);
}

Test(session, lists_and_timers_come_back_from_the_table)
{
    fixture f;
    set_up(&f);
    row(&f, "k", 0, MR_TIME_NONE);
    row(&f, "k", 40, MR_TIME_NONE);
    row(&f, "k", 80, MR_TIME_NONE);
    row(&f, "other", 30, MR_TIME_NONE);
    mr_sessions again;
    mr_slice_entry entries[4];
    mr_slice_entries(mr_table_find(f.table, 0), entries);
    for (int i = 0; i < 4; i++) /* as a load leaves them */
        *(mr_session *)entries[i].value =
            (mr_session){.start_ms = ((mr_session *)entries[i].value)->start_ms,
                         .last_ms = ((mr_session *)entries[i].value)->last_ms};
    mr_sessions_release(&f.sessions);
    mr_sessions_init(&again, f.table, GAP, &f.budget);
    mr_sessions_restore(&again);
    f.sessions = again;
    cr_assert(row(&f, "k", 60, MR_TIME_NONE)->last_ms == 60); /* a number of its own */
    cr_assert(row(&f, "k", 50, MR_TIME_NONE)->start_ms == 40);
    expect_due(&f, 1000, "k", 0, 0);
    expect_due(&f, 1000, "other", 30, 30);
    expect_due(&f, 1000, "k", 40, 60);
    expect_due(&f, 1000, "k", 80, 80);
    tear_down(&f);
}

Test(session, times_whose_end_could_not_be_written_are_refused)
{
    fixture f;
    set_up(&f);
    cr_assert(mr_session_holds(&f.sessions, 0));
    cr_assert_not(mr_session_holds(&f.sessions, INT64_MAX / 1000 - 5));
    cr_assert_not(mr_session_holds(&f.sessions, -INT64_MAX / 1000 + 5));
    f.sessions.gap_ms = INT64_MAX / 1000;
    cr_assert_not(mr_session_holds(&f.sessions, 0));
    tear_down(&f);
}
