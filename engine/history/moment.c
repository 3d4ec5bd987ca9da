#include "engine/history/moment.h"

#include "engine/history/ask.h"

#include "engine/base/assert.h"
#include "engine/checkpoint/shelf.h"
#include "engine/commit/delta.h"
#include "engine/history/past.h"
#include "engine/history/surplus.h"

#include <inttypes.h>
#include <string.h>

#define TRIES_MAX 20u

uint32_t mr_moments_source(const mr_plan *plan, const char *table)
{
    for (uint32_t s = 0; s < plan->sources_count; s++)
        if (strcmp(plan->sources[s].table, table) == 0)
            return s;
    return UINT32_MAX;
}

/* ---- finding ---- */

typedef struct search {
    const mr_point *point;
    uint64_t oldest_checkpoint; /* its epoch; 0: none */
    bool has_first_claim;       /* the one in front of epoch 1 was seen */
    bool has_any;               /* an epoch record was seen */
    uint64_t first;             /* epoch of it */
    int64_t first_ms;
    bool has_part; /* the first part of a base was seen */
    bool has_found;
    mr_moment found;
} search;

static const mr_moment beginning = {
    .offset = -1, .timestamp_ms = MR_TIME_NONE, .next_ms = MR_TIME_MAX};

/* No input that the point names stands beyond it. */
static bool is_before(const mr_point *point, const mr_epoch_record *record)
{
    for (uint32_t i = 0; i < record->inputs_count; i++)
        for (uint32_t k = 0; k < point->offsets_count; k++) {
            const mr_epoch_input *input = &record->inputs[i];
            const mr_log_offset *named = &point->offsets[k];
            if (input->partition == named->partition && strcmp(input->topic, named->topic) == 0 &&
                input->offset_next > named->offset)
                return false;
        }
    return true;
}

static bool is_within(const search *s, const mr_history_record *at)
{
    const mr_point *point = s->point;
    switch (point->kind) {
    case MR_POINT_END: return true;
    case MR_POINT_EPOCH: return at->record->epoch <= point->epoch;
    case MR_POINT_TIME: return at->timestamp_ms <= point->time_ms;
    case MR_POINT_OFFSETS: return is_before(point, at->record);
    case MR_POINT_EARLIEST:
    case MR_POINT_CHECKPOINT: break;
    }
    return false;
}

/* The state is whole here: a base ends, or an image of it was taken. */
static bool is_whole(search *s, const mr_epoch_record *record)
{
    if (record->has_base_part && !record->is_base_continued)
        s->has_part = true;
    return record->epoch == s->oldest_checkpoint ||
           (record->has_base && (!record->is_base_continued || s->has_part));
}

static mr_status visit(void *context, const mr_history_record *at, bool *is_enough, mr_error *err)
{
    (void)err;
    search *s = context;
    const mr_epoch_record *record = at->record;
    s->has_first_claim = s->has_first_claim || (at->is_claim && record->epoch == 0);
    if (at->is_claim)
        return MR_OK;
    if (!s->has_any) {
        s->has_any = true;
        s->first = record->epoch;
        s->first_ms = at->timestamp_ms;
        /* Of an epoch 1 behind which the log was trimmed its record alone is left. */
        s->has_found = s->has_first_claim && record->epoch == 1 && record->previous_offset == -1;
        s->found = beginning;
    }
    bool is_earliest = s->point->kind == MR_POINT_EARLIEST;
    if (is_earliest ? !s->has_found && is_whole(s, record) : is_within(s, at)) {
        s->has_found = true;
        s->found = (mr_moment){.epoch = record->epoch,
                               .offset = at->offset,
                               .checksum = at->checksum,
                               .timestamp_ms = at->timestamp_ms,
                               .next_ms = MR_TIME_MAX,
                               .moved = record->is_moved ? record->epoch : s->found.moved};
    } else if (s->has_found) {
        s->found.next_ms = at->timestamp_ms;
        *is_enough = true;
    } else {
        *is_enough = !is_earliest; /* what comes lies still further beyond the point */
    }
    return MR_OK;
}

/* The oldest that is kept, and whose epoch record the log still has: 0: none. */
static mr_status oldest_checkpoint(const mr_moments *m, uint32_t task, uint64_t *epoch,
                                   mr_error *err)
{
    int64_t start;
    mr_shelf shelf = {0};
    *epoch = 0;
    if (m->blobs == NULL || m->stores == NULL)
        return MR_OK;
    mr_status status =
        mr_ask_offset(m->log, m->state_topic, (int32_t)task, MR_OFFSET_EARLIEST, &start, err);
    if (status == MR_OK)
        status = mr_shelf_read(m->blobs, m->plan->job, task, MR_BLOB_MANIFESTS, &shelf, err);
    for (size_t i = 0; status == MR_OK && i < shelf.count && *epoch == 0; i++)
        if (shelf.items[i].log_offset - 1 >= start)
            *epoch = shelf.items[i].epoch;
    mr_shelf_release(&shelf);
    return status;
}

