#include "jobs/fleet/board.h"

#include "engine/base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FETCH_ROWS 512
#define ENDS_TIMEOUT_MS 5000
#define MADE_WAIT_MS 50
#define MADE_TRIES 200
#define QUIET_MAX 200 /* looks at the end without a record, 50 ms each */
#define FLUSH_TIMEOUT_MS 30000
#define KEY_MAX 1024
#define WISH_PREFIX "job/"
#define STATUS_PREFIX "status/"

static char *copy(const char *text, size_t length)
{
    char *made = malloc(length + 1);
    MR_ASSERT(made != NULL);
    memcpy(made, text, length);
    made[length] = '\0';
    return made;
}

/* Not every broker knows yet of a topic that another worker has just made. */
static mr_status begin(mr_board *board, mr_error *err)
{
    const mr_reader_class *class = board->reader->class;
    mr_status status = MR_E_KAFKA_TOPIC_MISSING;
    for (int tries = 0; tries < MADE_TRIES && status == MR_E_KAFKA_TOPIC_MISSING; tries++) {
        if (tries > 0)
            nanosleep(&(struct timespec){.tv_nsec = MADE_WAIT_MS * 1000000}, NULL);
        status = class->add(board->reader, 0, board->topic, 0, MR_OFFSET_EARLIEST, err);
    }
    return status;
}

mr_status mr_board_open(mr_board *board, mr_log *log, const mr_logger *logger, const char *fleet,
                        bool must_create, mr_error *err)
{
    *board = (mr_board){.log = log, .logger = logger};
    board->topic = malloc(strlen(fleet) + sizeof ".jobs");
    MR_ASSERT(board->topic != NULL);
    sprintf(board->topic, "%s.jobs", fleet);
    mr_topic_facts facts;
    mr_status status = log->class->describe(log, board->topic, &facts, err);
    if (status == MR_OK && !facts.exists && !must_create)
        status = mr_error_set(err, MR_E_KAFKA_TOPIC_MISSING,
                              "there is no fleet `%s`: topic `%s` does not exist; the first "
                              "`millrace worker --fleet %s` or `submit` makes it",
                              fleet, board->topic, fleet);
    static const char *const configs[] = {"cleanup.policy", "compact", NULL};
    if (status == MR_OK && !facts.exists) {
        status = log->class->create_topic(log, board->topic, 1, configs, err);
        if (status == MR_E_KAFKA_TOPIC_EXISTS)
            status = MR_OK;
    }
    if (status == MR_OK)
        status = log->class->open_reader(log, &board->reader, err);
    if (status == MR_OK)
        status = begin(board, err);
    if (status != MR_OK)
        mr_board_close(board);
    return status;
}

static void free_job(mr_board_job *job)
{
    for (uint32_t i = 0; i < job->statuses_count; i++) {
        free(job->statuses[i].instance);
        mr_arena_release(&job->statuses[i].arena);
    }
    free(job->statuses);
    free(job->name);
    mr_arena_release(&job->arena);
}

void mr_board_close(mr_board *board)
{
    if (board->reader != NULL)
        board->reader->class->close(board->reader);
    if (board->writer != NULL)
        board->writer->class->close(board->writer);
    for (uint32_t i = 0; i < board->jobs_count; i++)
        free_job(&board->jobs[i]);
    free(board->jobs);
    free(board->topic);
    *board = (mr_board){0};
}

/* ---- reading ---- */

static mr_board_job *job_of(mr_board *board, const char *name, size_t length)
{
    uint32_t at = 0;
    for (; at < board->jobs_count; at++) {
        int order = strncmp(board->jobs[at].name, name, length);
        if (order == 0 && board->jobs[at].name[length] == '\0')
            return &board->jobs[at];
        if (order >= 0)
            break;
    }
    board->jobs = realloc(board->jobs, (board->jobs_count + 1) * sizeof *board->jobs);
    MR_ASSERT(board->jobs != NULL);
    memmove(&board->jobs[at + 1], &board->jobs[at], (board->jobs_count - at) * sizeof *board->jobs);
    board->jobs_count++;
    board->jobs[at] = (mr_board_job){
        .name = copy(name, length), .wish_offset = -1, .overwritten = {.offset = -1}};
    return &board->jobs[at];
}

static void drop_if_empty(mr_board *board, mr_board_job *job)
{
    if (job->has_wish || job->statuses_count > 0)
        return;
    uint32_t at = (uint32_t)(job - board->jobs);
    free_job(job);
    board->jobs_count--;
    memmove(job, job + 1, (board->jobs_count - at) * sizeof *job);
}

