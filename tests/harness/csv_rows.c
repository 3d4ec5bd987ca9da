#include "tests/harness/csv_rows.h"

#include "engine/base/assert.h"

#include <stdlib.h>
#include <string.h>

static const char *const NAMES[MR_CSV_WIDTH] = {"a", "b", "c", "d"};

mr_format_use mr_csv_dialect_of(uint32_t which)
{
    static const mr_format_setting settings[] = {{"field-delimiter", "\\t"},
                                                 {"quote-character", "'"},
                                                 {"escape-character", "\\"},
                                                 {"field-delimiter", ";"},
                                                 {"disable-quote-character", "true"},
                                                 {"field-delimiter", "|"},
                                                 {"escape-character", "^"}};
    static const uint32_t first[] = {0, 0, 3, 5}, count[] = {0, 3, 2, 2};
    return (mr_format_use){.format = mr_format_find("csv"),
                           .settings = settings + first[which],
                           .settings_count = count[which],
                           .width = MR_CSV_WIDTH};
}

static mr_type text_type(void)
{
    return (mr_type){.kind = MR_TYPE_VARCHAR, .length = MR_LENGTH_UNBOUNDED, .is_nullable = true};
}

/* One record through the decoder, from a block of its exact size. */
static void read_record(mr_decoder *decoder, const mr_record *from, mr_csv_rows *rows)
{
    char *exact = malloc(from->value_length + (from->value_length == 0));
    if (from->value_length > 0)
        memcpy(exact, from->value, from->value_length);
    mr_record record = *from;
    record.value = exact;
    mr_records records = {.topic = "t", .count = 1, .record = &record};
    mr_row_errors errors = {.arena = &rows->arena};
    mr_vector columns[MR_CSV_WIDTH];
    uint32_t row[1], count = 0;
    mr_error err;
    mr_status status = decoder->class->decode(decoder, &records, columns, row, &count, &errors,
                                              &rows->arena, &err);
    MR_ASSERT(status == MR_OK && count + errors.count <= 1);
    if (count + errors.count == 1 && rows->count < MR_CSV_ROWS_MAX) {
        mr_csv_row *to = &rows->row[rows->count++];
        to->is_bad = errors.count == 1;
        for (uint32_t c = 0; c < MR_CSV_WIDTH && !to->is_bad; c++) {
            mr_string s = columns[c].strings[0];
            to->field[c] = mr_string_of(
                mr_arena_copy(&rows->arena, s.length > 0 ? s.bytes : "", s.length), s.length);
        }
    }
    free(exact);
}

void mr_csv_rows_read(mr_format_use use, const char *text, size_t length, size_t piece,
                      mr_csv_rows *rows)
{
    *rows = (mr_csv_rows){.count = 0};
    mr_codec_column columns[MR_CSV_WIDTH];
    for (uint32_t c = 0; c < MR_CSV_WIDTH; c++)
        columns[c] =
            (mr_codec_column){.path = &NAMES[c], .path_length = 1, .type = text_type(), .place = c};
    mr_decoder *decoder;
    mr_splitter *splitter;
    mr_error err;
    mr_status status = mr_format_decoder_new(NULL, &use, columns, MR_CSV_WIDTH, &decoder, &err);
    MR_ASSERT(status == MR_OK);
    status = mr_format_splitter_new(&use, &splitter, &err);
    MR_ASSERT(status == MR_OK);
    splitter->class->begin(splitter);
    size_t at = 0, have = piece != 0 ? 0 : length;
    for (bool is_end = false; !is_end;) {
        have = piece != 0 && have + piece < length ? have + piece : length;
        char *exact = malloc(have - at + 1);
        if (have > at)
            memcpy(exact, text + at, have - at);
        mr_record record[3];
        mr_split split = {.bytes = exact,
                          .length = have - at,
                          .offset = (int64_t)at,
                          .is_end = have == length,
                          .record = record,
                          .records_max = 3};
        status = splitter->class->cut(splitter, &split, &err);
        MR_ASSERT(status == MR_OK && split.taken <= split.length);
        for (uint32_t i = 0; i < split.count; i++)
            read_record(decoder, &record[i], rows);
        at += split.taken;
        is_end = have == length && split.count == 0 && split.taken == 0;
        free(exact);
    }
    MR_ASSERT(at == length);
    splitter->class->free(splitter);
    decoder->class->free(decoder);
}

void mr_csv_rows_write(mr_format_use use, const mr_csv_rows *rows, mr_buffer *to)
{
    mr_codec_field fields[MR_CSV_WIDTH];
    for (uint32_t c = 0; c < MR_CSV_WIDTH; c++)
        fields[c] = (mr_codec_field){.column = c, .name = NAMES[c], .type = text_type()};
    mr_row_writer *writer;
    mr_error err;
    mr_status status = use.format->writer_new(&use, fields, MR_CSV_WIDTH, &writer, &err);
    MR_ASSERT(status == MR_OK);
    for (uint32_t i = 0; i < rows->count; i++) {
        if (rows->row[i].is_bad)
            continue;
        mr_arena arena = {0};
        mr_batch batch = mr_batch_new(MR_CSV_WIDTH, 1, &arena);
        mr_row_errors errors = {.arena = &arena};
        for (uint32_t c = 0; c < MR_CSV_WIDTH; c++) {
            batch.columns[c] = mr_vector_new(text_type(), 1, &arena);
            batch.columns[c].strings[0] = rows->row[i].field[c];
        }
        size_t before = to->length;
        if (writer->class->write(writer, &batch, 0, to, &errors) == MR_WRITTEN_BYTES)
            mr_buffer_put(to, "\n", 1);
        else
            to->length = before;
        mr_arena_release(&arena);
    }
    writer->class->free(writer);
}

void mr_csv_rows_release(mr_csv_rows *rows)
{
    mr_arena_release(&rows->arena);
}
