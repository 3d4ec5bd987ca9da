#include "tests/harness/conformance/stage.h"

#include "engine/base/assert.h"
#include "engine/base/buffer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP_MS 20
#define PATIENCE_STEPS 1000 /* x STEP_MS: how long anything may take */

/* ------------------------------------------------------------------------------------ claims */

void stage_expect(mr_log_stage *stage, bool claim, const char *format, ...)
{
    if (stage->has_failed || claim)
        return;
    stage->has_failed = true;
    va_list args;
    va_start(args, format);
    vsnprintf(stage->message, sizeof stage->message, format, args);
    va_end(args);
}

void stage_expect_int(mr_log_stage *stage, int64_t got, int64_t expected, const char *what)
{
    stage_expect(stage, got == expected, "%s: got %" PRId64 ", expected %" PRId64, what, got,
                 expected);
}

void stage_expect_text(mr_log_stage *stage, const char *got, const char *expected)
{
    stage_expect(stage, strcmp(got, expected) == 0, "got \"%s\", expected \"%s\"", got, expected);
}

void stage_ok(mr_log_stage *stage, mr_status status, const char *what)
{
    stage_expect(stage, status == MR_OK, "%s: MR%d (%s) %s", what, status,
                 mr_recovery_name(stage->err.recovery), stage->err.message);
}

void stage_refused(mr_log_stage *stage, mr_status status, mr_status expected, mr_recovery recovery,
                   const char *what)
{
    stage_expect(stage, status != MR_OK, "%s went through, expected MR%d", what, expected);
    stage_expect(stage, status == expected && stage->err.recovery == recovery,
                 "%s: got MR%d (%s) %s, expected MR%d (%s)", what, status,
                 mr_recovery_name(stage->err.recovery), stage->err.message, expected,
                 mr_recovery_name(recovery));
}

/* ------------------------------------------------------------------------------------ things */

void stage_init(mr_log_stage *stage, const mr_log_factory *factory, const char *check)
{
    *stage = (mr_log_stage){.factory = factory, .check = check};
    stage->log = stage_connect(stage);
}

void stage_release(mr_log_stage *stage)
{
    for (uint32_t i = 0; i < stage->readers_count; i++)
        stage->readers[i]->class->close(stage->readers[i]);
    for (uint32_t i = 0; i < stage->writers_count; i++)
        stage->writers[i]->class->close(stage->writers[i]);
    for (uint32_t i = 0; i < stage->members_count; i++)
        stage->members[i]->class->close(stage->members[i]);
    for (uint32_t i = 0; i < stage->logs_count; i++)
        stage->logs[i]->class->close(stage->logs[i]);
    mr_arena_release(&stage->arena);
}

const char *stage_name(mr_log_stage *stage, const char *what)
{
    /* A topic's name may have 249 characters, so a long claim is cut. */
    return mr_arena_printf(&stage->arena, "%s-%.120s-%s-%u", stage->factory->prefix, stage->check,
                           what, stage->names++);
}

mr_log *stage_connect(mr_log_stage *stage)
{
    mr_log *log = NULL;
    if (stage->has_failed)
        return NULL;
    stage_ok(stage, stage->factory->connect(stage->factory->context, &log, &stage->err), "connect");
    MR_ASSERT(stage->logs_count < STAGE_THINGS_MAX);
    if (!stage->has_failed)
        stage->logs[stage->logs_count++] = log;
    return log;
}

const char *stage_topic(mr_log_stage *stage, int32_t partitions)
{
    const char *name = stage_name(stage, "topic");
    if (!stage->has_failed)
        stage_ok(stage,
                 stage->log->class->create_topic(stage->log, name, partitions, NULL, &stage->err),
                 "create_topic");
    return name;
}

