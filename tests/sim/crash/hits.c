#include "tests/sim/crash/hits.h"

#include "engine/base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void mr_sim_hits_died_in(mr_sim_hits *hits, const char *call)
{
    hits->deaths++;
    for (int i = 0; i < MR_SIM_CALLS_MAX && call != NULL; i++) {
        if (hits->call[i] == NULL)
            hits->call[i] = call;
        if (strcmp(hits->call[i], call) == 0) {
            hits->count[i]++;
            return;
        }
    }
}

void mr_sim_hits_worker_died(mr_sim_hits *hits, const mr_worker_stats *before)
{
    hits->deaths_in_epoch += before->has_open_epoch;
    hits->deaths_in_restore += before->phase == MR_WORKER_RESTORE;
    hits->deaths_deciding += before->is_deciding;
    hits->deaths_staged += before->staged_bytes > 0;
}

bool mr_sim_hits_are_complete(const mr_sim_hits *hits, bool is_pipelined)
{
    static const char *const calls[] = {
        "writer.begin",
        "writer.produce of a row",
        "writer.produce of a frame",
        "writer.produce of a delta",
        "writer.produce of a base",
        "writer.produce of an epoch record",
        "writer.produce of a claim",
        "writer.flush",
        "writer.send_offsets",
        "writer.commit",
        "writer.abort",
        "store.apply",
        "store.flush",
        "store.open",
        "store.marker",
        "store.scan",
        "store.find",
        "store.seek",
        "store.quarantine",
        "store.remove",
        "store.image",
        "store.import",
        "import.write",
        "import.finish",
        "blob.put",
        "blob.get",
        "blob.list",
        "blob.remove",
        "log.topic_ids",
        "log.trim",
        "log.offset",
        "log.ends",
        "log.open_reader",
        "log.open_writer",
        "log.open_member",
        "log.create_topic",
        "log.delete_topic",
        "log.delete_group",
        "reader.add",
        "reader.fetch",
        "reader.pause",
        "reader.ends",
        "member.poll",
        "member.committed",
        "member.commit",
    };
    bool all = true;
    for (size_t c = 0; c < MR_LENGTH(calls); c++) {
        bool is_hit = false;
        for (int i = 0; i < MR_SIM_CALLS_MAX && hits->call[i] != NULL; i++)
            is_hit = is_hit || strcmp(hits->call[i], calls[c]) == 0;
        if (!is_hit)
            printf("no process died in %s\n", calls[c]);
        all = all && is_hit;
    }
    return all && hits->deaths_in_epoch > 0 && hits->deaths_in_restore > 0 &&
           hits->stops_in_epoch > 0 && hits->refused > 0 && hits->hung > 0 && hits->phased > 0 &&
           hits->exchanged > 0 && hits->handed > 0 && hits->checkpoints_named > 0 &&
           hits->checkpoints_restored > 0 && hits->kept > 0 && hits->outdated > 0 &&
           hits->left > 0 && hits->returned > 0 && hits->held > 0 &&
           (!is_pipelined || (hits->deaths_deciding > 0 && hits->deaths_staged > 0));
}

void mr_sim_hits_print(const mr_sim_hits *hits, uint64_t histories)
{
    printf("%" PRIu64 " histories (%" PRIu64 " without late rows, %" PRIu64
           " with an exchange, %" PRIu64 " frames handed over): %" PRIu64 " deaths (%" PRIu64
           " with an open epoch, %" PRIu64 " beside a decision, %" PRIu64 " with staged rows, "
           "%" PRIu64 " in a restore, %" PRIu64 " in one of %" PRIu64 " resets), %" PRIu64
           " commits, %" PRIu64 " aborts, %" PRIu64 " results, %" PRIu64 " late rows, %" PRIu64
           " dead letters, %" PRIu64 " refused results, %" PRIu64 " zombies (%" PRIu64
           " with an open epoch), %" PRIu64 " hanging transactions, %" PRIu64
           " checkpoints named, %" PRIu64 " restored, %" PRIu64
           " tasks kept over a rebalance, %" PRIu64 " not, for they had moved on, %" PRIu64
           " entries left memory, %" PRIu64 " came back, %" PRIu64 " inputs held that ran ahead\n",
           histories, hits->phased, hits->exchanged, hits->handed, hits->deaths,
           hits->deaths_in_epoch, hits->deaths_deciding, hits->deaths_staged,
           hits->deaths_in_restore, hits->deaths_in_reset, hits->resets, hits->commits,
           hits->aborts, hits->results, hits->late, hits->broken, hits->refused, hits->stops,
           hits->stops_in_epoch, hits->hung, hits->checkpoints_named, hits->checkpoints_restored,
           hits->kept, hits->outdated, hits->left, hits->returned, hits->held);
    printf("died in:");
    for (int i = 0; i < MR_SIM_CALLS_MAX && hits->call[i] != NULL; i++)
        printf("%s %s %" PRIu64, i > 0 ? "," : "", hits->call[i], hits->count[i]);
    printf("\n");
}
