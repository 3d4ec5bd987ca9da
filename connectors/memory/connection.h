/*
 * What log, reader, writer and member of one connection share. For this folder alone.
 */
#ifndef MR_CONNECTORS_MEMORY_CONNECTION_H
#define MR_CONNECTORS_MEMORY_CONNECTION_H

#include "connectors/memory/log.h"

typedef struct mr_memory_log {
    mr_log log;
    mr_memory_cluster *cluster;
    mr_memory_process *process; /* the caller's, or `own` */
    mr_memory_process own;
} mr_memory_log;

/* Begins a port call: takes the cluster's lock, lets time pass, plays what is due, and asks the
 * hook whether the process lives. Non-zero: the call is over, the lock is not held. */
mr_status mr_memory_enter(mr_memory_log *log, const char *call, mr_error *err) MR_MUST_USE;

/* The same for requests about topics and groups, which give up when the broker is away for long. */
mr_status mr_memory_enter_request(mr_memory_log *log, const char *call, mr_error *err) MR_MUST_USE;

/* Ends it with its status, or with MR_E_CRASHED when the process dies here. */
mr_status mr_memory_leave(mr_memory_log *log, mr_status status, mr_error *err) MR_MUST_USE;

/* The same for calls that cannot fail. `begin` false: the process is dead, free memory only. The
 * lock is held in any case. */
bool mr_memory_close_begin(mr_memory_log *log, const char *call);
void mr_memory_close_end(mr_memory_log *log);

/* Waits while the broker is away, at most until `until_us`. `was_away` (may be NULL): it was, so
 * the client has sent its request again. False: it still is. */
bool mr_memory_await_broker(mr_memory_log *log, int64_t until_us, bool *was_away);

/* topics.c: verbs of engine/ports/log.h. */
mr_status mr_memory_describe(mr_log *log, const char *topic, mr_topic_facts *facts, mr_error *err);
mr_status mr_memory_topic_ids(mr_log *log, const char *const *topics, uint32_t count,
                              mr_topic_id *ids, mr_error *err);
mr_status mr_memory_create_topic(mr_log *log, const char *topic, int32_t partitions,
                                 const char *const *configs, mr_error *err);
mr_status mr_memory_grow_topic(mr_log *log, const char *topic, int32_t partitions, mr_error *err);
mr_status mr_memory_delete_topic(mr_log *log, const char *topic, mr_error *err);

/* The implementations behind the log's open functions. */
mr_status mr_memory_reader_open(mr_memory_log *log, mr_log_reader **reader, mr_error *err);
mr_status mr_memory_member_open(mr_memory_log *log, const mr_member_options *options,
                                mr_log_member **member, mr_error *err);
mr_status mr_memory_writer_open(mr_memory_log *log, const mr_writer_options *options,
                                mr_log_writer **writer, mr_error *err);

/* The group and the claim of a member, for a writer that sends its offsets. */
mr_memory_group *mr_memory_member_group(const mr_log_member *member, mr_memory_claim *claim);

/* Fills offsets from a group's committed ones (`group` NULL: there are none). Waits at most
 * `wait_us` while some are pending in a transaction; true: they still are. */
bool mr_memory_fill_offsets(mr_memory_log *log, const mr_memory_group *group,
                            mr_log_offset *offsets, uint32_t count, mr_arena *arena,
                            int64_t wait_us);

#endif
