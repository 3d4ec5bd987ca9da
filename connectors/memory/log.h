/*
 * The memory log: a log of the engine's port that lives in this process' memory.
 *
 * It is the log of jobs that touch no Kafka (a cluster of their own, no faults), and, with faults
 * and a virtual clock, the simulated log that the engine is tested on. A connection stands for one
 * client process; several may share a cluster.
 *
 * Thread: as the port says (engine/ports/log.h); with a virtual clock or faults, one thread for all
 * connections of a cluster.
 */
#ifndef MR_CONNECTORS_MEMORY_LOG_H
#define MR_CONNECTORS_MEMORY_LOG_H

#include "connectors/memory/broker/cluster.h"
#include "connectors/memory/process.h"

/* Connects. `process` (borrowed, outlives the connection and the cluster's use of it) may be NULL:
 * nothing goes wrong then. The connection goes away with its `close`, readers, writers and members
 * before it. */
mr_log *mr_memory_log_new(mr_memory_cluster *cluster, mr_memory_process *process);

#endif