mr_log_writer *stage_writer_with(mr_log_stage *stage, const mr_writer_options *options)
{
    mr_log_writer *writer = NULL;
    mr_log *log = stage_connect(stage);
    if (stage->has_failed)
        return NULL;
    stage_ok(stage, log->class->open_writer(log, options, &writer, &stage->err), "open_writer");
    if (!stage->has_failed)
        stage->writers[stage->writers_count++] = writer;
    return writer;
}

mr_log_writer *stage_writer(mr_log_stage *stage, const char *transactional_id)
{
    mr_writer_options options = {transactional_id, 60000, true};
    return stage_writer_with(stage, &options);
}

mr_log_reader *stage_reader(mr_log_stage *stage)
{
    mr_log_reader *reader = NULL;
    if (stage->has_failed)
        return NULL;
    stage_ok(stage, stage->log->class->open_reader(stage->log, &reader, &stage->err),
             "open_reader");
    MR_ASSERT(stage->readers_count < STAGE_THINGS_MAX);
    if (!stage->has_failed)
        stage->readers[stage->readers_count++] = reader;
    return reader;
}

void stage_close_writer(mr_log_stage *stage, mr_log_writer *writer)
{
    for (uint32_t i = 0; i < stage->writers_count; i++)
        if (stage->writers[i] == writer) {
            stage->writers[i] = stage->writers[--stage->writers_count];
            writer->class->close(writer);
            return;
        }
}

void stage_close_member(mr_log_stage *stage, mr_log_member *member)
{
    for (uint32_t i = 0; i < stage->members_count; i++)
        if (stage->members[i] == member) {
            stage->members[i] = stage->members[--stage->members_count];
            member->class->close(member);
            return;
        }
}

/* ----------------------------------------------------------------------------------- writing */

void stage_begin(mr_log_stage *stage, mr_log_writer *writer)
{
    if (!stage->has_failed)
        stage_ok(stage, writer->class->begin(writer, &stage->err), "begin");
}

void stage_put_record(mr_log_stage *stage, mr_log_writer *writer, const char *topic,
                      int32_t partition, const mr_log_record *record)
{
    if (!stage->has_failed)
        stage_ok(stage, writer->class->produce(writer, topic, partition, record, 1, &stage->err),
                 "produce");
}

void stage_put(mr_log_stage *stage, mr_log_writer *writer, const char *topic, int32_t partition,
               const char *values)
{
    for (const char *value = values; *value != '\0'; value++) {
        mr_log_record record = {.value = value, .value_length = 1, .timestamp_ms = MR_TIME_NONE};
        stage_put_record(stage, writer, topic, partition, &record);
    }
}

void stage_flush(mr_log_stage *stage, mr_log_writer *writer)
{
    if (!stage->has_failed)
        stage_ok(stage, writer->class->flush(writer, 60000, &stage->err), "flush");
}

void stage_commit(mr_log_stage *stage, mr_log_writer *writer)
{
    if (!stage->has_failed)
        stage_ok(stage, writer->class->commit(writer, &stage->err), "commit");
}

void stage_abort(mr_log_stage *stage, mr_log_writer *writer)
{
    if (!stage->has_failed)
        stage_ok(stage, writer->class->abort(writer, &stage->err), "abort");
}

void stage_put_committed(mr_log_stage *stage, const char *topic, int32_t partition,
                         const char *values)
{
    mr_log_writer *writer = stage_writer(stage, NULL);
    stage_put(stage, writer, topic, partition, values);
    stage_flush(stage, writer);
    stage_close_writer(stage, writer);
}

/* ----------------------------------------------------------------------------------- reading */

void stage_add(mr_log_stage *stage, mr_log_reader *reader, uint32_t input, const char *topic,
               int32_t partition, int64_t offset)
{
    if (!stage->has_failed)
        stage_ok(stage, reader->class->add(reader, input, topic, partition, offset, &stage->err),
                 "add");
}

static const char *take_text(mr_log_stage *stage, mr_buffer *text)
{
    const char *copy =
        mr_arena_string(&stage->arena, text->length > 0 ? text->data : "", text->length);
    mr_buffer_release(text);
    return copy;
}

