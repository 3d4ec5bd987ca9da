/* Any bytes as a frame of an exchange: no crash, and what is read can be written and read again.
 * Every input is tried as it is, as a whole frame behind a good checksum, and as a body. */
#include "connectors/exchange/lz4.h"
#include "engine/base/hash.h"
#include "engine/exchange/frame.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const mr_field fields[] = {
    {"flag", {.kind = MR_TYPE_BOOLEAN}},
    {"small", {.kind = MR_TYPE_INT}},
    {"big", {.kind = MR_TYPE_BIGINT}},
    {"price", {.kind = MR_TYPE_DECIMAL, .precision = 38}},
    {"real", {.kind = MR_TYPE_DOUBLE}},
    {"text", {.kind = MR_TYPE_VARCHAR, .length = MR_LENGTH_UNBOUNDED}},
};
static const mr_schema relations[] = {{.columns_count = 6, .columns = fields},
                                      {.columns_count = 2, .columns = fields + 2}};

/* What was read, written again, is read as the same bytes. */
static void check_again(uint32_t relation, const mr_batch *batch, mr_arena *arena)
{
    mr_buffer first = {0}, second = {0};
    mr_error err = {0};
    mr_batch copy;
    bool is_end;
    mr_frame_put_section(&first, relation, batch, NULL, batch->rows);
    mr_reader from = mr_reader_of(first.data, first.length);
    if (mr_frame_next_section(&from, relations, 2, arena, &relation, &copy, &is_end, &err) != MR_OK)
        abort();
    mr_frame_put_section(&second, relation, &copy, NULL, copy.rows);
    if (first.length != second.length || memcmp(first.data, second.data, first.length) != 0)
        abort();
    mr_buffer_release(&first);
    mr_buffer_release(&second);
}

static void check_body(mr_reader body, mr_arena *arena)
{
    mr_error err = {0};
    uint32_t relation;
    mr_batch batch;
    bool is_end = false;
    while (!is_end) {
        mr_status status =
            mr_frame_next_section(&body, relations, 2, arena, &relation, &batch, &is_end, &err);
        if (status != MR_OK && status != MR_E_FRAME_FORMAT)
            abort();
        if (status != MR_OK)
            return;
        if (!is_end)
            check_again(relation, &batch, arena);
    }
}

static void check(const char *bytes, size_t length)
{
    mr_arena arena = {0};
    mr_frame_header header;
    mr_reader body;
    mr_error err = {0};
    mr_status status = mr_frame_open(bytes, length, &mr_lz4, &arena, &header, &body, &err);
    if (status != MR_OK && status != MR_E_FRAME_FORMAT)
        abort();
    if (status == MR_OK)
        check_body(body, &arena);
    mr_arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mr_arena arena = {0};
    check((const char *)data, size);
    mr_buffer sealed = {0};
    mr_buffer_put(&sealed, data, size);
    mr_buffer_put_u32(&sealed, mr_checksum(data, size));
    check(sealed.data, sealed.length);
    check_body(mr_reader_of(data, size), &arena);
    mr_buffer_release(&sealed);
    mr_arena_release(&arena);
    return 0;
}
