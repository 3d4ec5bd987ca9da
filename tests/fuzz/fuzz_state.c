/* Any bytes as a record of the state log: no crash, and only what is whole is taken for one. Every
 * input is tried as it is and with the checksum it should have, so that what lies behind is
 * reached. */
#include "engine/commit/delta.h"
#include "engine/commit/epoch_record.h"
#include "engine/commit/journal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What decodes must encode to something that decodes to the same. */
static void check_record(const mr_reader *payload)
{
    mr_arena arena = {0};
    mr_epoch_record record, again;
    mr_error err = {0};
    mr_buffer first = {0}, second = {0};
    if (mr_epoch_record_decode(payload->next, mr_reader_left(payload), &arena, &record, &err) ==
        MR_OK) {
        mr_epoch_record_encode(&record, &first);
        if (mr_epoch_record_decode(first.data, first.length, &arena, &again, &err) != MR_OK)
            abort();
        mr_epoch_record_encode(&again, &second);
        if (first.length != second.length || memcmp(first.data, second.data, first.length) != 0)
            abort();
        mr_reader journal = mr_reader_of(record.journal, record.journal_length);
        mr_journal_event event;
        while (mr_journal_next(&journal, &event))
            ;
    }
    mr_buffer_release(&first);
    mr_buffer_release(&second);
    mr_arena_release(&arena);
}

static void check_chunk(mr_reader payload)
{
    mr_buffer bytes = {0};
    mr_store_change change;
    while (mr_delta_next_change(&payload, &change)) {
        mr_buffer_clear(&bytes);
        mr_delta_put_change(&bytes, &change);
        mr_reader again = mr_reader_of(bytes.data, bytes.length);
        mr_store_change copy;
        if (!mr_delta_next_change(&again, &copy) || copy.slice != change.slice ||
            copy.table != change.table || copy.key_length != change.key_length)
            abort();
    }
    mr_buffer_release(&bytes);
}

static void check(const char *bytes, size_t length)
{
    mr_delta_header header;
    mr_reader payload;
    mr_error err = {0};
    mr_status status = mr_delta_open(bytes, length, &header, &payload, NULL, &err);
    if (status != MR_OK && status != MR_E_STATE_FORMAT)
        abort();
    if (status != MR_OK)
        return;
    if (header.kind == MR_DELTA_CHUNK || header.kind == MR_DELTA_BASE)
        check_chunk(payload);
    else
        check_record(&payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) /* nothing to seal */
        return 0;
    check((const char *)data, size);
    mr_buffer sealed = {0};
    mr_buffer_put(&sealed, data, size);
    mr_delta_seal(&sealed, 0);
    check(sealed.data, sealed.length);
    mr_reader payload = mr_reader_of(data, size);
    check_record(&payload);
    check_chunk(payload);
    mr_buffer_release(&sealed);
    return 0;
}
