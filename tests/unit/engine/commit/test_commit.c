/*
 * Goal: a commit makes its calls in the one right order, one a step, with what was frozen when it
 * began, and stops at the first call that may not be made again. Method: a writer and a member that
 * follow a script and write down every call.
 */
#include "engine/commit/commit.h"
#include "engine/commit/epoch_record.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct fake {
    mr_log_writer writer;
    mr_log_member member;
    mr_clock clock;
    char said[2000];        /* calls so far, each behind a blank */
    const char *fails;      /* the call that fails; NULL: none */
    mr_recovery fails_with; /* .. with this recovery */
    int fails_left;         /* .. so often */
    int64_t now_us;
} fake;

static mr_status say(fake *f, const char *call, mr_error *err)
{
    strncat(f->said, " ", sizeof f->said - strlen(f->said) - 1);
    strncat(f->said, call, sizeof f->said - strlen(f->said) - 1);
    if (f->fails == NULL || strcmp(f->fails, call) != 0 || f->fails_left == 0)
        return MR_OK;
    f->fails_left--;
    return mr_error_set_recovery(err, MR_E_KAFKA_OTHER, f->fails_with, "%s failed", call);
}

static fake *of_writer(mr_log_writer *writer)
{
    return (fake *)(void *)((char *)writer - offsetof(fake, writer));
}

static mr_status flush(mr_log_writer *writer, int32_t timeout_ms, mr_error *err)
{
    cr_expect_gt(timeout_ms, 0);
    return say(of_writer(writer), "flush", err);
}

static int64_t last_offset(mr_log_writer *writer, const char *topic, int32_t partition)
{
    cr_expect_str_eq(topic, "job.state");
    cr_expect_not_null(strstr(of_writer(writer)->said, "flush"), "asked before it was delivered");
    return 100 + partition;
}

static void list(fake *f, const mr_log_offset *offsets, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        char text[200];
        snprintf(text, sizeof text, " %s[%" PRId32 "]=%" PRId64 "(%s)", offsets[i].topic,
                 offsets[i].partition, offsets[i].offset, offsets[i].metadata);
        strncat(f->said, text, sizeof f->said - strlen(f->said) - 1);
    }
}

static mr_status send_offsets(mr_log_writer *writer, mr_log_member *member,
                              const mr_log_offset *offsets, uint32_t count, mr_error *err)
{
    fake *f = of_writer(writer);
    cr_expect_eq(member, &f->member);
    mr_status status = say(f, "offsets", err);
    if (status == MR_OK)
        list(f, offsets, count);
    return status;
}

static mr_status commit(mr_log_writer *writer, mr_error *err)
{
    return say(of_writer(writer), "commit", err);
}

static mr_status commit_outside(mr_log_member *member, const mr_log_offset *offsets, uint32_t count,
                                mr_error *err)
{
    fake *f = (fake *)(void *)((char *)member - offsetof(fake, member));
    mr_status status = say(f, "member.commit", err);
    if (status == MR_OK)
        list(f, offsets, count);
    return status;
}

static int64_t now_us(const mr_clock *clock)
{
    return ++((fake *)clock->state)->now_us;
}

static const mr_writer_class writer_class = {
    .flush = flush, .last_offset = last_offset, .send_offsets = send_offsets, .commit = commit};
static const mr_member_class member_class = {.commit = commit_outside};

/* Two tasks with three inputs between them. */
static void begin(fake *f, mr_commit *c, bool is_transactional)
{
    f->writer.class = &writer_class;
    f->member.class = &member_class;
    f->clock = (mr_clock){.monotonic_us = now_us, .state = f};
    mr_commit_begin(c, &(mr_commit_target){.writer = &f->writer,
                                           .member = &f->member,
                                           .clock = &f->clock,
                                           .state_topic = "job.state",
                                           .is_transactional = is_transactional});
    mr_commit_add_task(c,
                       &(mr_commit_task){.number = 0, .partition = 2, .epoch = 7, .checksum = 1});
    mr_commit_add_offset(c, &(mr_log_offset){.topic = "in", .partition = 0, .offset = 40});
    mr_commit_add_offset(c, &(mr_log_offset){.topic = "in", .partition = 1, .offset = 50});
    mr_commit_add_task(c,
                       &(mr_commit_task){.number = 1, .partition = 3, .epoch = 9, .checksum = 2});
    mr_commit_add_offset(c, &(mr_log_offset){.topic = "in", .partition = 2, .offset = 60});
}

static uint32_t run(mr_commit *c)
{
    uint32_t steps = 1;
    while (mr_commit_step(c))
        steps++;
    return steps;
}

#define STATE_2 "job.state[2]=103(v1|7|102|00000001)"
#define INPUTS_2 "in[0]=40(v1|7|102|00000001) in[1]=50(v1|7|102|00000001)"
#define TASK_3 "job.state[3]=104(v1|9|103|00000002) in[2]=60(v1|9|103|00000002)"

Test(commit, goes_one_port_call_a_step_to_the_decision)
{
    fake f = {0};
    mr_commit c = {0};
    begin(&f, &c, true);
    cr_expect(mr_commit_is_begun(&c));
    cr_expect(mr_commit_step(&c));
    cr_expect_str_eq(f.said, " flush");
    cr_expect_eq(c.tasks[1].offset, 103);
    cr_expect(mr_commit_step(&c));
    cr_expect_str_eq(f.said, " flush offsets " STATE_2 " " INPUTS_2 " " TASK_3);
    cr_expect_eq(c.phase, MR_COMMIT_DECISION);
    cr_expect_eq(c.ended_us, 0);
    cr_expect_not(mr_commit_step(&c));
    cr_expect_eq(c.phase, MR_COMMIT_DECIDED);
    cr_expect_gt(c.ended_us, 0);
    mr_commit_end(&c);
    cr_expect_not(mr_commit_is_begun(&c));
    cr_expect_eq(c.tasks_count, 2, "the caller still reads them");
    mr_commit_release(&c);
}

