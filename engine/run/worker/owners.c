/*
 * Those whose tasks came to us, and what they may have left open.
 *
 * Who dies amid an epoch leaves a transaction open wherever it wrote. In the state log a restore
 * ends it (engine/commit/log_scan.h), but before its seal a worker has written nothing there: only
 * rows for sinks, and frames that were full. Their readers, ours and other people's, stand still at
 * the last stable offset until the broker's timeout. So who takes a task over looks where its owner
 * may have written, and fences that one by its id where something is open for too long.
 *
 * What is open may be the work of others who live, and the owner may live too, with other tasks: so
 * only what was open at the first look counts, and epochs of the living get the time to end. The
 * first look is before the restore, which is time that they get too. One that is fenced without
 * need loses an epoch, no more.
 *
 * A transaction of theirs may hang besides: the broker takes it for ended, and its partitions were
 * not told (engine/commit/hanging.h). That ends like one of our own, under their id.
 */
#include "engine/run/worker/private.h"

#include "engine/base/assert.h"

#include <inttypes.h>

#define LOOK_EVERY_US INT64_C(100000)
#define PATIENCE_US INT64_C(500000) /* beyond the commit interval */
#define CURES_MAX 3u                /* of one that hangs, and may do so again */
#define CURES_APART 4               /* times as long each time: it may be a stranger who holds it */

void mr_worker_note_owner(mr_worker *worker, const char *transactional_id)
{
    mr_worker_owners *owners = &worker->owners;
    if (transactional_id == NULL || transactional_id[0] == '\0' ||
        worker->plan->guarantee != MR_EXACTLY_ONCE ||
        strcmp(transactional_id, worker->transactional_id) == 0)
        return;
    for (uint32_t i = 0; i < owners->count; i++)
        if (strcmp(owners->ids[i], transactional_id) == 0)
            return;
    if (owners->count == owners->room) {
        uint32_t room = owners->room != 0 ? owners->room * 2 : 4;
        const char **ids = mr_arena_alloc(&owners->arena, room * sizeof *ids);
        if (owners->count > 0)
            memcpy(ids, owners->ids, owners->count * sizeof *ids);
        owners->ids = ids;
        owners->room = room;
    }
    owners->cures = 0;
    owners->ids[owners->count++] =
        mr_arena_string(&owners->arena, transactional_id, strlen(transactional_id));
}

void mr_worker_forget_owners(mr_worker *worker)
{
    mr_arena_release(&worker->owners.arena);
    worker->owners = (mr_worker_owners){0};
}

/* Keeps those in which something is open, up to where it is open now. */
static mr_status look_first(mr_worker *worker, mr_error *err)
{
    mr_worker_owners *owners = &worker->owners;
    mr_log *log = worker->config.log;
    uint32_t count;
    mr_log_ends *places = mr_worker_places(worker, &owners->arena, &count);
    mr_status status = log->class->ends(log, places, count, err);
    if (status != MR_OK)
        return status;
    owners->held = places;
    owners->held_count = 0;
    for (uint32_t i = 0; i < count; i++)
        if (places[i].stable < places[i].high)
            places[owners->held_count++] = places[i];
    owners->has_looked = true;
    owners->since_us = mr_worker_now_us(worker);
    return MR_OK;
}

/* Those that were not read beyond what was open then. */
static mr_status look_again(mr_worker *worker, mr_error *err)
{
    mr_worker_owners *owners = &worker->owners;
    mr_log *log = worker->config.log;
    mr_arena arena = {0};
    mr_log_ends *now = mr_arena_alloc(&arena, (owners->held_count + 1) * sizeof *now);
    memcpy(now, owners->held, owners->held_count * sizeof *now);
    mr_status status = log->class->ends(log, now, owners->held_count, err);
    uint32_t held = 0;
    for (uint32_t i = 0; status == MR_OK && i < owners->held_count; i++)
        if (now[i].stable < owners->held[i].high)
            owners->held[held++] = owners->held[i];
    if (status == MR_OK)
        owners->held_count = held;
    mr_arena_release(&arena);
    return status;
}

/* Their open transactions end by this. */
static mr_status fence(mr_worker *worker, mr_error *err)
{
    mr_worker_owners *owners = &worker->owners;
    mr_log *log = worker->config.log;
    for (; owners->fenced < owners->count; owners->fenced++) {
        const char *id = owners->ids[owners->fenced];
        mr_status status = log->class->knock(log, id, err);
        if (status != MR_OK)
            return status; /* one that the broker did not hear was none */
        mr_logger_line(worker->config.logger, MR_LOG_INFO,
                       "writer fenced that a task was taken over from job=%s id=%s topic=%s "
                       "partition=%" PRId32 " held=%" PRIu32,
                       worker->plan->job, id, owners->held[0].topic, owners->held[0].partition,
                       owners->held_count);
        worker->owners_fenced++;
    }
    return MR_OK;
}

/* What is held behind that hangs, and only a transaction under the same id ends it
 * (engine/commit/hanging.h). Its markers may be left out as well, so again, and then no more: it is
 * somebody's whom nobody knows. */
static mr_status cure(mr_worker *worker, mr_error *err)
{
    mr_worker_owners *owners = &worker->owners;
    mr_status status = MR_OK;
    mr_arena arena = {0};
    mr_log_ends *places = mr_arena_alloc(&arena, (owners->held_count + 1) * sizeof *places);
    for (uint32_t i = 0; status == MR_OK && i < owners->count; i++) {
        memcpy(places, owners->held, owners->held_count * sizeof *places);
        status = mr_worker_end_hanging_of(worker, owners->ids[i], places, owners->held_count, err);
    }
    mr_arena_release(&arena);
    if (status == MR_OK && ++owners->cures == CURES_MAX)
        owners->count = 0;
    return status;
}

static int64_t pause_us(const mr_worker_owners *owners)
{
    int64_t pause = LOOK_EVERY_US;
    for (uint32_t i = 0; i < owners->cures; i++)
        pause *= CURES_APART;
    return pause;
}

mr_status mr_worker_look_before_owners(mr_worker *worker, mr_error *err)
{
    bool is_of_use = worker->plan->guarantee == MR_EXACTLY_ONCE && worker->plan->uses_log;
    if (!is_of_use || worker->owners.has_looked)
        return MR_OK;
    mr_status status = look_first(worker, err);
    return status != MR_OK && err->recovery == MR_RECOVERY_RETRY ? MR_OK : status;
}

mr_status mr_worker_look_at_owners(mr_worker *worker, mr_error *err)
{
    mr_worker_owners *owners = &worker->owners;
    int64_t now_us = mr_worker_now_us(worker);
    if (owners->count == 0 && owners->has_looked)
        mr_worker_forget_owners(worker);
    if (owners->count == 0 || now_us < owners->look_due_us)
        return MR_OK;
    mr_status status = owners->has_looked ? look_again(worker, err) : look_first(worker, err);
    if (status == MR_OK && owners->held_count > 0 &&
        now_us - owners->since_us > PATIENCE_US + worker->cut.age_us)
        status = owners->fenced < owners->count ? fence(worker, err) : cure(worker, err);
    if (status == MR_OK && (owners->count == 0 || owners->held_count == 0))
        mr_worker_forget_owners(worker);
    else
        owners->look_due_us = mr_worker_now_us(worker) + pause_us(owners);
    return status != MR_OK && err->recovery == MR_RECOVERY_RETRY ? MR_OK : status;
}