static void print_records(mr_buffer *text, const mr_records *records, bool with_input)
{
    for (uint32_t i = 0; i < records->count; i++) {
        const mr_record *record = &records->record[i];
        mr_buffer_printf(text, "%s", text->length > 0 ? " " : "");
        if (with_input)
            mr_buffer_printf(text, "%u/", records->input);
        mr_buffer_printf(text, "%" PRId64 ":%.*s", record->offset, (int)record->value_length,
                         record->value != NULL ? record->value : "");
    }
}

const char *stage_drain(mr_log_stage *stage, mr_log_reader *reader, uint32_t count,
                        int64_t quiet_ms)
{
    mr_buffer text = {0};
    int64_t silent_ms = 0;
    while (!stage->has_failed && count > 0 && silent_ms < quiet_ms) {
        mr_records records;
        stage_ok(stage, reader->class->fetch(reader, count, STEP_MS, &records, &stage->err),
                 "fetch");
        if (stage->has_failed)
            break;
        silent_ms = records.count > 0 ? 0 : silent_ms + STEP_MS;
        count -= records.count;
        print_records(&text, &records, true);
    }
    return take_text(stage, &text);
}

const char *stage_read(mr_log_stage *stage, const char *topic, int32_t partition, int64_t offset)
{
    mr_log_reader *reader = stage_reader(stage);
    stage_add(stage, reader, 0, topic, partition, offset);
    mr_buffer text = {0};
    for (int step = 0; step < PATIENCE_STEPS && !stage->has_failed; step++) {
        mr_input_ends ends = {0};
        mr_records records = {0};
        stage_ok(stage, reader->class->ends(reader, 0, 60000, &ends, &stage->err), "ends");
        if (stage->has_failed || ends.position >= ends.stable_end)
            break;
        stage_ok(stage, reader->class->fetch(reader, 1000, STEP_MS, &records, &stage->err),
                 "fetch");
        if (!stage->has_failed)
            print_records(&text, &records, false);
    }
    if (reader != NULL) {
        reader->class->close(reader);
        stage->readers_count--;
    }
    return take_text(stage, &text);
}

void stage_expect_read(mr_log_stage *stage, const char *topic, int32_t partition, int64_t offset,
                       const char *expected)
{
    const char *got = stage_read(stage, topic, partition, offset);
    for (int i = 0; i < 50 && !stage->has_failed && strcmp(got, expected) != 0; i++) {
        stage->factory->settle(stage->factory->context, STEP_MS);
        got = stage_read(stage, topic, partition, offset);
    }
    stage_expect_text(stage, got, expected);
}

mr_status stage_fetch_error(mr_log_stage *stage, mr_log_reader *reader)
{
    for (int step = 0; step < PATIENCE_STEPS && !stage->has_failed; step++) {
        mr_records records;
        mr_status status = reader->class->fetch(reader, 10, STEP_MS, &records, &stage->err);
        if (status != MR_OK)
            return status;
    }
    return MR_OK;
}

mr_input_ends stage_ends_at(mr_log_stage *stage, mr_log_reader *reader, uint32_t input,
                            int64_t position)
{
    mr_input_ends ends = {.position = -1};
    for (int step = 0; step < PATIENCE_STEPS / 4 && !stage->has_failed; step++) {
        stage_ok(stage, reader->class->ends(reader, input, 60000, &ends, &stage->err), "ends");
        if (ends.position == position)
            return ends;
        mr_records records;
        stage_ok(stage, reader->class->fetch(reader, 10, STEP_MS, &records, &stage->err), "fetch");
    }
    stage_expect_int(stage, ends.position, position, "position");
    return ends;
}

int64_t stage_offset(mr_log_stage *stage, const char *topic, int32_t partition, int64_t which)
{
    int64_t offset = -1;
    if (!stage->has_failed)
        stage_ok(
            stage,
            stage->log->class->offset(stage->log, topic, partition, which, &offset, &stage->err),
            "offset");
    return offset;
}

