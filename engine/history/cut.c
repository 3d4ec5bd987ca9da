#include "engine/history/cut.h"

#include "engine/exchange/receiver.h"

#include <inttypes.h>
#include <string.h>

/* ---- what was heard ---- */

static uint32_t first_upstream(const mr_plan *job, const mr_exchange *exchange)
{
    for (uint32_t k = 0; k < mr_plan_stages(job); k++) {
        const mr_plan *stage = mr_plan_stage(job, k);
        for (uint32_t s = 0; s < stage->sinks_count; s++)
            if (stage->sinks[s].exchange == exchange)
                return stage->first_task;
    }
    return 0;
}

/* Where the task stands with an exchange; NULL: it has not met it. */
static const mr_epoch_input *input_of(const mr_epoch_record *record, const mr_plan_source *source)
{
    for (uint32_t i = 0; i < record->inputs_count; i++)
        if (strcmp(record->inputs[i].source, source->table) == 0)
            return &record->inputs[i];
    return NULL;
}

static mr_status hear(const mr_moments *m, const mr_plan_source *source, uint32_t downstream,
                      const mr_epoch_input *input, mr_heard *to, mr_error *err)
{
    const mr_exchange *exchange = source->exchange;
    uint32_t first = first_upstream(m->plan, exchange);
    mr_receiver *receiver = mr_receiver_new(exchange, downstream);
    mr_status status = input != NULL && input->place_length > 0
                           ? mr_receiver_load(receiver, input->place, input->place_length, err)
                           : MR_OK;
    for (uint32_t u = 0; status == MR_OK && u < exchange->upstreams_count; u++) {
        to[u] = (mr_heard){.exchange = exchange,
                           .upstream = u,
                           .task = first + u,
                           .mark = mr_receiver_mark(receiver, u)};
        to[u].is_heard = mr_receiver_heard(receiver, u, &to[u].epoch, &to[u].number);
    }
    mr_receiver_free(receiver);
    return status;
}

mr_status mr_cut_heard(const mr_moments *m, uint32_t task, const mr_epoch_record *record,
                       mr_arena *arena, mr_heard **heard, uint32_t *count, mr_error *err)
{
    const mr_plan *stage = mr_plan_of_task(m->plan, task);
    uint32_t room = 0;
    for (uint32_t s = 0; s < stage->sources_count; s++)
        if (stage->sources[s].exchange != NULL)
            room += stage->sources[s].exchange->upstreams_count;
    *heard = mr_arena_zalloc(arena, room + 1, sizeof **heard);
    *count = 0;
    mr_status status = MR_OK;
    for (uint32_t s = 0; status == MR_OK && s < stage->sources_count; s++) {
        const mr_plan_source *source = &stage->sources[s];
        if (source->exchange == NULL)
            continue;
        status = hear(m, source, task - stage->first_task, input_of(record, source),
                      *heard + *count, err);
        *count += source->exchange->upstreams_count;
    }
    return status;
}

static bool has_upstreams(const mr_plan *job, uint32_t task)
{
    const mr_plan *stage = mr_plan_of_task(job, task);
    for (uint32_t s = 0; s < stage->sources_count; s++)
        if (stage->sources[s].exchange != NULL)
            return true;
    return false;
}

/* The last epoch of the upstream of which everything was heard for certain. */
static uint64_t surely_heard(const mr_heard *heard)
{
    if (!heard->is_heard)
        return 0;
    return heard->number == MR_FRAMES_ALL ? heard->epoch : heard->epoch - 1;
}

/* ---- the first moment of which the log, or a checkpoint, has all ---- */

typedef struct search {
    const mr_moments *moments;
    uint32_t task;
    const mr_moment *first; /* of all tasks; of upstreams they are settled */
    bool has_found;
    uint64_t epoch;
} search;