static mr_status take_wish(mr_board *board, const char *name, const mr_record *record,
                           mr_error *err)
{
    mr_board_job *job = job_of(board, name, strlen(name));
    mr_arena arena = {0};
    mr_wish wish = {0};
    mr_status status = MR_OK;
    if (record->value != NULL)
        status = mr_wish_decode(record->value, record->value_length, &arena, &wish, err);
    if (status != MR_OK) {
        mr_arena_release(&arena);
    } else {
        job->overwritten =
            (struct mr_board_overwritten){.offset = job->wish_offset,
                                          .plan_version = job->wish.plan_version,
                                          .was_delete = job->wish.kind == MR_WISH_DELETE};
        mr_arena_release(&job->arena);
        job->arena = arena;
        job->wish = wish;
        job->wish_offset = record->offset;
        job->has_wish = record->value != NULL;
    }
    drop_if_empty(board, job);
    return status;
}

static void drop_status(mr_board_job *job, uint32_t at)
{
    free(job->statuses[at].instance);
    mr_arena_release(&job->statuses[at].arena);
    job->statuses_count--;
    memmove(&job->statuses[at], &job->statuses[at + 1],
            (job->statuses_count - at) * sizeof *job->statuses);
}

static void put_status(mr_board_job *job, uint32_t at, const char *instance,
                       const mr_fleet_status *status, mr_arena arena)
{
    if (at == job->statuses_count) {
        job->statuses = realloc(job->statuses, (at + 1) * sizeof *job->statuses);
        MR_ASSERT(job->statuses != NULL);
        job->statuses[at] = (struct mr_board_status){.instance = copy(instance, strlen(instance))};
        job->statuses_count++;
    }
    mr_arena_release(&job->statuses[at].arena);
    job->statuses[at].arena = arena;
    job->statuses[at].status = *status;
}

/* `name`: "<job>/<instance>"; neither holds a slash. */
static mr_status take_status(mr_board *board, const char *name, const mr_record *record,
                             mr_error *err)
{
    const char *slash = strrchr(name, '/');
    if (slash == NULL)
        return mr_error_set(err, MR_E_FLEET_RECORD, "a status of no worker");
    mr_arena arena = {0};
    mr_fleet_status decoded;
    mr_status status = MR_OK;
    if (record->value != NULL)
        status = mr_fleet_status_decode(record->value, record->value_length, &arena, &decoded, err);
    if (status != MR_OK) {
        mr_arena_release(&arena);
        return status;
    }
    mr_board_job *job = job_of(board, name, (size_t)(slash - name));
    uint32_t at = 0;
    while (at < job->statuses_count && strcmp(job->statuses[at].instance, slash + 1) != 0)
        at++;
    if (record->value != NULL)
        put_status(job, at, slash + 1, &decoded, arena);
    else if (at < job->statuses_count)
        drop_status(job, at);
    drop_if_empty(board, job);
    return MR_OK;
}

static void take(mr_board *board, const mr_record *record)
{
    char key[KEY_MAX];
    mr_error err;
    mr_status status = MR_OK;
    board->changes++;
    if (record->key == NULL || record->key_length >= sizeof key)
        return;
    memcpy(key, record->key, record->key_length);
    key[record->key_length] = '\0';
    if (strncmp(key, WISH_PREFIX, strlen(WISH_PREFIX)) == 0)
        status = take_wish(board, key + strlen(WISH_PREFIX), record, &err);
    else if (strncmp(key, STATUS_PREFIX, strlen(STATUS_PREFIX)) == 0)
        status = take_status(board, key + strlen(STATUS_PREFIX), record, &err);
    if (status != MR_OK)
        mr_logger_line(board->logger, MR_LOG_WARN,
                       "record passed over topic=%s offset=%" PRId64 " key=%s code=MR%d "
                       "reason=\"%s\"",
                       board->topic, record->offset, key, status, err.message);
}

mr_status mr_board_poll(mr_board *board, int32_t timeout_ms, mr_error *err)
{
    mr_records records = {0};
    mr_status status =
        board->reader->class->fetch(board->reader, FETCH_ROWS, timeout_ms, &records, err);
    if (status != MR_OK)
        return err->recovery == MR_RECOVERY_RETRY ? MR_OK : status;
    for (uint32_t i = 0; i < records.count; i++)
        take(board, &records.record[i]);
    return MR_OK;
}

mr_status mr_board_catch_up(mr_board *board, mr_error *err)
{
    for (int quiet = 0; quiet < QUIET_MAX; quiet++) {
        uint64_t before = board->changes;
        mr_status status = mr_board_poll(board, 50, err);
        if (status != MR_OK)
            return status;
        if (board->changes != before) {
            quiet = 0;
            continue;
        }
        mr_input_ends ends;
        status = board->reader->class->ends(board->reader, 0, ENDS_TIMEOUT_MS, &ends, err);
        if (status == MR_OK && ends.position >= ends.stable_end && !ends.is_buffered)
            return MR_OK;
        if (status != MR_OK && err->recovery != MR_RECOVERY_RETRY)
            return status;
    }
    return mr_error_set(err, MR_E_KAFKA_TIMEOUT, "topic `%s` cannot be read to its end",
                        board->topic);
}

