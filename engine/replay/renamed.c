#include "engine/replay/renamed.h"

#include "engine/base/assert.h"

#include <stdlib.h>
#include <string.h>

const char *mr_renamed_topic(mr_renamed *renamed, const char *topic)
{
    for (uint32_t i = 0; i < renamed->topics_count; i++)
        if (strcmp(renamed->topics[i].from, topic) == 0)
            return renamed->topics[i].to;
    uint32_t count = renamed->topics_count;
    renamed->topics = realloc(renamed->topics, (count + 1) * sizeof *renamed->topics);
    MR_ASSERT(renamed->topics != NULL);
    renamed->topics[count].from = mr_arena_string(&renamed->arena, topic, strlen(topic));
    renamed->topics[count].to = mr_arena_printf(&renamed->arena, "%s%s", topic, renamed->suffix);
    renamed->topics_count++;
    return renamed->topics[count].to;
}

static mr_status produce(mr_log_writer *writer, const char *topic, int32_t partition,
                         const mr_log_record *records, uint32_t count, mr_error *err)
{
    mr_renamed *self = (mr_renamed *)writer;
    if (self->is_silent)
        return MR_OK;
    for (uint32_t i = 0; i < count; i++)
        self->bytes += records[i].key_length + records[i].value_length;
    self->records += count;
    return self->target->class->produce(self->target, mr_renamed_topic(self, topic), partition,
                                        records, count, err);
}

static const mr_writer_class renamed_class = {.produce = produce};

void mr_renamed_init(mr_renamed *renamed, mr_log_writer *target, const char *suffix)
{
    *renamed =
        (mr_renamed){.writer = {.class = &renamed_class}, .target = target, .suffix = suffix};
}

void mr_renamed_release(mr_renamed *renamed)
{
    mr_arena_release(&renamed->arena);
    free(renamed->topics);
    *renamed = (mr_renamed){0};
}