static mr_status look(search *s, const mr_epoch_record *record, mr_error *err)
{
    mr_arena arena = {0};
    mr_heard *heard;
    uint32_t count;
    mr_status status = mr_cut_heard(s->moments, s->task, record, &arena, &heard, &count, err);
    s->has_found = status == MR_OK;
    s->epoch = record->epoch;
    for (uint32_t i = 0; status == MR_OK && i < count; i++)
        s->has_found = s->has_found && surely_heard(&heard[i]) >= s->first[heard[i].task].epoch;
    mr_arena_release(&arena);
    return status;
}

static mr_status visit(void *context, const mr_history_record *at, bool *is_enough, mr_error *err)
{
    search *s = context;
    if (at->is_claim || at->record->epoch < s->first[s->task].epoch)
        return MR_OK;
    mr_status status = look(s, at->record, err);
    *is_enough = s->has_found;
    return status;
}

static mr_status raise(const mr_moments *m, uint32_t task, mr_moment *found, mr_error *err)
{
    mr_arena arena = {0};
    mr_epoch_record record;
    search s = {.moments = m, .task = task, .first = found};
    mr_history history = {.log = m->log, .clock = m->clock, .topic = m->state_topic, .task = task};
    mr_status status = mr_moment_record(m, task, &found[task], &arena, &record, err);
    if (status == MR_OK)
        status = look(&s, &record, err);
    bool is_good = status == MR_OK && s.has_found;
    mr_arena_release(&arena);
    if (status != MR_OK || is_good)
        return status;
    int64_t from = found[task].offset >= 0 ? found[task].offset : MR_OFFSET_EARLIEST;
    status = mr_history_read(&history, from, -1, visit, &s, err);
    if (status == MR_OK && !s.has_found)
        status = mr_error_set(err, MR_E_MOMENT,
                              "task %" PRIu32 " has heard nothing yet of what the tasks before it "
                              "did since the first epochs that they can be restored at: rows that "
                              "flow through all stages let it hear",
                              task);
    return status == MR_OK
               ? mr_moments_find_task(m, &(mr_point){.kind = MR_POINT_EPOCH, .epoch = s.epoch},
                                      task, &found[task], err)
               : status;
}

/* ---- no task has heard what was not said yet ---- */

/* The last epoch of a task that goes with the moments of those before it. */
typedef struct agreement {
    const mr_moments *moments;
    uint32_t task;
    const mr_moment *found; /* of all tasks; of upstreams they are settled */
    bool has_any;
    uint64_t epoch;
} agreement;

static mr_status agrees(const agreement *a, const mr_epoch_record *record, bool *does,
                        mr_error *err)
{
    mr_arena arena = {0};
    mr_heard *heard;
    uint32_t count;
    mr_status status = mr_cut_heard(a->moments, a->task, record, &arena, &heard, &count, err);
    *does = status == MR_OK;
    for (uint32_t i = 0; status == MR_OK && i < count; i++)
        *does = *does && (!heard[i].is_heard || heard[i].epoch <= a->found[heard[i].task].epoch);
    mr_arena_release(&arena);
    return status;
}

static mr_status visit_agreement(void *context, const mr_history_record *at, bool *is_enough,
                                 mr_error *err)
{
    agreement *a = context;
    bool does;
    if (at->is_claim)
        return MR_OK;
    mr_status status = agrees(a, at->record, &does, err);
    *is_enough = status == MR_OK && !does;
    if (*is_enough)
        return MR_OK;
    a->has_any = true;
    a->epoch = at->record->epoch;
    return status;
}

