#include "tests/sim/crash/tap.h"

#include "engine/commit/delta.h"

#include <stddef.h>
#include <string.h>

#define KIND_AT 4 /* of a record of the state log: behind its magic and version */

static const char *kind_of(const mr_log_record *record)
{
    if (record->value != NULL && record->value_length > KIND_AT &&
        memcmp(record->value, "MRX", 3) == 0)
        return "writer.produce of a frame";
    if (record->value == NULL || record->value_length <= KIND_AT ||
        memcmp(record->value, "MRS", 3) != 0)
        return "writer.produce of a row";
    switch (record->value[KIND_AT]) {
    case MR_DELTA_CHUNK: return "writer.produce of a delta";
    case MR_DELTA_BASE: return "writer.produce of a base";
    case MR_DELTA_EPOCH: return "writer.produce of an epoch record";
    default: return "writer.produce of a claim";
    }
}

static mr_sim_tap *tap_of_writer(mr_log_writer *writer)
{
    return (mr_sim_tap *)((uintptr_t)writer->class - offsetof(mr_sim_tap, writer_class));
}

static mr_sim_tap *tap_of_log(mr_log *log)
{
    return (mr_sim_tap *)((uintptr_t)log->class - offsetof(mr_sim_tap, log_class));
}

static mr_status produce(mr_log_writer *writer, const char *topic, int32_t partition,
                         const mr_log_record *records, uint32_t count, mr_error *err)
{
    mr_sim_tap *tap = tap_of_writer(writer);
    tap->producing = count > 0 ? kind_of(&records[0]) : NULL;
    mr_status status = tap->writer_inner->produce(writer, topic, partition, records, count, err);
    if (status != MR_E_CRASHED)
        tap->producing = NULL;
    return status;
}

static mr_status open_writer(mr_log *log, const mr_writer_options *options, mr_log_writer **writer,
                             mr_error *err)
{
    mr_sim_tap *tap = tap_of_log(log);
    mr_status status = tap->log_inner->open_writer(log, options, writer, err);
    if (status != MR_OK)
        return status;
    tap->writer_inner = (*writer)->class;
    tap->writer_class = *tap->writer_inner;
    tap->writer_class.produce = produce;
    (*writer)->class = &tap->writer_class;
    return MR_OK;
}

void mr_sim_tap_open(mr_sim_tap *tap, mr_log *log)
{
    *tap = (mr_sim_tap){.log_class = *log->class, .log_inner = log->class};
    tap->log_class.open_writer = open_writer;
    log->class = &tap->log_class;
}