const mr_board_job *mr_board_job_of(const mr_board *board, const char *name)
{
    for (uint32_t i = 0; i < board->jobs_count; i++)
        if (strcmp(board->jobs[i].name, name) == 0)
            return &board->jobs[i];
    return NULL;
}

bool mr_board_job_is_down(const mr_board_job *job, int64_t now_ms)
{
    for (uint32_t i = 0; i < job->statuses_count; i++) {
        const mr_fleet_status *status = &job->statuses[i].status;
        if (job->has_wish && status->version == job->wish.version &&
            now_ms - status->written_ms < MR_FLEET_SILENT_MS &&
            (status->state == MR_FLEET_FAILED || status->state == MR_FLEET_REFUSED))
            return true;
    }
    return false;
}

/* ---- writing ---- */

/* `value` NULL: the key goes. */
static mr_status put(mr_board *board, const char *key, const mr_buffer *value, mr_error *err)
{
    mr_status status = MR_OK;
    if (board->writer == NULL)
        status = board->log->class->open_writer(board->log, &(mr_writer_options){0}, &board->writer,
                                                err);
    if (status != MR_OK)
        return status;
    mr_log_record record = {.key = key,
                            .key_length = strlen(key),
                            .value = value != NULL ? value->data : NULL,
                            .value_length = value != NULL ? value->length : 0,
                            .timestamp_ms = MR_TIME_NONE};
    mr_log_writer *writer = board->writer;
    status = writer->class->produce(writer, board->topic, 0, &record, 1, err);
    if (status == MR_OK)
        status = writer->class->flush(writer, FLUSH_TIMEOUT_MS, err);
    if (status != MR_OK) { /* what came of it is not known: the next one starts anew */
        writer->class->close(writer);
        board->writer = NULL;
    }
    return status;
}

mr_status mr_board_put_wish(mr_board *board, const mr_wish *wish, mr_error *err)
{
    char key[KEY_MAX];
    snprintf(key, sizeof key, WISH_PREFIX "%s", wish->job);
    mr_buffer value = {0};
    mr_wish_encode(wish, &value);
    mr_status status = put(board, key, &value, err);
    mr_buffer_release(&value);
    return status;
}

/* What the other command wrote may have had its workers already. */
static mr_status compare(const mr_board *board, const mr_wish *mine, int64_t offset, int64_t seen,
                         mr_error *err)
{
    const mr_board_job *job = mr_board_job_of(board, mine->job);
    const char *stands = NULL;
    if (job == NULL || !job->has_wish)
        stands = "the job is removed";
    else if (job->wish_offset != offset && !mr_wish_is_same(&job->wish, mine))
        stands = "its wish stands, not this one";
    else if (job->wish_offset == offset && job->overwritten.offset != seen &&
             (job->overwritten.was_delete || job->overwritten.plan_version != mine->plan_version))
        stands = "this wish stands over one of another plan, whose state may be there";
    if (stands == NULL)
        return MR_OK;
    return mr_error_set(err, MR_E_FLEET_JOB,
                        "another command wrote to job `%s` at the same time: %s; see `millrace "
                        "status %s`",
                        mine->job, stands, mine->job);
}

mr_status mr_board_settle_wish(mr_board *board, const mr_wish *wish, mr_error *err)
{
    const mr_board_job *job = mr_board_job_of(board, wish->job);
    int64_t seen = job != NULL ? job->wish_offset : -1;
    mr_wish mine; /* with strings of its own: `wish` may have those of the board, which go */
    mr_arena arena = {0};
    mr_buffer bytes = {0};
    mr_wish_encode(wish, &bytes);
    mr_status status = mr_wish_decode(bytes.data, bytes.length, &arena, &mine, err);
    if (status == MR_OK)
        status = mr_board_put_wish(board, &mine, err);
    int64_t offset = -1;
    if (status == MR_OK) {
        offset = board->writer->class->last_offset(board->writer, board->topic, 0);
        status = mr_board_catch_up(board, err);
    }
    if (status == MR_OK)
        status = compare(board, &mine, offset, seen, err);
    mr_buffer_release(&bytes);
    mr_arena_release(&arena);
    return status;
}

mr_status mr_board_put_status(mr_board *board, const mr_fleet_status *status, mr_error *err)
{
    char key[KEY_MAX];
    snprintf(key, sizeof key, STATUS_PREFIX "%s/%s", status->job, status->instance);
    mr_buffer value = {0};
    mr_fleet_status_encode(status, &value);
    mr_status done = put(board, key, &value, err);
    mr_buffer_release(&value);
    return done;
}

mr_status mr_board_remove_wish(mr_board *board, const char *job, mr_error *err)
{
    char key[KEY_MAX];
    snprintf(key, sizeof key, WISH_PREFIX "%s", job);
    return put(board, key, NULL, err);
}

mr_status mr_board_remove_status(mr_board *board, const char *job, const char *instance,
                                 mr_error *err)
{
    char key[KEY_MAX];
    snprintf(key, sizeof key, STATUS_PREFIX "%s/%s", job, instance);
    return put(board, key, NULL, err);
}
