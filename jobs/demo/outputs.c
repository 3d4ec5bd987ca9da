#include "jobs/demo/outputs.h"

#include "engine/batch/record.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define FETCH_MAX 1000u

/* Inputs of the reader: the partitions of the output topics, one after the other. */
static mr_demo_topic topic_of(uint32_t input)
{
    uint32_t first = 0;
    int topic = MR_DEMO_HOURLY;
    while (input >= first + (uint32_t)mr_demo_partitions[topic])
        first += (uint32_t)mr_demo_partitions[topic++];
    return (mr_demo_topic)topic;
}

mr_status mr_demo_outputs_open(mr_demo_outputs *outputs, const mr_demo_stage *stage, mr_error *err)
{
    *outputs = (mr_demo_outputs){0};
    mr_status status = stage->log->class->open_reader(stage->log, &outputs->reader, err);
    uint32_t input = 0;
    for (int t = MR_DEMO_HOURLY; t < MR_DEMO_TOPICS; t++)
        for (int32_t p = 0; status == MR_OK && p < mr_demo_partitions[t]; p++)
            status =
                outputs->reader->class->add(outputs->reader, input++, stage->topics[t], p, 0, err);
    return status;
}

static const char *text_of(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));
    return text != NULL ? text : "";
}

static int64_t time_of(const json_t *row, const char *name)
{
    return mr_demo_time_read(text_of(row, name));
}

static void take_hour(mr_demo_outputs *outputs, const json_t *row, const mr_demo_audience *audience)
{
    mr_demo_hour hour = {.start_ms = time_of(row, "window_start"),
                         .departures = json_integer_value(json_object_get(row, "departures")),
                         .mean_delay = json_number_value(json_object_get(row, "mean_delay")),
                         .worst_delay = json_integer_value(json_object_get(row, "worst_delay"))};
    while (hour.origin + 1 < MR_DEMO_ORIGINS &&
           strcmp(text_of(row, "origin"), mr_demo_origins[hour.origin]) != 0)
        hour.origin++;
    outputs->results++;
    outputs->departures += (uint64_t)hour.departures;
    audience->on_hour(audience->context, &hour);
}

static mr_demo_outcast outcast_of(const json_t *row)
{
    mr_demo_outcast flight = {
        .scheduled_ms = time_of(row, "sched_dep"),
        .left_ms = time_of(row, "dep"),
        .delay = json_integer_value(json_object_get(row, "dep_delay")),
        .late_by_ms = json_integer_value(json_object_get(row, "late_by_ms")),
    };
    snprintf(flight.name, sizeof flight.name, "%s %" JSON_INTEGER_FORMAT, text_of(row, "carrier"),
             json_integer_value(json_object_get(row, "flight")));
    snprintf(flight.route, sizeof flight.route, "%s-%s", text_of(row, "origin"),
             text_of(row, "dest"));
    return flight;
}

/* The text of one header; "": not there. */
static const char *header(const mr_header *headers, uint32_t count, const char *name,
                          mr_arena *arena)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(headers[i].name, name) == 0 && headers[i].value != NULL)
            return mr_arena_string(arena, headers[i].value, headers[i].value_length);
    return "";
}

static void take_dead(mr_demo_outputs *outputs, const mr_records *records, uint32_t i,
                      const json_t *row, const mr_demo_audience *audience)
{
    uint32_t count = 0;
    const mr_header *headers =
        records->headers != NULL ? records->headers(records, i, &outputs->arena, &count) : NULL;
    mr_demo_outcast flight = outcast_of(row);
    const char *const names[] = {"exception", "message", "partition", "offset"};
    const char *values[4];
    for (size_t n = 0; n < 4; n++)
        values[n] = header(headers, count,
                           mr_arena_printf(&outputs->arena, "__streams.errors.%s", names[n]),
                           &outputs->arena);
    snprintf(flight.code, sizeof flight.code, "%s", values[0]);
    snprintf(flight.reason, sizeof flight.reason, "%s", values[1]);
    snprintf(flight.place, sizeof flight.place, "departures[%s]@%s", values[2], values[3]);
    outputs->dead++;
    audience->on_dead(audience->context, &flight);
}

static void take(mr_demo_outputs *outputs, const mr_records *records, uint32_t i,
                 const mr_demo_audience *audience)
{
    const mr_record *record = &records->record[i];
    json_t *row = record->value != NULL
                      ? json_loadb(record->value, record->value_length, JSON_DECODE_ANY, NULL)
                      : NULL;
    mr_demo_outcast flight;
    switch (topic_of(records->input)) {
    case MR_DEMO_HOURLY: take_hour(outputs, row, audience); break;
    case MR_DEMO_LATE:
        flight = outcast_of(row);
        outputs->late++;
        audience->on_late(audience->context, &flight);
        break;
    default: take_dead(outputs, records, i, row, audience); break;
    }
    json_decref(row);
    mr_arena_reset(&outputs->arena);
}

mr_status mr_demo_outputs_read(mr_demo_outputs *outputs, int32_t timeout_ms,
                               const mr_demo_audience *audience, uint32_t *count, mr_error *err)
{
    *count = 0;
    for (;;) {
        mr_records records = {0};
        mr_status status = outputs->reader->class->fetch(
            outputs->reader, FETCH_MAX, *count == 0 ? timeout_ms : 0, &records, err);
        if (status != MR_OK || records.count == 0)
            return status;
        for (uint32_t i = 0; i < records.count; i++)
            take(outputs, &records, i, audience);
        *count += records.count;
    }
}

void mr_demo_outputs_close(mr_demo_outputs *outputs)
{
    if (outputs->reader != NULL)
        outputs->reader->class->close(outputs->reader);
    mr_arena_release(&outputs->arena);
    *outputs = (mr_demo_outputs){0};
}
