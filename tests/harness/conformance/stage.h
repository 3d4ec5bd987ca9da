/*
 * What the checks of a log speak: short verbs over the port.
 *
 * The first thing that goes wrong is kept and every later verb does nothing, so a check reads
 * straight on and never tests a status itself. Whatever a check opens is closed after it.
 */
#ifndef MR_TESTS_HARNESS_CONFORMANCE_STAGE_H
#define MR_TESTS_HARNESS_CONFORMANCE_STAGE_H

#include "tests/harness/log_conformance.h"

#define STAGE_THINGS_MAX 16

typedef struct mr_log_stage {
    const mr_log_factory *factory;
    const char *check;
    uint32_t names;
    bool has_failed;
    char message[1400];
    mr_error err;
    mr_arena arena;
    mr_log *log; /* the first connection */
    mr_log *logs[STAGE_THINGS_MAX];
    uint32_t logs_count;
    mr_log_reader *readers[STAGE_THINGS_MAX];
    uint32_t readers_count;
    mr_log_writer *writers[STAGE_THINGS_MAX];
    uint32_t writers_count;
    mr_log_member *members[STAGE_THINGS_MAX];
    uint32_t members_count;
} mr_log_stage;

void stage_init(mr_log_stage *stage, const mr_log_factory *factory, const char *check);
void stage_release(mr_log_stage *stage);

/* Claims. */
void stage_expect(mr_log_stage *stage, bool claim, const char *format, ...) MR_PRINTF(3, 4);
void stage_expect_int(mr_log_stage *stage, int64_t got, int64_t expected, const char *what);
void stage_expect_text(mr_log_stage *stage, const char *got, const char *expected);
/* The status of a call made with stage->err. */
void stage_ok(mr_log_stage *stage, mr_status status, const char *what);
void stage_refused(mr_log_stage *stage, mr_status status, mr_status expected, mr_recovery recovery,
                   const char *what);

/* Things. A name is "<prefix>-<check>-<what>-<n>". */
const char *stage_name(mr_log_stage *stage, const char *what);
mr_log *stage_connect(mr_log_stage *stage);
const char *stage_topic(mr_log_stage *stage, int32_t partitions);
mr_log_writer *stage_writer(mr_log_stage *stage, const char *transactional_id);
mr_log_writer *stage_writer_with(mr_log_stage *stage, const mr_writer_options *options);
mr_log_reader *stage_reader(mr_log_stage *stage);
void stage_close_writer(mr_log_stage *stage, mr_log_writer *writer);
void stage_close_member(mr_log_stage *stage, mr_log_member *member);

/* Writing. `put` writes one record per character of `values`, without keys. */
void stage_begin(mr_log_stage *stage, mr_log_writer *writer);
void stage_put(mr_log_stage *stage, mr_log_writer *writer, const char *topic, int32_t partition,
               const char *values);
void stage_put_record(mr_log_stage *stage, mr_log_writer *writer, const char *topic,
                      int32_t partition, const mr_log_record *record);
void stage_flush(mr_log_stage *stage, mr_log_writer *writer);
void stage_commit(mr_log_stage *stage, mr_log_writer *writer);
void stage_abort(mr_log_stage *stage, mr_log_writer *writer);
void stage_put_committed(mr_log_stage *stage, const char *topic, int32_t partition,
                         const char *values);

/* Reading. All that is committed from `offset` on, as "offset:value offset:value". */
const char *stage_read(mr_log_stage *stage, const char *topic, int32_t partition, int64_t offset);
/* The same, asked again until it is `expected`: a commit returns when it is decided, and its
 * markers may reach the partitions a little later. */
void stage_expect_read(mr_log_stage *stage, const char *topic, int32_t partition, int64_t offset,
                       const char *expected);
/* What a reader gives until `count` records came, or none for `quiet_ms`: "input/offset:value
 * ..". */
const char *stage_drain(mr_log_stage *stage, mr_log_reader *reader, uint32_t count,
                        int64_t quiet_ms);
/* The first error a reader gives within some seconds; MR_OK: none. */
mr_status stage_fetch_error(mr_log_stage *stage, mr_log_reader *reader);
void stage_add(mr_log_stage *stage, mr_log_reader *reader, uint32_t input, const char *topic,
               int32_t partition, int64_t offset);
/* Waits until the ends show a position of `position`. */
mr_input_ends stage_ends_at(mr_log_stage *stage, mr_log_reader *reader, uint32_t input,
                            int64_t position);
int64_t stage_offset(mr_log_stage *stage, const char *topic, int32_t partition, int64_t which);
/* Asks for the stable end until it is `expected`. */
void stage_expect_latest(mr_log_stage *stage, const char *topic, int32_t partition,
                         int64_t expected);

/* Groups. */
mr_log_member *stage_member(mr_log_stage *stage, const char *group, const char *instance_id,
                            const char *topic);
/* Polls until the event comes; its partitions as "0 1 2" in rising order. */
const char *stage_await(mr_log_stage *stage, mr_log_member *member, mr_member_event_kind kind);
/* Nothing may be told to the member for `ms`. */
void stage_expect_quiet(mr_log_stage *stage, mr_log_member *member, int64_t ms);
void stage_release_member(mr_log_stage *stage, mr_log_member *member);
mr_status stage_send_offset(mr_log_stage *stage, mr_log_writer *writer, mr_log_member *member,
                            const char *topic, int64_t offset, const char *metadata);
/* Committed by the group for partition 0: "offset metadata"; "-1" for none. */
const char *stage_group_offset(mr_log_stage *stage, const char *group, const char *topic);

/* The checks of each file. */
const mr_log_check *stage_record_checks(size_t *count);
const mr_log_check *stage_transaction_checks(size_t *count);
const mr_log_check *stage_group_checks(size_t *count);

#endif
