/* What a new writer does first, and any behind an abort: no transaction of its id may hang where it
 * will write, for its next marker would decide about that one too.
 *
 * What is still open behind the cure is somebody else's, who ends it within his interval, or the
 * markers of the cure were left out as well, as at a broker that comes and goes. So it is looked
 * again, after 10 ms and twice as long each time; what is open for all that time is taken for
 * somebody else's. */
#include "engine/commit/hanging.h"

#include "engine/run/worker/private.h"

#define LOOKS_MAX 7u /* 630 ms */
#define PAUSE_MS 10
#define OWNERS_CURES_MAX 5u

static uint32_t add(mr_log_ends *places, uint32_t count, const char *topic, int32_t partitions)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(places[i].topic, topic) == 0)
            return count;
    for (int32_t p = 0; p < partitions; p++)
        places[count++] = (mr_log_ends){.topic = topic, .partition = p};
    return count;
}

mr_log_ends *mr_worker_places(const mr_worker *worker, mr_arena *arena, uint32_t *count)
{
    const mr_plan *plan = worker->plan;
    size_t room = worker->tasks_count;
    for (uint32_t s = 0; s < plan->sources_count; s++)
        if (plan->sources[s].exchange != NULL)
            room += plan->sources[s].exchange->downstreams_count;
    for (uint32_t i = 0; i < worker->outputs_count; i++)
        room += (size_t)worker->outputs[i].partitions;
    for (uint32_t i = 0; i < worker->dlqs_count; i++)
        room += (size_t)worker->dlqs[i].partitions;
    mr_log_ends *places = mr_arena_alloc(arena, (room + 1) * sizeof *places);
    *count = 0;
    for (uint32_t s = 0; s < plan->sources_count; s++)
        if (plan->sources[s].exchange != NULL)
            *count = add(places, *count, plan->sources[s].exchange->topic,
                         (int32_t)plan->sources[s].exchange->downstreams_count);
    for (uint32_t i = 0; i < worker->outputs_count; i++)
        *count = add(places, *count, worker->outputs[i].topic, worker->outputs[i].partitions);
    for (uint32_t i = 0; i < worker->dlqs_count; i++)
        *count = add(places, *count, worker->dlqs[i].topic, worker->dlqs[i].partitions);
    for (uint32_t t = 0; t < worker->tasks_count; t++)
        places[(*count)++] = (mr_log_ends){.topic = worker->state_topic,
                                           .partition = (int32_t)worker->tasks[t].index};
    return places;
}

static mr_status end_in(mr_worker *worker, mr_log_writer *writer, mr_log_ends *places,
                        uint32_t count, mr_hanging_found *found, mr_error *err)
{
    mr_log_offset offset = {
        .topic = worker->state_topic, .partition = (int32_t)worker->tasks[0].index, .offset = 0};
    mr_hanging_request request = {.log = worker->config.log,
                                  .writer = writer,
                                  .member = worker->member,
                                  .offset = &offset,
                                  .logger =
                                      worker->hanging_looks == 0 ? worker->config.logger : NULL,
                                  .job = worker->plan->job,
                                  .is_group_held = worker->is_group_held};
    return mr_hanging_end(&request, places, count, found, err);
}

static mr_status end_as(mr_worker *worker, const char *id, mr_log_ends *places, uint32_t count,
                        mr_error *err)
{
    mr_log *log = worker->config.log;
    mr_writer_options options = {.transactional_id = id, .knock_first = true};
    mr_log_writer *writer = NULL;
    mr_hanging_found found;
    mr_status status = log->class->open_writer(log, &options, &writer, err);
    if (status != MR_OK)
        return status;
    mr_logger_line(worker->config.logger, MR_LOG_WARN,
                   "writer fenced that may hold %s, for a task was taken over from it job=%s id=%s",
                   count > 0 ? "what it wrote" : "offsets of the group", worker->plan->job, id);
    worker->owners_fenced++;
    status = end_in(worker, writer, places, count, &found, err);
    writer->class->close(writer);
    return status;
}