static mr_status search_once(const mr_moments *m, uint32_t task, search *s, mr_error *err)
{
    mr_history history = {.log = m->log, .clock = m->clock, .topic = m->state_topic, .task = task};
    mr_status status = MR_OK;
    if (s->point->kind == MR_POINT_EARLIEST)
        status = oldest_checkpoint(m, task, &s->oldest_checkpoint, err);
    return status == MR_OK ? mr_history_read(&history, MR_OFFSET_EARLIEST, -1, visit, s, err)
                           : status;
}

/* A live job may have had the log trimmed, behind what was seen of it, or of its checkpoints. */
static bool is_overtaken(const search *s, mr_status status)
{
    return status == MR_E_KAFKA_OFFSET_LOST ||
           (status == MR_OK && !s->has_found && s->oldest_checkpoint > 0);
}

mr_status mr_moments_find_task(const mr_moments *m, const mr_point *point, uint32_t task,
                               mr_moment *found, mr_error *err)
{
    search s;
    mr_status status;
    uint32_t tries = 0;
    do {
        s = (search){.point = point, .found = beginning};
        status = search_once(m, task, &s, err);
    } while (is_overtaken(&s, status) && ++tries < TRIES_MAX);
    if (status != MR_OK)
        return status;
    *found = s.found;
    if (s.has_any && !s.has_found && point->kind == MR_POINT_EARLIEST)
        return mr_error_set(err, MR_E_MOMENT,
                            "state log %s[%" PRIu32 "] begins with epoch %" PRIu64
                            ", and holds no base; name the blob store that has its checkpoints",
                            m->state_topic, task, s.first);
    if (s.has_any && !s.has_found)
        return mr_error_set(err, MR_E_MOMENT,
                            "state log %s[%" PRIu32 "] begins with epoch %" PRIu64
                            ", behind the point asked for",
                            m->state_topic, task, s.first);
    if (point->kind == MR_POINT_EPOCH && found->epoch != point->epoch)
        return mr_error_set(err, MR_E_MOMENT,
                            "state log %s[%" PRIu32 "] ends with epoch %" PRIu64 ", epoch %" PRIu64
                            " is asked for",
                            m->state_topic, task, found->epoch, point->epoch);
    return MR_OK;
}

mr_status mr_moments_find(const mr_moments *m, const mr_point *point, mr_moment *found,
                          mr_error *err)
{
    mr_point others = *point;
    mr_status status = MR_OK;
    uint32_t named = UINT32_MAX;
    if (point->kind == MR_POINT_CHECKPOINT) {
        mr_point own = {.kind = MR_POINT_EPOCH};
        int64_t ignored;
        named = point->task;
        if (named >= m->plan->tasks_count || !mr_manifest_id_read(point->id, &own.epoch, &ignored))
            return mr_error_set(err, MR_E_MOMENT, "`%s` is no checkpoint of job `%s`", point->id,
                                m->plan->job);
        status = mr_moments_find_task(m, &own, named, &found[named], err);
        others = (mr_point){.kind = MR_POINT_TIME, .time_ms = found[named].timestamp_ms};
    }
    for (uint32_t t = 0; status == MR_OK && t < m->plan->tasks_count; t++)
        if (t != named)
            status = mr_moments_find_task(m, &others, t, &found[t], err);
    return status;
}

mr_status mr_moments_add_inputs(const mr_moments *m, mr_task *task, const mr_epoch_record *record,
                                mr_error *err)
{
    const mr_plan *stage = mr_plan_of_task(m->plan, mr_task_index(task));
    for (uint32_t i = 0; i < record->inputs_count; i++) {
        uint32_t source = mr_moments_source(stage, record->inputs[i].source);
        if (source == UINT32_MAX)
            return mr_error_set(err, MR_E_STATE_PLAN,
                                "the job has read table `%s`, which this text does not have",
                                record->inputs[i].source);
        (void)mr_task_add_input(task, &record->inputs[i], source);
    }
    return MR_OK;
}

typedef struct wanted {
    int64_t offset; /* of an epoch record; -1: the last claim in front of the first */
    mr_arena *arena;
    mr_epoch_record *record;
    bool is_there;
} wanted;

