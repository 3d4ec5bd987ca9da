/*
 * Goal: ending what hangs makes the same call again where the log says so, gives up in the end, and
 * does no more than it must: no transaction where nothing is open, no group where there is none.
 * Method: a log and a writer that follow a script and write down every call.
 */
#include "engine/commit/hanging.h"

#include <criterion/criterion.h>
#include <string.h>

typedef struct fake {
    mr_log log;
    mr_log_writer writer;
    char said[64]; /* first letters of the calls; a call again is not said again */
    uint32_t calls;
    char fails; /* the call that fails; 0: none */
    mr_recovery fails_with;
    uint32_t fails_left;
    int64_t stable;      /* of the first place; the second is always closed */
    int64_t stable_then; /* when it is asked for again; 0: the same */
    int64_t last;        /* where our record lies; 0: at 7 */
} fake;

static mr_status say(fake *f, char call, mr_error *err)
{
    size_t length = strlen(f->said);
    f->calls++;
    if (length == 0 || f->said[length - 1] != call)
        f->said[length] = call;
    if (f->fails != call || f->fails_left == 0)
        return MR_OK;
    f->fails_left--;
    return mr_error_set_recovery(err, MR_E_KAFKA_OTHER, f->fails_with, "%c failed", call);
}

static fake *of_writer(mr_log_writer *writer)
{
    return (fake *)(void *)((char *)writer - offsetof(fake, writer));
}

static mr_status ends(mr_log *log, mr_log_ends *places, uint32_t count, mr_error *err)
{
    fake *f = (fake *)(void *)((char *)log - offsetof(fake, log));
    for (uint32_t i = 0; i < count; i++)
        places[i].stable = places[i].high = 7;
    bool is_again = strchr(f->said, 'a') != NULL;
    places[0].stable = is_again && f->stable_then != 0 ? f->stable_then : f->stable;
    return say(f, 'e', err);
}

static mr_status begin(mr_log_writer *writer, mr_error *err)
{
    return say(of_writer(writer), 'b', err);
}

static mr_status produce(mr_log_writer *writer, const char *topic, int32_t partition,
                         const mr_log_record *records, uint32_t count, mr_error *err)
{
    cr_expect_str_eq(topic, "t");
    cr_expect_eq(partition, 0);
    cr_expect(count == 1 && records[0].value == NULL);
    return say(of_writer(writer), 'p', err);
}

static mr_status send_offsets(mr_log_writer *writer, mr_log_member *member,
                              const mr_log_offset *offsets, uint32_t count, mr_error *err)
{
    cr_expect_not_null(member);
    cr_expect(count == 1 && offsets[0].offset == 5);
    return say(of_writer(writer), 'o', err);
}

static mr_status flush(mr_log_writer *writer, int32_t timeout_ms, mr_error *err)
{
    cr_expect_gt(timeout_ms, 0);
    return say(of_writer(writer), 'f', err);
}

static mr_status abort_transaction(mr_log_writer *writer, mr_error *err)
{
    return say(of_writer(writer), 'a', err);
}

static int64_t last_offset(mr_log_writer *writer, const char *topic, int32_t partition)
{
    (void)topic, (void)partition;
    fake *f = of_writer(writer);
    return f->last != 0 ? f->last : 7;
}

static const mr_log_class log_class = {.ends = ends};
static const mr_writer_class writer_class = {.begin = begin,
                                             .produce = produce,
                                             .send_offsets = send_offsets,
                                             .flush = flush,
                                             .last_offset = last_offset,
                                             .abort = abort_transaction};

static mr_status end(fake *f, bool has_member, mr_hanging_found *found, mr_error *err)
{
    mr_log_member member = {0};
    mr_log_offset offset = {.topic = "t", .offset = 5};
    mr_log_ends places[] = {{.topic = "t", .partition = 0}, {.topic = "t", .partition = 1}};
    f->log.class = &log_class;
    f->writer.class = &writer_class;
    mr_hanging_request request = {.log = &f->log,
                                  .writer = &f->writer,
                                  .member = has_member ? &member : NULL,
                                  .offset = &offset,
                                  .job = "job"};
    return mr_hanging_end(&request, places, 2, found, err);
}

Test(hanging_calls, are_made_where_something_is_open_and_nowhere_else)
{
    mr_error err;
    mr_hanging_found found;
    fake closed = {.stable = 7}, open = {.stable = 3}, alone = {.stable = 3};
    cr_expect_eq(end(&closed, true, &found, &err), MR_OK);
    cr_expect_str_eq(closed.said, "e");
    cr_expect_eq(found.open, 0);
    cr_expect_eq(end(&open, true, &found, &err), MR_OK);
    cr_expect_str_eq(open.said, "ebpofae");
    cr_expect_eq(found.open, 1);
    cr_expect_eq(found.left, 1, "the script says that it stays open");
    cr_expect_eq(end(&alone, false, &found, &err), MR_OK);
    cr_expect_str_eq(alone.said, "ebpfae", "there is no group to be told");
}

Test(hanging_calls, are_made_again_where_the_log_says_so)
{
    mr_error err;
    mr_hanging_found found;
    for (const char *call = "of"; *call != '\0'; call++) {
        fake f = {.stable = 3, .fails = *call, .fails_with = MR_RECOVERY_RETRY, .fails_left = 3};
        cr_expect_eq(end(&f, true, &found, &err), MR_OK);
        cr_expect_str_eq(f.said, "ebpofae");
        cr_expect_eq(f.calls, 7 + 3);
        fake never = {
            .stable = 3, .fails = *call, .fails_with = MR_RECOVERY_RETRY, .fails_left = UINT32_MAX};
        cr_expect_eq(end(&never, true, &found, &err), MR_E_KAFKA_OTHER);
        cr_expect_leq(never.calls, 2000);
        cr_expect_eq(err.recovery, MR_RECOVERY_RETRY);
        cr_expect_null(strchr(never.said, 'a'), "what was not told is not called ended");
    }
}

/* The partition that refuses our record is part of the transaction all the same. */
Test(hanging_calls, go_on_where_the_record_is_refused)
{
    mr_error err;
    mr_hanging_found found;
    fake f = {.stable = 3, .fails = 'f', .fails_with = MR_RECOVERY_RECORD, .fails_left = 1};
    cr_expect_eq(end(&f, true, &found, &err), MR_OK);
    cr_expect_str_eq(f.said, "ebpofae");
}

/* What was refused has no offset: it is over when the stable end moves at all. */
Test(hanging_calls, look_for_any_progress_where_the_record_was_refused)
{
    mr_error err;
    for (uint32_t moves = 0; moves < 2; moves++) {
        mr_hanging_found found;
        fake f = {.stable = 3, .last = -1, .stable_then = 3 + moves};
        cr_expect_eq(end(&f, true, &found, &err), MR_OK);
        cr_expect_eq(found.left, 1 - moves);
    }
}

Test(hanging_calls, stop_at_the_first_failure)
{
    static const char all[] = "ebpofa";
    for (size_t i = 0; i < strlen(all); i++) {
        mr_error err;
        mr_hanging_found found;
        fake f = {.stable = 3, .fails = all[i], .fails_with = MR_RECOVERY_EPOCH, .fails_left = 1};
        cr_expect_eq(end(&f, true, &found, &err), MR_E_KAFKA_OTHER, "%c", all[i]);
        cr_expect_eq(strlen(f.said), i + 1, "%s", f.said);
        cr_expect_eq(err.recovery, MR_RECOVERY_EPOCH);
    }
}
