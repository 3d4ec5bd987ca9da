/*
 * Goal: metadata columns say what the record says of itself, headers as valid JSON whatever bytes
 * are in them. Method: two records, rows in another order, headers read back by a JSON library.
 */
#include "engine/run/metadata.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

static const mr_record records_of_two[] = {
    {.offset = 41, .timestamp_ms = MR_TIME_NONE, .key = NULL},
    {.offset = 42,
     .timestamp_ms = 1704067200123,
     .timestamp_kind = MR_TIMESTAMP_APPEND,
     .key = "k\0y",
     .key_length = 3},
};

static const mr_header *odd_headers(const mr_records *records, uint32_t i, mr_arena *arena,
                                    uint32_t *count)
{
    static const mr_header odd[] = {{"quote\"d", "a\\b\"c", 5},
                                    {"bytes", "\x00\x1f\x7f\x80\xff", 5},
                                    {"city", "Z\xc3\xbcrich", 7},
                                    {"none", NULL, 0},
                                    {"empty", "", 0}};
    (void)records;
    (void)arena;
    *count = i == 1 ? 5 : 0;
    return odd;
}

typedef struct fixture {
    mr_arena arena;
    mr_records records;
    uint32_t record[3];
    mr_batch batch;
} fixture;

/* Rows 0 and 2 are record 1, row 1 is record 0: rows are not records. */
static void open_rows(fixture *f)
{
    *f = (fixture){.record = {1, 0, 1}};
    f->records = (mr_records){.topic = "in",
                              .partition = 7,
                              .count = 2,
                              .record = records_of_two,
                              .headers = odd_headers};
    f->batch = mr_batch_new(0, 3, &f->arena);
    f->batch.records = &f->records;
    f->batch.record = f->record;
}

static bool is_text(const mr_vector *column, uint32_t row, const char *text)
{
    return mr_string_equals(column->strings[row], mr_string_of(text, (uint32_t)strlen(text)));
}

Test(metadata, tells_place_time_and_key_of_the_rows_own_record)
{
    fixture f;
    open_rows(&f);
    mr_type text = mr_type_string();
    mr_vector topic = mr_metadata_column(MR_METADATA_TOPIC, text, NULL, &f.batch);
    mr_vector partition =
        mr_metadata_column(MR_METADATA_PARTITION, mr_type_of(MR_TYPE_INT), NULL, &f.batch);
    mr_vector offset =
        mr_metadata_column(MR_METADATA_OFFSET, mr_type_of(MR_TYPE_BIGINT), NULL, &f.batch);
    mr_vector time = mr_metadata_column(MR_METADATA_TIMESTAMP,
                                        mr_type_time(MR_TYPE_TIMESTAMP_LTZ, 3), NULL, &f.batch);
    mr_vector kind = mr_metadata_column(MR_METADATA_TIMESTAMP_TYPE, text, NULL, &f.batch);
    mr_vector key =
        mr_metadata_column(MR_METADATA_KEY, mr_type_of(MR_TYPE_VARBINARY), NULL, &f.batch);
    for (uint32_t r = 0; r < 3; r++) {
        cr_expect(is_text(&topic, r, "in"));
        cr_expect_eq(partition.i32[r], 7);
        cr_expect_eq(offset.i64[r], r == 1 ? 41 : 42);
        cr_expect_eq(mr_vector_is_null(&time, r), r == 1);
        cr_expect(is_text(&kind, r, r == 1 ? "NoTimestampType" : "LogAppendTime"));
        cr_expect_eq(mr_vector_is_null(&key, r), r == 1);
    }
    cr_expect_eq(time.i64[2], INT64_C(1704067200123000));
    cr_expect(mr_string_equals(key.strings[0], mr_string_of("k\0y", 3)));
    mr_arena_release(&f.arena);
}

Test(metadata, shows_headers_as_json_that_others_can_read)
{
    fixture f;
    open_rows(&f);
    mr_vector column = mr_metadata_column(MR_METADATA_HEADERS, mr_type_string(), NULL, &f.batch);
    cr_expect(is_text(&column, 1, "{}"));
    json_error_t why;
    json_t *object =
        json_loadb(column.strings[0].bytes, column.strings[0].length, JSON_ALLOW_NUL, &why);
    cr_assert_not_null(object, "%s in %.*s", why.text, (int)column.strings[0].length,
                       column.strings[0].bytes);
    cr_expect_str_eq(json_string_value(json_object_get(object, "quote\"d")), "a\\b\"c");
    cr_expect(json_is_null(json_object_get(object, "none")));
    cr_expect_str_eq(json_string_value(json_object_get(object, "empty")), "");
    cr_expect_str_eq(json_string_value(json_object_get(object, "city")), "Z\xc3\xbcrich");
    /* Bytes that are no text are told in another way, so nothing is lost. */
    const json_t *bytes = json_object_get(json_object_get(object, "bytes"), "hex");
    cr_expect_str_eq(json_string_value(bytes), "001f7f80ff");
    json_decref(object);
    mr_arena_release(&f.arena);
}

/* TIMESTAMP is the wall clock of the job's zone, digits that a type has not are cut, BIGINT is as
 * good as INT. */
Test(metadata, comes_in_the_types_that_scripts_use)
{
    fixture f;
    mr_zone *zone;
    mr_error err;
    open_rows(&f);
    cr_assert_eq(mr_zone_of_offset("-05:30", &zone, &err), MR_OK);
    mr_vector local = mr_metadata_column(MR_METADATA_TIMESTAMP, mr_type_time(MR_TYPE_TIMESTAMP, 3),
                                         zone, &f.batch);
    mr_vector instant = mr_metadata_column(MR_METADATA_TIMESTAMP,
                                           mr_type_time(MR_TYPE_TIMESTAMP_LTZ, 1), zone, &f.batch);
    mr_vector partition =
        mr_metadata_column(MR_METADATA_PARTITION, mr_type_of(MR_TYPE_BIGINT), zone, &f.batch);
    cr_expect_eq(local.i64[0], INT64_C(1704067200123000) - INT64_C(19800) * 1000000);
    cr_expect_eq(instant.i64[0], INT64_C(1704067200100000));
    cr_expect_eq(partition.i64[1], 7);
    mr_zone_free(zone);
    mr_arena_release(&f.arena);
}

/* Brokers take any timestamp; one beyond the calendar has no column value. */
Test(metadata, shows_no_timestamp_beyond_the_calendar)
{
    static const mr_record far[] = {{.timestamp_ms = INT64_MAX}, {.timestamp_ms = -INT64_MAX}};
    fixture f;
    open_rows(&f);
    f.records.record = far;
    mr_vector time = mr_metadata_column(MR_METADATA_TIMESTAMP,
                                        mr_type_time(MR_TYPE_TIMESTAMP_LTZ, 3), NULL, &f.batch);
    cr_expect(mr_vector_is_null(&time, 0) && mr_vector_is_null(&time, 1));
    mr_arena_release(&f.arena);
}