static mr_status lower(const mr_moments *m, uint32_t task, mr_moment *found, mr_error *err)
{
    mr_arena arena = {0};
    mr_epoch_record record;
    bool does = false;
    agreement a = {.moments = m, .task = task, .found = found};
    mr_history history = {.log = m->log, .clock = m->clock, .topic = m->state_topic, .task = task};
    mr_status status = mr_moment_record(m, task, &found[task], &arena, &record, err);
    if (status == MR_OK)
        status = agrees(&a, &record, &does, err);
    mr_arena_release(&arena);
    if (status != MR_OK || does)
        return status;
    status =
        mr_history_read(&history, MR_OFFSET_EARLIEST, found[task].offset, visit_agreement, &a, err);
    return status == MR_OK
               ? mr_moments_find_task(m, &(mr_point){.kind = MR_POINT_EPOCH, .epoch = a.epoch},
                                      task, &found[task], err)
               : status;
}

static mr_status find_agreeing(const mr_moments *m, const mr_point *point, mr_moment *found,
                               mr_error *err)
{
    mr_status status = mr_moments_find(m, point, found, err);
    for (uint32_t t = 0; status == MR_OK && t < m->plan->tasks_count; t++)
        if (has_upstreams(m->plan, t))
            status = point->kind == MR_POINT_EARLIEST ? raise(m, t, found, err)
                                                      : lower(m, t, found, err);
    return status;
}

/* ---- what has to be played ---- */

typedef struct needs {
    uint64_t *start, *stop; /* [tasks_count] epochs; start UINT64_MAX: nobody asks */
} needs;

/* What one task wants of those before it, between the moments that it is played from and to. */
static mr_status ask(const mr_moments *m, uint32_t task, const mr_cut *cut, needs *n, mr_error *err)
{
    mr_arena arena = {0};
    mr_epoch_record first, last;
    mr_heard *before, *behind;
    uint32_t count = 0;
    mr_status status = mr_moment_record(m, task, &cut->start[task], &arena, &first, err);
    if (status == MR_OK)
        status = mr_moment_record(m, task, &cut->stop[task], &arena, &last, err);
    if (status == MR_OK)
        status = mr_cut_heard(m, task, &first, &arena, &before, &count, err);
    if (status == MR_OK)
        status = mr_cut_heard(m, task, &last, &arena, &behind, &count, err);
    for (uint32_t i = 0; status == MR_OK && i < count; i++) {
        uint32_t upstream = before[i].task;
        uint64_t start = surely_heard(&before[i]);
        if (!behind[i].is_heard || (before[i].is_heard && before[i].epoch == behind[i].epoch &&
                                    before[i].number == behind[i].number))
            continue; /* nothing of it */
        n->start[upstream] = start < n->start[upstream] ? start : n->start[upstream];
        n->stop[upstream] =
            behind[i].epoch > n->stop[upstream] ? behind[i].epoch : n->stop[upstream];
    }
    mr_arena_release(&arena);
    return status;
}

static mr_status move_to(const mr_moments *m, uint32_t task, uint64_t epoch, mr_moment *to,
                         mr_error *err)
{
    mr_point point = {.kind = MR_POINT_EPOCH, .epoch = epoch};
    mr_status status = to->epoch == epoch ? MR_OK : mr_moments_find_task(m, &point, task, to, err);
    return status == MR_OK
               ? MR_OK
               : mr_error_prefix(err,
                                 "task %" PRIu32 " is needed from its epoch %" PRIu64
                                 " on, for later stages have surely heard of no later one (rows "
                                 "that flow through all stages let them hear)",
                                 task, epoch);
}

/* What is in flight to a task is to be sent again. */
static mr_status ask_flight(const mr_moments *m, uint32_t task, const mr_cut *cut, needs *n,
                            mr_error *err)
{
    mr_arena arena = {0};
    mr_epoch_record record;
    mr_heard *heard;
    uint32_t count = 0;
    mr_status status = mr_moment_record(m, task, &cut->to[task], &arena, &record, err);
    if (status == MR_OK)
        status = mr_cut_heard(m, task, &record, &arena, &heard, &count, err);
    for (uint32_t i = 0; status == MR_OK && i < count; i++) {
        uint32_t upstream = heard[i].task;
        uint64_t start = surely_heard(&heard[i]);
        if (start < cut->to[upstream].epoch && start < n->start[upstream])
            n->start[upstream] = start;
    }
    mr_arena_release(&arena);
    return status;
}