void stage_expect_latest(mr_log_stage *stage, const char *topic, int32_t partition,
                         int64_t expected)
{
    int64_t got = -1;
    for (int step = 0; step < PATIENCE_STEPS && got != expected && !stage->has_failed; step++) {
        got = stage_offset(stage, topic, partition, MR_OFFSET_LATEST);
        if (got != expected)
            stage->factory->settle(stage->factory->context, STEP_MS);
    }
    stage_expect_int(stage, got, expected, "latest");
}

/* ------------------------------------------------------------------------------------ groups */

mr_log_member *stage_member(mr_log_stage *stage, const char *group, const char *instance_id,
                            const char *topic)
{
    mr_log_member *member = NULL;
    mr_log *log = stage_connect(stage);
    if (stage->has_failed)
        return NULL;
    mr_member_options options = {.group = group, .instance_id = instance_id, .topic = topic};
    stage_ok(stage, log->class->open_member(log, &options, &member, &stage->err), "open_member");
    if (!stage->has_failed)
        stage->members[stage->members_count++] = member;
    return member;
}

static int compare(const void *left, const void *right)
{
    return *(const int32_t *)left - *(const int32_t *)right;
}

static const char *partitions_text(mr_log_stage *stage, const mr_member_event *event)
{
    int32_t sorted[64];
    uint32_t count = event->partitions_count < 64 ? event->partitions_count : 64;
    if (count > 0)
        memcpy(sorted, event->partitions, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare);
    mr_buffer text = {0};
    for (uint32_t i = 0; i < count; i++)
        mr_buffer_printf(&text, "%s%d", i > 0 ? " " : "", sorted[i]);
    return take_text(stage, &text);
}

const char *stage_await(mr_log_stage *stage, mr_log_member *member, mr_member_event_kind kind)
{
    for (int step = 0; step < PATIENCE_STEPS && !stage->has_failed; step++) {
        mr_member_event event;
        stage_ok(stage, member->class->poll(member, STEP_MS, &event, &stage->err), "poll");
        if (stage->has_failed || event.kind == MR_MEMBER_NOTHING)
            continue;
        stage_expect_int(stage, event.kind, kind, "event");
        return partitions_text(stage, &event);
    }
    stage_expect(stage, false, "no member event of kind %d came", (int)kind);
    return "";
}

void stage_expect_quiet(mr_log_stage *stage, mr_log_member *member, int64_t ms)
{
    for (int64_t waited = 0; waited < ms && !stage->has_failed; waited += STEP_MS) {
        mr_member_event event;
        stage_ok(stage, member->class->poll(member, STEP_MS, &event, &stage->err), "poll");
        stage_expect_int(stage, event.kind, MR_MEMBER_NOTHING, "event");
    }
}

void stage_release_member(mr_log_stage *stage, mr_log_member *member)
{
    if (!stage->has_failed)
        stage_ok(stage, member->class->release(member, &stage->err), "release");
}

mr_status stage_send_offset(mr_log_stage *stage, mr_log_writer *writer, mr_log_member *member,
                            const char *topic, int64_t offset, const char *metadata)
{
    if (stage->has_failed)
        return MR_OK;
    mr_log_offset position = {topic, 0, offset, metadata};
    return writer->class->send_offsets(writer, member, &position, 1, &stage->err);
}

const char *stage_group_offset(mr_log_stage *stage, const char *group, const char *topic)
{
    mr_log_offset position = {topic, 0, 0, NULL};
    if (stage->has_failed)
        return "";
    stage_ok(stage,
             stage->log->class->group_offsets(stage->log, group, &position, 1, &stage->arena,
                                              &stage->err),
             "group_offsets");
    if (position.metadata == NULL || position.metadata[0] == '\0')
        return mr_arena_printf(&stage->arena, "%" PRId64, position.offset);
    return mr_arena_printf(&stage->arena, "%" PRId64 " %s", position.offset, position.metadata);
}