Test(commit, lets_the_member_commit_where_there_is_no_transaction)
{
    fake f = {0};
    mr_commit c = {0};
    begin(&f, &c, false);
    cr_expect_eq(run(&c), 3);
    cr_expect_str_eq(f.said, " flush member.commit " STATE_2 " " INPUTS_2 " " TASK_3);
    cr_expect_eq(c.phase, MR_COMMIT_DECIDED);
    mr_commit_release(&c);
}

Test(commit, makes_the_same_call_again_where_the_log_says_so)
{
    static const char *const calls[] = {"flush", "offsets", "commit"};
    for (int i = 0; i < 3; i++) {
        fake f = {.fails = calls[i], .fails_with = MR_RECOVERY_RETRY, .fails_left = 2};
        mr_commit c = {0};
        begin(&f, &c, true);
        cr_expect_eq(run(&c), 5, "%s: three calls and two again", calls[i]);
        cr_expect_eq(c.phase, MR_COMMIT_DECIDED);
        mr_commit_release(&c);
    }
}

Test(commit, gives_up_a_call_that_is_refused_for_ever)
{
    fake f = {.fails = "commit", .fails_with = MR_RECOVERY_RETRY, .fails_left = -1};
    mr_commit c = {0};
    begin(&f, &c, true);
    cr_expect_leq(run(&c), 2000);
    cr_expect_eq(c.phase, MR_COMMIT_FAILED);
    cr_expect_eq(c.err.recovery, MR_RECOVERY_EPOCH);
    mr_commit_release(&c);
}

Test(commit, stops_at_the_first_failure_and_keeps_it)
{
    static const char *const calls[] = {"flush", "offsets", "commit"};
    static const mr_recovery ways[] = {MR_RECOVERY_RECORD, MR_RECOVERY_EPOCH, MR_RECOVERY_WRITER,
                                       MR_RECOVERY_STOP};
    for (uint32_t i = 0; i < 3; i++) {
        for (uint32_t w = 0; w < 4; w++) {
            fake f = {.fails = calls[i], .fails_with = ways[w], .fails_left = -1};
            mr_commit c = {0};
            begin(&f, &c, true);
            cr_expect_eq(run(&c), i + 1, "%s", calls[i]);
            cr_expect_eq(c.phase, MR_COMMIT_FAILED);
            cr_expect_eq(c.err.recovery, ways[w]);
            cr_expect_not_null(strstr(c.err.message, calls[i]));
            mr_commit_end(&c);
            f.fails = NULL; /* the next one is not touched by it */
            f.said[0] = '\0';
            begin(&f, &c, true);
            cr_expect_eq(run(&c), 3);
            cr_expect_eq(c.phase, MR_COMMIT_DECIDED);
            mr_commit_release(&c);
        }
    }
}

Test(commit, decides_about_a_claim_with_a_note_of_its_own)
{
    fake f = {0};
    mr_commit c = {0};
    begin(&f, &c, true);
    mr_commit_cancel(&c);
    mr_commit_begin(&c, &(mr_commit_target){.writer = &f.writer,
                                            .member = &f.member,
                                            .clock = &f.clock,
                                            .state_topic = "job.state",
                                            .is_transactional = true});
    mr_commit_add_offset(
        &c, &(mr_log_offset){
                .topic = "job.state", .partition = 1, .offset = 5, .metadata = "v1|3|4|00000000"});
    cr_expect_eq(run(&c), 3);
    cr_expect_str_eq(f.said, " flush offsets job.state[1]=5(v1|3|4|00000000) commit");
    mr_commit_release(&c);
}

Test(commit, sends_no_offsets_where_there_are_none)
{
    fake f = {0};
    mr_commit c = {0};
    begin(&f, &c, true);
    mr_commit_cancel(&c);
    mr_commit_begin(
        &c, &(mr_commit_target){.writer = &f.writer, .clock = &f.clock, .is_transactional = true});
    cr_expect_eq(run(&c), 3);
    cr_expect_str_eq(f.said, " flush commit");
    mr_commit_release(&c);
}

Test(commit, takes_any_number_of_tasks_each_with_its_own_note)
{
    fake f = {0};
    mr_commit c = {0};
    begin(&f, &c, true);
    for (int32_t t = 10; t < 100; t++) {
        mr_commit_add_task(&c,
                           &(mr_commit_task){.partition = t, .epoch = (uint64_t)t, .checksum = 7});
        mr_commit_add_offset(&c, &(mr_log_offset){.topic = "in", .partition = t, .offset = t});
    }
    cr_expect(mr_commit_step(&c));
    cr_expect_eq(c.tasks_count, 92);
    cr_expect_eq(c.offsets_count, 5 + 180);
    for (uint32_t t = 2; t < 92; t++) {
        char note[MR_EPOCH_METADATA_MAX];
        uint32_t number = t + 8;
        mr_epoch_metadata_print(note, number, 100 + number, 7);
        const mr_log_offset *own = &c.offsets[c.tasks[t].line], *input = own + 1;
        cr_expect_eq(own->offset, 100 + number + 1);
        cr_expect_str_eq(own->metadata, note);
        cr_expect_eq(input->offset, number);
        cr_expect_str_eq(input->metadata, note);
    }
    mr_commit_release(&c);
}