static mr_status take_record(void *context, const mr_history_record *at, bool *is_enough,
                             mr_error *err)
{
    wanted *to = context;
    mr_delta_header header;
    mr_reader payload;
    *is_enough = !at->is_claim;
    if (to->offset >= 0 ? at->offset != to->offset : !at->is_claim || at->record->epoch != 0)
        return MR_OK;
    mr_status status = mr_delta_open(at->bytes, at->length, &header, &payload, NULL, err);
    if (status == MR_OK)
        status = mr_epoch_record_decode(payload.next, mr_reader_left(&payload), to->arena,
                                        to->record, err);
    to->is_there = status == MR_OK;
    return status;
}

mr_status mr_moment_record(const mr_moments *m, uint32_t task, const mr_moment *moment,
                           mr_arena *arena, mr_epoch_record *record, mr_error *err)
{
    mr_history history = {.log = m->log, .clock = m->clock, .topic = m->state_topic, .task = task};
    wanted to = {.offset = moment->offset, .arena = arena, .record = record};
    bool is_first = moment->offset < 0;
    mr_status status = mr_history_read(&history, is_first ? MR_OFFSET_EARLIEST : moment->offset,
                                       is_first ? -1 : moment->offset + 1, take_record, &to, err);
    if (status == MR_OK && !to.is_there)
        status =
            mr_error_set(err, MR_E_MOMENT, "state log %s[%" PRIu32 "] does not say where %s stood",
                         m->state_topic, task, is_first ? "the job's first epoch" : "it");
    return status;
}

/* ---- what can be done at all ---- */

mr_status mr_moments_check_job(const mr_moments *m, mr_error *err)
{
    const mr_plan *plan = m->plan;
    if (plan->guarantee == MR_NO_GUARANTEE)
        return mr_error_set(err, MR_E_REPLAY_NEVER, "job `%s` keeps no state log", plan->job);
    for (uint32_t s = 0; s < plan->sources_count; s++)
        if (plan->sources[s].reader != NULL)
            return mr_error_set(err, MR_E_REPLAY_NEVER,
                                "table `%s` is no topic: the journal does not hold what was read "
                                "of it",
                                plan->sources[s].table);
    mr_topic_facts facts;
    mr_status status = m->log->class->describe(m->log, m->state_topic, &facts, err);
    if (status == MR_OK && !facts.exists)
        return mr_error_set(err, MR_E_MOMENT,
                            "there is no state topic `%s`: job `%s` has never run here",
                            m->state_topic, plan->job);
    if (status == MR_OK && facts.partitions < (int32_t)plan->tasks_count)
        return mr_error_set(err, MR_E_STATE_TASKS,
                            "state topic `%s` has %" PRId32 " partitions, the job has %" PRIu32
                            " tasks",
                            m->state_topic, facts.partitions, plan->tasks_count);
    for (uint32_t p = plan->tasks_count; status == MR_OK && p < (uint32_t)facts.partitions; p++) {
        mr_history history = {.log = m->log, .clock = m->clock, .topic = m->state_topic, .task = p};
        status = mr_surplus_check(&history, plan, false, err);
    }
    return status;
}

static const mr_epoch_input *same_input(const mr_epoch_record *record, const mr_epoch_input *input)
{
    for (uint32_t i = 0; i < record->inputs_count; i++)
        if (record->inputs[i].partition == input->partition &&
            strcmp(record->inputs[i].source, input->source) == 0 &&
            strcmp(record->inputs[i].topic, input->topic) == 0)
            return &record->inputs[i];
    return NULL;
}

mr_status mr_moments_check_sources(const mr_moments *m, const mr_epoch_record *record,
                                   const mr_epoch_record *until, mr_error *err)
{
    for (uint32_t i = 0; i < record->inputs_count; i++) {
        const mr_epoch_input *input = &record->inputs[i];
        const mr_epoch_input *there = until != NULL ? same_input(until, input) : NULL;
        uint32_t source = mr_moments_source(m->plan, input->source);
        int64_t start;
        if (source != UINT32_MAX && m->plan->sources[source].exchange != NULL)
            continue; /* frames are made again */
        if (until != NULL && (there == NULL || there->offset_next <= input->offset_next))
            continue;
        if (input->offset_next < 0)
            return mr_error_set(err, MR_E_MOMENT,
                                "table `%s` was added by the upgrade that is epoch %" PRIu64
                                ", where it was read from only the next one says: name that",
                                input->source, record->epoch);
        mr_status status =
            mr_ask_offset(m->log, input->topic, input->partition, MR_OFFSET_EARLIEST, &start, err);
        if (status == MR_OK && start > input->offset_next)
            status = mr_error_set(err, MR_E_REPLAY_GONE,
                                  "%s[%" PRId32 "] begins at offset %" PRId64
                                  " now, and is needed from %" PRId64
                                  " on: its retention has taken the rest",
                                  input->topic, input->partition, start, input->offset_next);
        if (status != MR_OK)
            return status;
    }
    return MR_OK;
}

