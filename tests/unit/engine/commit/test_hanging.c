/*
 * Goal: a transaction that was aborted and hangs is ended before its records can be committed by
 * accident; one of somebody else is left alone; nothing is written where nothing is open.
 * Method: a memory log whose coordinator, when it aborts, tells nobody; with and without the cure.
 */
#include "connectors/memory/log.h"
#include "engine/commit/hanging.h"

#include <criterion/criterion.h>
#include <string.h>

#define ALWAYS 1000000u
#define OK(call) cr_assert_eq((call), MR_OK, #call ": %s", err.message)

static mr_error err;

typedef struct rig {
    mr_memory_clock clock;
    mr_memory_cluster *cluster;
    mr_log *log;
    mr_log_member *member;
    mr_log_writer *writer;
} rig;

static mr_log_writer *open_writer(rig *r, const char *id)
{
    mr_log_writer *writer = NULL;
    mr_writer_options options = {id, 10000, true};
    OK(r->log->class->open_writer(r->log, &options, &writer, &err));
    return writer;
}

static void set_up_flapping(rig *r, uint32_t in_a_row)
{
    *r = (rig){0};
    mr_memory_clock_init(&r->clock, 1700000000000);
    mr_memory_options options = {
        .virtual_clock = &r->clock, .hanging = ALWAYS, .hanging_in_a_row = in_a_row};
    r->cluster = mr_memory_cluster_new(&options);
    r->log = mr_memory_log_new(r->cluster, NULL);
    OK(r->log->class->create_topic(r->log, "t", 2, NULL, &err));
    OK(r->log->class->create_topic(r->log, "state", 1, NULL, &err));
    mr_member_options member = {.group = "job", .instance_id = "a", .topic = "state"};
    OK(r->log->class->open_member(r->log, &member, &r->member, &err));
    mr_member_event event = {0};
    while (event.kind != MR_MEMBER_ASSIGNED)
        OK(r->member->class->poll(r->member, 100, &event, &err));
    r->writer = open_writer(r, "id");
}

static void set_up(rig *r)
{
    set_up_flapping(r, 1);
}

static void tear_down(rig *r)
{
    r->writer->class->close(r->writer);
    r->member->class->close(r->member);
    r->log->class->close(r->log);
    mr_memory_cluster_free(r->cluster);
}

static void put(mr_log_writer *writer, int32_t partition, const char *value)
{
    mr_log_record record = {
        .value = value, .value_length = strlen(value), .timestamp_ms = MR_TIME_NONE};
    OK(writer->class->produce(writer, "t", partition, &record, 1, &err));
    OK(writer->class->flush(writer, 1000, &err));
}

static mr_log_offset note(int64_t offset)
{
    return (mr_log_offset){.topic = "state", .partition = 0, .offset = offset};
}

/* A writer that dies with rows in partition 0 and an offset; its successor is open. */
static void die_with_an_open_transaction(rig *r)
{
    OK(r->writer->class->begin(r->writer, &err));
    put(r->writer, 0, "dead");
    mr_log_offset offset = note(99);
    OK(r->writer->class->send_offsets(r->writer, r->member, &offset, 1, &err));
    r->writer->class->close(r->writer);
    r->writer = open_writer(r, "id");
}

static mr_hanging_found cure(rig *r)
{
    mr_log_ends places[] = {{.topic = "t", .partition = 0}, {.topic = "t", .partition = 1}};
    mr_log_offset offset = note(0);
    mr_hanging_request request = {
        .log = r->log, .writer = r->writer, .member = r->member, .offset = &offset, .job = "job"};
    mr_hanging_found found;
    OK(mr_hanging_end(&request, places, 2, &found, &err));
    return found;
}

/* Committed values of partition 0, each behind a comma; "-" stands for no value. */
static void read(rig *r, char *text, size_t size)
{
    mr_log_reader *reader;
    OK(r->log->class->open_reader(r->log, &reader, &err));
    OK(reader->class->add(reader, 0, "t", 0, 0, &err));
    mr_records records;
    text[0] = '\0';
    for (;;) {
        OK(reader->class->fetch(reader, 100, 0, &records, &err));
        for (uint32_t i = 0; i < records.count; i++) {
            const mr_record *record = &records.record[i];
            size_t used = strlen(text);
            snprintf(text + used, size - used, ",%.*s", (int)record->value_length,
                     record->value != NULL ? record->value : "-");
        }
        if (records.count == 0)
            break;
    }
    reader->class->close(reader);
}

static int64_t committed(rig *r)
{
    mr_arena arena = {0};
    mr_log_offset offset = note(-1);
    OK(r->log->class->group_offsets(r->log, "job", &offset, 1, &arena, &err));
    mr_arena_release(&arena);
    return offset.offset;
}

static void commit(rig *r, const char *value, bool with_offset)
{
    OK(r->writer->class->begin(r->writer, &err));
    put(r->writer, 0, value);
    mr_log_offset offset = {.topic = "t", .partition = 1, .offset = 1};
    if (with_offset)
        OK(r->writer->class->send_offsets(r->writer, r->member, &offset, 1, &err));
    OK(r->writer->class->commit(r->writer, &err));
}

Test(hanging, left_alone_shows_aborted_rows_and_offsets)
{
    rig r;
    set_up(&r);
    die_with_an_open_transaction(&r);
    commit(&r, "live", true);
    char text[64];
    read(&r, text, sizeof text);
    cr_expect_str_eq(text, ",dead,live", "the fault is not what it should be");
    cr_expect_eq(committed(&r), 99);
    tear_down(&r);
}

Test(hanging, is_ended_with_rows_and_offsets)
{
    rig r;
    set_up(&r);
    die_with_an_open_transaction(&r);
    cr_expect_eq(cure(&r).open, 1);
    commit(&r, "live", true);
    char text[64];
    read(&r, text, sizeof text);
    cr_expect_str_eq(text, ",live", "got %s", text);
    cr_expect_eq(committed(&r), -1);
    tear_down(&r);
}

/* The broker comes and goes: the ends of two cures are left out as well. */
Test(hanging, is_ended_though_the_end_of_a_cure_is_left_out)
{
    rig r;
    set_up_flapping(&r, 3);
    die_with_an_open_transaction(&r);
    cr_expect_eq(cure(&r).left, 1);
    cr_expect_eq(cure(&r).left, 1);
    mr_hanging_found last = cure(&r);
    cr_expect_eq(last.open, 1);
    cr_expect_eq(last.left, 0);
    cr_expect_eq(cure(&r).open, 0);
    commit(&r, "live", true);
    char text[64];
    read(&r, text, sizeof text);
    cr_expect_str_eq(text, ",live", "got %s", text);
    cr_expect_eq(committed(&r), -1);
    tear_down(&r);
}

Test(hanging, of_another_writer_is_left_to_it)
{
    rig r;
    set_up(&r);
    mr_log_writer *other = open_writer(&r, "other");
    OK(other->class->begin(other, &err));
    put(other, 0, "theirs");
    cr_expect_eq(cure(&r).open, 1);
    OK(other->class->commit(other, &err));
    char text[64];
    read(&r, text, sizeof text);
    cr_expect_str_eq(text, ",theirs", "got %s", text);
    other->class->close(other);
    tear_down(&r);
}

Test(hanging, costs_no_record_where_nothing_is_open)
{
    rig r;
    set_up(&r);
    commit(&r, "live", false);
    cr_expect_eq(cure(&r).open, 0);
    mr_log_ends place = {.topic = "t", .partition = 0};
    OK(r.log->class->ends(r.log, &place, 1, &err));
    cr_expect_eq(place.high, 2);
    tear_down(&r);
}
