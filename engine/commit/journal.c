#include "engine/commit/journal.h"

void mr_journal_append(mr_buffer *journal, mr_journal_event event)
{
    mr_buffer_put_u8(journal, (uint8_t)event.kind);
    mr_buffer_put_varint(journal, event.input);
    mr_buffer_put_zigzag(journal, event.offset);
    if (event.kind == MR_JOURNAL_FRAME)
        mr_buffer_put_varint(journal, event.number);
}

bool mr_journal_next(mr_reader *reader, mr_journal_event *event)
{
    if (reader->is_bad || mr_reader_left(reader) == 0)
        return false;
    event->kind = (mr_journal_kind)mr_reader_u8(reader);
    event->input = (uint32_t)mr_reader_varint(reader);
    event->offset = mr_reader_zigzag(reader);
    event->number = event->kind == MR_JOURNAL_FRAME ? mr_reader_varint(reader) : 0;
    if (event->kind < MR_JOURNAL_BATCH || event->kind > MR_JOURNAL_STEPS)
        reader->is_bad = true;
    return !reader->is_bad;
}
