/* Goal: what stands behind --from and --to means what help says. Method: texts in, points out. */
#include "jobs/cli/past/point.h"

#include <criterion/criterion.h>

/* 2026-11-21 14:00:00 UTC, by `date -u -d .. +%s`. */
#define TWO_IN_THE_AFTERNOON INT64_C(1795269600000)

static mr_arena arena;

static bool read(const char *text, mr_point *point)
{
    *point = (mr_point){.kind = MR_POINT_EARLIEST};
    return mr_point_read(text, &arena, point);
}

static void expect_time(const char *text, int64_t time_ms)
{
    mr_point point;
    cr_assert(read(text, &point), "%s", text);
    cr_expect_eq(point.kind, MR_POINT_TIME, "%s", text);
    cr_expect_eq(point.time_ms, time_ms, "%s: %lld", text, (long long)point.time_ms);
}

Test(point, a_time_is_of_utc_or_of_the_zone_behind_it)
{
    int64_t t = TWO_IN_THE_AFTERNOON, hour = 3600000;
    expect_time("2026-11-21 14:00:00", t);
    expect_time("2026-11-21 14:00", t);
    expect_time("2026-11-21T14:00:00Z", t);
    expect_time("2026-11-21T14:00Z", t);
    expect_time("2026-11-21 14:00:00.250", t + 250);
    expect_time("2026-11-21T14:00:00.250Z", t + 250);
    expect_time("2026-11-21T15:30:00+01:30", t);
    expect_time("2026-11-21T15:30+01:30", t);
    expect_time("2026-11-21 06:00:00.5-08:00", t + 500);
    expect_time("2026-11-21", t - 14 * hour);
}

Test(point, is_a_word_an_epoch_offsets_or_a_checkpoint)
{
    mr_point point;
    cr_assert(read("beginning", &point));
    cr_expect(point.kind == MR_POINT_EPOCH && point.epoch == 0);
    cr_assert(read("end", &point));
    cr_expect_eq(point.kind, MR_POINT_END);
    cr_assert(read("17", &point));
    cr_expect(point.kind == MR_POINT_EPOCH && point.epoch == 17);
    cr_assert(read("orders:0:1200,other.topic:11:0", &point));
    cr_expect_eq(point.kind, MR_POINT_OFFSETS);
    cr_assert_eq(point.offsets_count, 2);
    cr_expect_str_eq(point.offsets[0].topic, "orders");
    cr_expect_eq(point.offsets[0].offset, 1200);
    cr_expect_str_eq(point.offsets[1].topic, "other.topic");
    cr_expect(point.offsets[1].partition == 11 && point.offsets[1].offset == 0);
    cr_assert(
        read("job/task-3/00000000000000000012-00000000000000000088-0123456789abcdef", &point));
    cr_expect_eq(point.kind, MR_POINT_CHECKPOINT);
    cr_expect_eq(point.task, 3);
    cr_expect_str_eq(point.id, "00000000000000000012-00000000000000000088-0123456789abcdef");
    cr_assert(
        read("a-task-7/task-1/00000000000000000012-00000000000000000088-0123456789abcdef", &point));
    cr_expect_eq(point.task, 1, "a job's name may look like a task's");
}

Test(point, is_nothing_else)
{
    static const char *const texts[] = {"",
                                        "yesterday",
                                        "-1",
                                        "17x",
                                        "2026-11-21 25:00:00",
                                        "2026-02-30",
                                        "2026-11-21T14:00:00+25:00",
                                        "2026-11-21T14:00:00+1:00",
                                        "2026-11-21+01:00",
                                        "orders",
                                        "orders:0",
                                        ":0:1",
                                        "orders:0:1,",
                                        "orders:-1:5",
                                        "orders:0:-5",
                                        "job/3/00000000000000000012-00000000000000000088-0"};
    mr_point point;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        cr_expect_not(read(texts[i], &point), "%s", texts[i]);
}
