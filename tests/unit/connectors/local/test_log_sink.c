/*
 * Goal: rows reach the log and files once and in order; NULLs in NOT NULL columns, rows that cannot
 * be encoded and records that the log refused before are told row by row. Method: an encoder that
 * writes numbers and refuses 13, a writer that keeps what comes, a real file.
 */
#include "connectors/local/blackhole_sink.h"
#include "connectors/local/file_sink.h"
#include "connectors/local/log_sink.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static mr_status encode(mr_encoder *encoder, const mr_batch *batch, mr_encoded *out,
                        mr_row_errors *errors, mr_error *err)
{
    (void)encoder;
    (void)err;
    out->key_start = out->key_length = NULL;
    out->value_start = mr_arena_alloc(batch->arena, batch->selected * sizeof(uint32_t));
    out->value_length = mr_arena_alloc(batch->arena, batch->selected * sizeof(uint32_t));
    for (uint32_t i = 0; i < batch->selected; i++) {
        uint32_t row = mr_batch_row(batch, i);
        out->value_start[i] = (uint32_t)out->bytes.length;
        mr_buffer_printf(&out->bytes, "%" PRId64, batch->columns[0].i64[row]);
        out->value_length[i] = (uint32_t)out->bytes.length - out->value_start[i];
        if (batch->columns[0].i64[row] == 15)
            out->value_length[i] = UINT32_MAX;
        if (batch->columns[0].i64[row] == 13)
            mr_row_errors_add(errors, row, 3999, "thirteen");
    }
    return MR_OK;
}

static void free_encoder(mr_encoder *encoder)
{
    free(encoder);
}

static const mr_encoder_class encoder_class = {.encode = encode, .free = free_encoder};

static mr_status make_encoder(const void *config, mr_encoder **encoder, mr_error *err)
{
    (void)config;
    (void)err;
    *encoder = calloc(1, sizeof **encoder);
    (*encoder)->class = &encoder_class;
    return MR_OK;
}

typedef struct kept {
    mr_log_writer base;
    char text[256]; /* value= tag; */
    uint64_t tags[16];
    uint32_t count;
} kept;

static mr_status produce(mr_log_writer *writer, const char *topic, int32_t partition,
                         const mr_log_record *records, uint32_t count, mr_error *err)
{
    (void)err;
    kept *self = (kept *)writer;
    cr_assert_str_eq(topic, "out");
    cr_assert_eq(partition, 2);
    for (uint32_t i = 0; i < count; i++) {
        size_t used = strlen(self->text);
        snprintf(self->text + used, sizeof self->text - used, "%.*s;", (int)records[i].value_length,
                 records[i].value);
        self->tags[self->count++] = records[i].tag;
    }
    return MR_OK;
}

static const mr_writer_class writer_class = {.produce = produce};

static const mr_field number = {"n", {.kind = MR_TYPE_BIGINT, .is_nullable = false}};

/* 10 .. 15 with a NULL at 12, the last row not selected. */
static mr_batch make_batch(mr_arena *arena)
{
    static const uint32_t selection[] = {0, 1, 2, 3, 4};
    mr_batch batch = mr_batch_new(1, 6, arena);
    batch.columns[0] = mr_vector_new(mr_type_of(MR_TYPE_BIGINT), 6, arena);
    for (uint32_t r = 0; r < 6; r++)
        batch.columns[0].i64[r] = 10 + r;
    mr_vector_set_null(&batch.columns[0], 2, 6, arena);
    return mr_batch_select(&batch, selection, 5);
}

Test(log_sink, tells_failed_rows_and_sends_the_others_in_order)
{
    mr_arena arena = {0};
    mr_batch batch = make_batch(&arena);
    mr_log_sink_config config = {
        .topic = "out", .make_encoder = make_encoder, .partition = 2, .schema = {1, &number}};
    mr_sink *sink;
    mr_error err = {0};
    kept writer = {.base = {.class = &writer_class}};
    mr_row_errors errors = {.arena = &arena};
    cr_assert_eq(mr_log_sink_open(&config, &sink, &err), MR_OK);
    cr_assert(sink->is_transactional);
    mr_sink_write context = {.writer = &writer.base};
    cr_assert_eq(sink->class->write(sink, &context, &batch, &errors, &err), MR_OK);
    cr_assert_str_eq(writer.text, "10;11;14;");
    cr_assert_eq(errors.count, 2);
    cr_assert(errors.error[0].row == 2 && errors.error[0].code == MR_E_ROW_NOT_NULL);
    cr_assert(errors.error[1].row == 3 && errors.error[1].code == 3999);
    /* The log refuses 11: the next time it dies and the rest goes. */
    kept again = {.base = {.class = &writer_class}};
    context =
        (mr_sink_write){.writer = &again.base, .refused = &writer.tags[1], .refused_count = 1};
    errors = (mr_row_errors){.arena = &arena};
    cr_assert_eq(sink->class->write(sink, &context, &batch, &errors, &err), MR_OK);
    mr_row_errors_settle(&errors);
    cr_assert_str_eq(again.text, "10;14;");
    cr_assert_eq(errors.count, 3);
    cr_assert(errors.error[0].row == 1 && errors.error[0].code == MR_E_ROW_REFUSED_BY_LOG);
    sink->class->close(sink);
    mr_arena_release(&arena);
}

