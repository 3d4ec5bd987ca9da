#include "engine/run/dead/dead_cut.h"

#include "engine/base/hash.h"

#include <string.h>

size_t mr_dead_headers_bytes(const mr_dead_original *original)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < original->headers_count; i++)
        bytes += strlen(original->headers[i].name) + original->headers[i].value_length;
    return bytes;
}

/* At most `bytes` of a text, and no half of a UTF-8 character; other bytes are cut where it comes.
 */
static size_t beginning(const char *text, size_t length, size_t bytes)
{
    if (length <= bytes)
        return length;
    size_t end = bytes;
    while (end > bytes - 3 && ((uint8_t)text[end] & 0xC0) == 0x80)
        end--;
    return ((uint8_t)text[end] & 0xC0) == 0x80 ? bytes : end;
}

mr_dead_original mr_dead_cut_of(const mr_dead_original *whole, mr_dead_cut cut)
{
    mr_dead_original left = *whole;
    if (cut == MR_DEAD_WHOLE)
        return left;
    if (cut == MR_DEAD_PLACE)
        return (mr_dead_original){0};
    if (left.value != NULL)
        left.value_length = beginning(left.value, left.value_length, MR_DEAD_BEGINNING_BYTES);
    if (left.key_length > MR_DEAD_BEGINNING_BYTES)
        left.key_length = MR_DEAD_BEGINNING_BYTES;
    if (mr_dead_headers_bytes(whole) > MR_DEAD_BEGINNING_BYTES)
        left.headers_count = 0;
    return left;
}

static uint64_t hash_text(const char *text)
{
    return text != NULL ? mr_hash(text, strlen(text)) : 0;
}

uint64_t mr_dead_tag(const mr_dead_rows *rows, const mr_row_error *error,
                     const mr_dead_original *whole, mr_dead_cut cut)
{
    if (cut == MR_DEAD_PLACE)
        return 0;
    const mr_record *record = mr_dead_rows_record(rows, error->row);
    const uint64_t words[] = {
        hash_text(rows->policy->dlq_topic),
        record != NULL ? hash_text(rows->records->topic) : 0,
        record != NULL ? (uint64_t)rows->records->partition : UINT64_MAX,
        record != NULL ? (uint64_t)record->offset : mr_hash(whole->value, whole->value_length),
        hash_text(mr_dead_rows_stage(rows, error)),
        hash_text(rows->operator),
        (uint64_t)cut + 1,
    };
    uint64_t tag = mr_hash(words, sizeof words);
    return tag != 0 ? tag : 1;
}

static bool is_refused(const mr_task_io *io, uint64_t tag)
{
    uint32_t low = 0, high = io->refused_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (io->refused[middle] < tag)
            low = middle + 1;
        else
            high = middle;
    }
    return low < io->refused_count && io->refused[low] == tag;
}

mr_dead_cut mr_dead_cut_known(const mr_task_io *io, const mr_dead_rows *rows,
                              const mr_row_error *error, const mr_dead_original *whole)
{
    mr_dead_cut cut = MR_DEAD_WHOLE;
    while (io->refused_count > 0 && cut < MR_DEAD_PLACE &&
           is_refused(io, mr_dead_tag(rows, error, whole, cut)))
        cut++;
    return cut;
}