/* ---- restoring ---- */

/* The newest checkpoint that is not beyond the moment, and to which the log reaches back. */
static mr_status pick_checkpoint(const mr_moments *m, uint32_t task, const mr_moment *moment,
                                 char id[MR_MANIFEST_ID_SIZE], mr_error *err)
{
    int64_t start;
    mr_shelf shelf = {0};
    id[0] = '\0';
    if (m->blobs == NULL || m->stores == NULL)
        return MR_OK;
    mr_status status =
        mr_ask_offset(m->log, m->state_topic, (int32_t)task, MR_OFFSET_EARLIEST, &start, err);
    if (status == MR_OK)
        status = mr_shelf_read(m->blobs, m->plan->job, task, MR_BLOB_MANIFESTS, &shelf, err);
    for (size_t i = 0; status == MR_OK && i < shelf.count; i++)
        if (shelf.items[i].log_offset - 1 >= start &&
            shelf.items[i].log_offset <= moment->offset + 1)
            memcpy(id, shelf.items[i].id, MR_MANIFEST_ID_SIZE);
    mr_shelf_release(&shelf);
    return status;
}

static mr_status recover(const mr_moments *m, mr_task *task, const mr_moment *moment,
                         mr_arena *arena, mr_recovered *recovered, mr_error *err)
{
    mr_past past;
    mr_pending pending;
    char checkpoint[MR_MANIFEST_ID_SIZE];
    uint32_t index = mr_task_index(task);
    mr_status status = pick_checkpoint(m, index, moment, checkpoint, err);
    bool has_checkpoint = checkpoint[0] != '\0';
    if (status == MR_OK && has_checkpoint)
        status = m->stores->remove(m->stores, m->plan->job, index, err);
    if (status != MR_OK)
        return status;
    mr_past_init(&past, m->log, moment->offset + 1);
    mr_pending_init(&pending, m->budget);
    mr_recovery_request request = {.log = &past.log,
                                   .stores = has_checkpoint ? m->stores : NULL,
                                   .clock = m->clock,
                                   .logger = m->logger,
                                   .job = m->plan->job,
                                   .topic = m->state_topic,
                                   .task = index,
                                   .plan_version = mr_plan_of_task(m->plan, index)->version,
                                   .is_transactional = m->plan->guarantee == MR_EXACTLY_ONCE,
                                   .transactional_id = "",
                                   .state = mr_task_state(task),
                                   .pending = &pending,
                                   .arena = arena,
                                   .blobs = has_checkpoint ? m->blobs : NULL,
                                   .checkpoint = checkpoint};
    status = mr_recovery_run(&request, recovered, err);
    mr_pending_release(&pending);
    if (status == MR_OK && recovered->store != NULL)
        recovered->store->class->close(recovered->store);
    recovered->store = NULL;
    if (status == MR_OK && (!recovered->has_epoch || recovered->epoch.epoch != moment->epoch ||
                            recovered->epoch_checksum != moment->checksum))
        status = mr_error_set(err, MR_E_MOMENT,
                              "epoch %" PRIu64 " of task %" PRIu32 " is no longer in %s",
                              moment->epoch, index, m->state_topic);
    return status;
}

mr_status mr_moment_restore(const mr_moments *m, uint32_t index, const mr_moment *moment,
                            const mr_task_io *io, mr_arena *arena, mr_task **restored,
                            mr_recovered *recovered, mr_error *err)
{
    *recovered = (mr_recovered){.epoch_offset = -1};
    mr_task *task = NULL;
    const mr_plan *stage = mr_plan_of_task(m->plan, index);
    mr_status status = mr_task_new(stage, index, m->budget, io, &task, err);
    if (status != MR_OK)
        return status;
    bool is_first = moment->epoch == 0;
    if (is_first)
        status = mr_moment_record(m, index, moment, arena, &recovered->claim, err);
    else
        status = recover(m, task, moment, arena, recovered, err);
    recovered->has_claim = is_first && status == MR_OK;
    const mr_epoch_record *record = is_first ? &recovered->claim : &recovered->epoch;
    if (status == MR_OK && record->plan_version != stage->version)
        status = mr_error_set(err, MR_E_STATE_PLAN,
                              "state was written by plan %016" PRIx64
                              ", this job is plan %016" PRIx64 "; take the text that wrote it",
                              record->plan_version, stage->version);
    if (status == MR_OK)
        status = mr_moments_add_inputs(m, task, record, err);
    if (status == MR_OK)
        status = mr_task_restored(task, is_first ? NULL : record, err);
    if (status != MR_OK) {
        mr_task_free(task);
        return status;
    }
    *restored = task;
    return MR_OK;
}