/* What the log refuses is known by its tag: rows that differ in their timestamp or headers alone
 * have two, rows that are equal one. */
Test(log_sink, tells_rows_apart_by_what_is_their_own)
{
    static const char *const headers[] = {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"b\"}", "{}"};
    static const int64_t times[] = {5000, 5000, 5000, 6000};
    mr_arena arena = {0};
    mr_batch batch = mr_batch_new(3, 4, &arena);
    batch.columns[0] = mr_vector_new(mr_type_of(MR_TYPE_BIGINT), 4, &arena);
    batch.columns[1] = mr_vector_new(mr_type_time(MR_TYPE_TIMESTAMP_LTZ, 3), 4, &arena);
    batch.columns[2] = mr_vector_new(mr_type_string(), 4, &arena);
    for (uint32_t r = 0; r < 4; r++) {
        batch.columns[0].i64[r] = 1;
        batch.columns[1].i64[r] = times[r];
        batch.columns[2].strings[r] = mr_string_of(headers[r], (uint32_t)strlen(headers[r]));
    }
    mr_log_sink_config config = {
        .topic = "out",
        .make_encoder = make_encoder,
        .partition = 2,
        .schema = {1, &number},
        .own = {.has_timestamp = true, .has_headers = true, .timestamp = 1, .headers = 2}};
    mr_sink *sink;
    mr_error err = {0};
    kept writer = {.base = {.class = &writer_class}};
    mr_row_errors errors = {.arena = &arena};
    cr_assert_eq(mr_log_sink_open(&config, &sink, &err), MR_OK);
    mr_sink_write context = {.writer = &writer.base};
    cr_assert_eq(sink->class->write(sink, &context, &batch, &errors, &err), MR_OK);
    cr_assert_eq(writer.count, 4);
    cr_expect_neq(writer.tags[0], writer.tags[1]);
    cr_expect_eq(writer.tags[0], writer.tags[2]);
    cr_expect_neq(writer.tags[0], writer.tags[3]);
    cr_expect_neq(writer.tags[1], writer.tags[3]);
    sink->class->close(sink);
    mr_arena_release(&arena);
}

Test(file_sink, appends_whole_lines_and_keeps_what_was_there)
{
    mr_arena arena = {0};
    mr_batch batch = make_batch(&arena);
    char path[] = "/tmp/mr-sink-XXXXXX", text[64] = "";
    int file = mkstemp(path);
    cr_assert_eq(write(file, "old\n", 4), 4);
    mr_file_sink_config config = {
        .path = path, .make_encoder = make_encoder, .schema = {1, &number}};
    mr_sink *sink;
    mr_error err = {0};
    mr_row_errors errors = {.arena = &arena};
    cr_assert_eq(mr_file_sink_open(&config, &sink, &err), MR_OK);
    cr_assert_not(sink->is_transactional);
    cr_assert_eq(sink->class->write(sink, &(mr_sink_write){0}, &batch, &errors, &err), MR_OK);
    cr_assert_eq(sink->class->flush(sink, &err), MR_OK);
    cr_assert_eq(pread(file, text, sizeof text - 1, 0), 13);
    cr_assert_str_eq(text, "old\n10\n11\n14\n");
    cr_assert_eq(errors.count, 2);
    sink->class->close(sink);
    close(file);
    unlink(path);
    config.path = "/nowhere/at/all";
    cr_assert_eq(mr_file_sink_open(&config, &sink, &err), MR_E_ENVIRONMENT);
    cr_assert_not_null(strstr(err.message, "/nowhere/at/all"));
    mr_arena_release(&arena);
}

/* A row must not vanish: what has no line dies. */
Test(file_sink, tells_rows_without_a_value)
{
    static const uint32_t last[] = {5};
    mr_arena arena = {0};
    mr_batch batch = make_batch(&arena);
    batch = mr_batch_select(&batch, last, 1);
    char path[] = "/tmp/mr-sink-XXXXXX", text[4];
    int file = mkstemp(path);
    mr_file_sink_config config = {
        .path = path, .make_encoder = make_encoder, .schema = {1, &number}};
    mr_sink *sink;
    mr_error err = {0};
    mr_row_errors errors = {.arena = &arena};
    cr_assert_eq(mr_file_sink_open(&config, &sink, &err), MR_OK);
    cr_assert_eq(sink->class->write(sink, &(mr_sink_write){0}, &batch, &errors, &err), MR_OK);
    cr_assert_eq(sink->class->flush(sink, &err), MR_OK);
    cr_assert_eq(pread(file, text, sizeof text, 0), 0);
    cr_assert_eq(errors.count, 1);
    cr_assert(errors.error[0].row == 5 && errors.error[0].code == MR_E_ROW_NO_LINE);
    sink->class->close(sink);
    close(file);
    unlink(path);
    mr_arena_release(&arena);
}

Test(blackhole_sink, takes_every_row)
{
    mr_arena arena = {0};
    mr_batch batch = make_batch(&arena);
    mr_sink *sink;
    mr_error err = {0};
    mr_row_errors errors = {.arena = &arena};
    cr_assert_eq(mr_blackhole_sink_open(NULL, &sink, &err), MR_OK);
    cr_assert_eq(sink->class->write(sink, &(mr_sink_write){0}, &batch, &errors, &err), MR_OK);
    cr_assert_eq(errors.count, 0);
    sink->class->close(sink);
    mr_arena_release(&arena);
}