/* Stage by stage from the last one: what is played is what later ones want. */
static mr_status widen(const mr_moments *m, bool has_flight, mr_arena *arena, mr_cut *cut,
                       mr_error *err)
{
    uint32_t count = m->plan->tasks_count;
    needs n = {.start = mr_arena_alloc(arena, count * sizeof *n.start),
               .stop = mr_arena_zalloc(arena, count, sizeof *n.stop)};
    memset(n.start, 0xff, count * sizeof *n.start);
    mr_status status = MR_OK;
    for (uint32_t t = count; status == MR_OK && t-- > 0;) {
        if (n.start[t] < cut->start[t].epoch)
            status = move_to(m, t, n.start[t], &cut->start[t], err);
        if (status == MR_OK && n.stop[t] > cut->stop[t].epoch)
            status = move_to(m, t, n.stop[t], &cut->stop[t], err);
        bool has = has_upstreams(m->plan, t);
        if (status == MR_OK && has && has_flight)
            status = ask_flight(m, t, cut, &n, err);
        if (status == MR_OK && has && cut->stop[t].epoch > cut->start[t].epoch)
            status = ask(m, t, cut, &n, err);
    }
    return status;
}

mr_status mr_cut_find(const mr_moments *m, const mr_point *from, const mr_point *to,
                      mr_arena *arena, mr_cut *cut, mr_error *err)
{
    uint32_t count = m->plan->tasks_count;
    cut->from = mr_arena_zalloc(arena, count, sizeof *cut->from);
    cut->to = mr_arena_zalloc(arena, count, sizeof *cut->to);
    mr_status status = find_agreeing(m, from, cut->from, err);
    if (status == MR_OK)
        status = find_agreeing(m, to, cut->to, err);
    if (status != MR_OK)
        return status;
    cut->start = mr_arena_copy(arena, cut->from, count * sizeof *cut->start);
    cut->stop = mr_arena_copy(arena, cut->to, count * sizeof *cut->stop);
    return widen(m, false, arena, cut, err);
}

mr_status mr_cut_find_flight(const mr_moments *m, const mr_point *point, mr_arena *arena,
                             mr_cut *cut, mr_error *err)
{
    uint32_t count = m->plan->tasks_count;
    cut->from = mr_arena_zalloc(arena, count, sizeof *cut->from);
    mr_status status = find_agreeing(m, point, cut->from, err);
    if (status != MR_OK)
        return status;
    cut->to = cut->from;
    cut->start = mr_arena_copy(arena, cut->from, count * sizeof *cut->start);
    cut->stop = mr_arena_copy(arena, cut->from, count * sizeof *cut->stop);
    return widen(m, true, arena, cut, err);
}

mr_status mr_cut_check(const mr_moments *m, const mr_cut *cut, uint32_t task, mr_error *err)
{
    mr_arena arena = {0};
    mr_epoch_record start, stop;
    if (cut->stop[task].moved > cut->start[task].epoch)
        return mr_error_set(
            err, MR_E_MOMENT,
            "task %" PRIu32 " was moved back by its epoch %" PRIu64
            ": name a point in front of that, or behind it%s",
            task, cut->stop[task].moved,
            mr_plan_stages(m->plan) > 1 ? ", when all tasks had heard of each other again" : "");
    if (cut->stop[task].epoch <= cut->start[task].epoch)
        return MR_OK;
    mr_status status = mr_moment_record(m, task, &cut->start[task], &arena, &start, err);
    if (status == MR_OK)
        status = mr_moment_record(m, task, &cut->stop[task], &arena, &stop, err);
    if (status == MR_OK)
        status = mr_moments_check_sources(m, &start, &stop, err);
    mr_arena_release(&arena);
    return status;
}