mr_status mr_worker_end_hanging_of(mr_worker *worker, const char *id, mr_log_ends *places,
                                   uint32_t count, mr_error *err)
{
    mr_status status = end_as(worker, id, places, count, err);
    /* Fenced, most likely: another heir is at it. That says nothing about our own writer. */
    bool is_of_writer = status != MR_OK &&
                        (err->recovery == MR_RECOVERY_WRITER || err->recovery == MR_RECOVERY_EPOCH);
    return is_of_writer ? MR_OK : status;
}

/* Offsets of the group that whoever had our tasks left behind: only under his id can they be
 * ended. He is fenced by that, and loses an epoch if he lives. */
static mr_status free_offsets(mr_worker *worker, mr_error *err)
{
    mr_status status = MR_OK;
    for (uint32_t i = 0; status == MR_OK && i < worker->owners.count; i++)
        status = mr_worker_end_hanging_of(worker, worker->owners.ids[i], NULL, 0, err);
    return status;
}

/* Ours alone at first. Then a few times in a row, for the cure's markers may be left out as well,
 * and ever more rarely: offsets may be somebody's whose name nobody knows, and then the owners live
 * and are fenced for nothing. */
static bool is_turn_of_owners(uint32_t cures)
{
    return cures > 1 && (cures <= OWNERS_CURES_MAX || (cures & (cures - 1)) == 0);
}

static mr_status look(mr_worker *worker, mr_hanging_found *found, mr_error *err)
{
    mr_arena arena = {0};
    uint32_t count;
    mr_log_ends *places = mr_worker_places(worker, &arena, &count);
    mr_status status = end_in(worker, worker->writer, places, count, found, err);
    if (status == MR_OK && worker->is_group_held && is_turn_of_owners(++worker->group_cures))
        status = free_offsets(worker, err);
    if (status == MR_OK)
        worker->is_group_held = false;
    /* All of them were there a moment ago: not every broker knows yet of a topic just made. */
    if (status == MR_E_KAFKA_TOPIC_MISSING)
        err->recovery = MR_RECOVERY_RETRY;
    mr_arena_release(&arena);
    return status;
}

static mr_status look_once(mr_worker *worker, mr_error *err)
{
    if (worker->config.sabotage.let_hang) {
        worker->may_hang = false;
        return MR_OK;
    }
    mr_hanging_found found;
    mr_status status = look(worker, &found, err);
    if (status != MR_OK) {
        mr_worker_close_writer(worker);
        worker->may_hang = false; /* the next one will look */
        return status;
    }
    worker->hanging_ended += found.open - found.left;
    worker->may_hang = found.left > 0 && ++worker->hanging_looks < LOOKS_MAX;
    if (!worker->may_hang)
        worker->hanging_looks = 0;
    return MR_OK;
}

static int32_t pause_ms(const mr_worker *worker)
{
    return PAUSE_MS << (worker->hanging_looks - 1);
}

mr_status mr_worker_end_hanging(mr_worker *worker, mr_error *err)
{
    mr_status status = look_once(worker, err);
    return status == MR_OK && worker->may_hang
               ? mr_worker_poll_member(worker, pause_ms(worker), err)
               : status;
}

/* A worker that has written nothing yet need not wait for what is open: most of it is of who had
 * the task, whom the restore fences. */
bool mr_worker_may_restore_first(const mr_worker *worker)
{
    bool has_kept = false;
    for (uint32_t t = 0; t < worker->tasks_count; t++)
        has_kept = has_kept || worker->tasks[t].task != NULL;
    return worker->hanging_looks > 0 && worker->held_tries == 0 && !has_kept;
}

mr_status mr_worker_finish_hanging(mr_worker *worker, mr_error *err)
{
    mr_status status = MR_OK;
    while (status == MR_OK && worker->may_hang) {
        if (worker->owners.count > 0)
            status = mr_worker_look_at_owners(worker, err);
        if (status == MR_OK)
            status = look_once(worker, err);
        if (status == MR_OK && worker->may_hang)
            status = mr_worker_pause(worker, pause_ms(worker), err);
    }
    return status;
}
