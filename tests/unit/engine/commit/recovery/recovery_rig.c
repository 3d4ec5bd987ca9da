#include "tests/unit/engine/commit/recovery/recovery_rig.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define OK(call) cr_assert_eq((call), MR_OK, #call ": %s", rig->err.message)

static void open_writer(recovery_rig *rig, const char *owner)
{
    mr_writer_options options = {.transactional_id = rig->is_transactional ? owner : NULL,
                                 .transaction_timeout_ms = 600000};
    mr_log *outside = rig->world.outside;
    rig->owner = owner;
    OK(outside->class->open_writer(outside, &options, &rig->writer, &rig->err));
}

static void open_state(recovery_rig *rig)
{
    mr_table_layout layout = {
        .name = "t/values", .value_size = 1, .may_leave = rig->state_bytes_max != 0};
    rig->state = mr_state_new(NULL);
    rig->table = mr_state_table(rig->state, &layout);
    mr_pending_init(&rig->pending, NULL);
}

static void close_state(recovery_rig *rig)
{
    mr_state_free(rig->state);
    mr_pending_release(&rig->pending);
    mr_arena_release(&rig->arena);
}

void rig_set_up(recovery_rig *rig, uint64_t seed, bool is_transactional)
{
    *rig = (recovery_rig){
        .is_transactional = is_transactional, .epoch_offset = -1, .transactional_id = "new"};
    mr_sim_world_init(&rig->world, seed, 1, NULL);
    mr_sim_create(&rig->world, RIG_TOPIC, 1);
    open_writer(rig, "old");
    open_state(rig);
    rig->log = mr_sim_connect(&rig->world, 0);
}

void rig_tear_down(recovery_rig *rig)
{
    close_state(rig);
    rig->writer->class->close(rig->writer);
    rig->log->class->close(rig->log);
    mr_sim_world_release(&rig->world);
}

void rig_take_over(recovery_rig *rig, const char *owner)
{
    rig->writer->class->close(rig->writer);
    open_writer(rig, owner);
}

static mr_store_change next_change(const char **text)
{
    const char *at = *text;
    mr_store_change change = {.operation = MR_STORE_PUT, .key = at, .key_length = 1};
    if (*at == '!') {
        change = (mr_store_change){.operation = MR_STORE_DROP_SLICE};
        at += 1;
    } else if (*at == '-') {
        change.operation = MR_STORE_DELETE;
        change.key = at + 1;
        at += 2;
    } else {
        change.value = at + 2;
        change.value_length = 1;
        at += 3;
    }
    *text = *at == ' ' ? at + 1 : at;
    return change;
}

void rig_chunk(recovery_rig *rig, mr_delta_kind kind, const char *changes, mr_buffer *to)
{
    bool is_delta = kind == MR_DELTA_CHUNK;
    uint32_t *number = is_delta ? &rig->delta_chunks : &rig->base_chunks;
    mr_delta_header header = {.kind = kind, .epoch = rig->epoch + 1, .chunk = (*number)++};
    size_t start = to->length;
    mr_delta_begin(to, &header);
    while (*changes != '\0') {
        mr_store_change change = next_change(&changes);
        mr_delta_put_change(to, &change);
    }
    uint32_t *check = is_delta ? &rig->delta_check : &rig->base_check;
    *check = mr_delta_mix(*check, mr_delta_seal(to, start));
}

static void begin(recovery_rig *rig)
{
    if (rig->is_transactional)
        OK(rig->writer->class->begin(rig->writer, &rig->err));
}

static void produce(recovery_rig *rig, const char *bytes, size_t length)
{
    mr_log_record record = {.value = bytes, .value_length = length, .timestamp_ms = MR_TIME_NONE};
    OK(rig->writer->class->produce(rig->writer, RIG_TOPIC, 0, &record, 1, &rig->err));
    OK(rig->writer->class->flush(rig->writer, 1000, &rig->err));
}

/* An epoch begins; chunks of former tries do not count. */
static void begin_try(recovery_rig *rig)
{
    rig->delta_chunks = rig->base_chunks = rig->delta_check = rig->base_check = 0;
    begin(rig);
}

static void commit(recovery_rig *rig)
{
    if (rig->is_transactional)
        OK(rig->writer->class->commit(rig->writer, &rig->err));
}

static void produce_chunk(recovery_rig *rig, mr_delta_kind kind, const char *changes)
{
    mr_buffer bytes = {0};
    rig_chunk(rig, kind, changes, &bytes);
    produce(rig, bytes.data, bytes.length);
    mr_buffer_release(&bytes);
}

static void produce_chunks(recovery_rig *rig, mr_delta_kind kind, const char *first,
                           const char *second)
{
    if (first != NULL)
        produce_chunk(rig, kind, first);
    if (second != NULL)
        produce_chunk(rig, kind, second);
}

/* The epoch or claim record; its checksum. */
static uint32_t produce_record(recovery_rig *rig, mr_delta_kind kind, uint32_t content,
                               const mr_epoch_record *record)
{
    mr_buffer bytes = {0};
    mr_delta_header header = {.kind = kind, .epoch = record->epoch, .chunk = content};
    mr_delta_begin(&bytes, &header);
    mr_epoch_record_encode(record, &bytes);
    uint32_t checksum = mr_delta_seal(&bytes, 0);
    produce(rig, bytes.data, bytes.length);
    mr_buffer_release(&bytes);
    return checksum;
}

static mr_epoch_record record_of(const recovery_rig *rig, uint64_t epoch)
{
    return (mr_epoch_record){.job = "job",
                             .plan_version = RIG_PLAN + rig->is_other_plan,
                             .epoch = epoch,
                             .previous_offset = rig->epoch_offset,
                             .previous_checksum = rig->epoch_checksum,
                             .transactional_id = rig->owner};
}

void rig_put_epoch(recovery_rig *rig, const rig_epoch *epoch)
{
    mr_epoch_record record = record_of(rig, rig->epoch + 1);
    record.has_base = epoch->base != NULL;
    begin_try(rig);
    produce_chunks(rig, MR_DELTA_CHUNK, epoch->changes, epoch->more);
    produce_chunks(rig, MR_DELTA_BASE, epoch->base, epoch->more_base);
    record.delta_chunks = rig->delta_chunks;
    record.base_chunks = rig->base_chunks;
    if (epoch->alter != NULL)
        epoch->alter(&record);
    uint32_t content = mr_delta_content(rig->delta_check, rig->base_check) ^ epoch->is_of_others;
    rig->epoch_checksum = produce_record(rig, MR_DELTA_EPOCH, content, &record);
    rig->epoch_offset = rig->writer->class->last_offset(rig->writer, RIG_TOPIC, 0);
    rig->epoch++;
    commit(rig);
}

void rig_put(recovery_rig *rig, const char *changes)
{
    rig_put_epoch(rig, &(rig_epoch){.changes = changes});
}

void rig_put_claim(recovery_rig *rig)
{
    mr_epoch_record record = record_of(rig, rig->epoch);
    begin(rig);
    produce_record(rig, MR_DELTA_CLAIM, 0, &record);
    commit(rig);
}

void rig_put_bytes(recovery_rig *rig, const char *bytes, size_t length)
{
    begin(rig);
    produce(rig, bytes, length);
    commit(rig);
}

void rig_open(recovery_rig *rig, const char *changes)
{
    begin_try(rig);
    produce_chunk(rig, MR_DELTA_CHUNK, changes);
}

void rig_add(recovery_rig *rig, const char *changes)
{
    produce_chunk(rig, MR_DELTA_CHUNK, changes);
}

void rig_trim(recovery_rig *rig, int64_t offset)
{
    mr_log *outside = rig->world.outside;
    OK(outside->class->trim(outside, RIG_TOPIC, 0, offset, &rig->err));
}

void rig_forget_log(recovery_rig *rig)
{
    mr_log *outside = rig->world.outside;
    rig->writer->class->close(rig->writer);
    OK(outside->class->delete_topic(outside, RIG_TOPIC, &rig->err));
    mr_sim_create(&rig->world, RIG_TOPIC, 1);
    rig->epoch = 0;
    rig->epoch_offset = -1;
    rig->epoch_checksum = 0;
    open_writer(rig, "old");
}

/* A process that died is started again; its state is gone. */
static void live_again(recovery_rig *rig)
{
    rig->log->class->close(rig->log);
    rig->log = mr_sim_connect(&rig->world, 0);
    rig->world.worker[0].process.crash_at = 0;
}

static mr_status breathe(void *context, mr_error *err)
{
    recovery_rig *rig = context;
    if (rig->breath_limit == 0 || ++rig->breaths < rig->breath_limit)
        return MR_OK;
    return mr_error_set_recovery(err, MR_E_INTERRUPTED, MR_RECOVERY_RETRY, "out of breath");
}

static mr_status open_store(mr_store_factory *factory, const char *job, uint32_t task,
                            mr_local_store **store, mr_error *err)
{
    recovery_rig *rig = (recovery_rig *)(void *)((char *)factory - offsetof(recovery_rig, stores));
    mr_store_factory *under = mr_sim_stores(&rig->world, 0);
    mr_status status = under->open(under, job, task, store, err);
    if (status != MR_OK)
        return status;
    if (rig->sound_class == NULL)
        rig->sound_class = (*store)->class;
    (*store)->class = rig->sound_class;
    if (rig->on_open != NULL)
        rig->on_open(rig, *store);
    return MR_OK;
}

static mr_store_factory *stores_of(recovery_rig *rig)
{
    rig->stores = *mr_sim_stores(&rig->world, 0);
    rig->stores.open = open_store;
    return rig->has_no_store ? NULL : &rig->stores;
}

static mr_status break_off(mr_blobs *blobs, const char *name, const mr_blob_target *target,
                           mr_error *err)
{
    (void)blobs, (void)name, (void)target;
    return mr_error_set_recovery(err, MR_E_INTERRUPTED, MR_RECOVERY_RETRY, "out of breath");
}

static mr_blobs *open_blobs(recovery_rig *rig)
{
    if (!rig->has_blobs)
        return NULL;
    mr_blobs *blobs = mr_sim_blobs_open(rig->world.blobs, mr_sim_process(&rig->world, 0));
    rig->blobs_class = *blobs->class;
    if (rig->breaks_off_downloads)
        rig->blobs_class.get = break_off;
    blobs->class = &rig->blobs_class;
    return blobs;
}

static mr_status recover(recovery_rig *rig)
{
    if (rig->world.worker[0].process.is_dead)
        live_again(rig);
    close_state(rig);
    open_state(rig);
    mr_blobs *blobs = open_blobs(rig);
    mr_recovery_request request = {.log = rig->log,
                                   .stores = stores_of(rig),
                                   .clock = mr_sim_clock(&rig->world),
                                   .job = "job",
                                   .topic = RIG_TOPIC,
                                   .plan_version = RIG_PLAN + rig->is_other_plan,
                                   .is_transactional = rig->is_transactional,
                                   .transactional_id = rig->transactional_id,
                                   .state = rig->state,
                                   .pending = &rig->pending,
                                   .arena = &rig->arena,
                                   .tells_own = rig->tells_own,
                                   .blobs = blobs,
                                   .checkpoint = rig->checkpoint,
                                   .distrusts_store = rig->distrusts_store,
                                   .load_entries_max = rig->load_entries_max,
                                   .breath = {breathe, rig},
                                   .state_bytes_max = rig->state_bytes_max};
    rig->err = (mr_error){0};
    rig->breaths = 0;
    mr_status status = mr_recovery_run(&request, &rig->recovered, &rig->err);
    if (blobs != NULL)
        blobs->class->close(blobs);
    return status;
}

static mr_status show(void *context, const mr_store_change *entry, mr_error *err)
{
    (void)err;
    recovery_rig *rig = context;
    size_t used = strlen(rig->text);
    snprintf(rig->text + used, sizeof rig->text - used, "%s%c=%c", used > 0 ? " " : "",
             entry->key[0], entry->value[0]);
    return MR_OK;
}

/* The store goes, and what is in it alone with it: the state's text is made before. */
static void close_store(recovery_rig *rig)
{
    rig->text[0] = '\0';
    mr_state_place place = {0};
    const bool *is_dead = &rig->world.worker[0].process.is_dead;
    if (rig->recovered.store != NULL && !*is_dead)
        cr_expect(mr_state_next(rig->state, &place, SIZE_MAX, show, rig, &rig->err) == MR_OK ||
                  *is_dead);
    mr_buffer_release(&place.key);
    if (rig->recovered.store != NULL)
        rig->recovered.store->class->close(rig->recovered.store);
    rig->recovered.store = NULL;
}

mr_status rig_recover(recovery_rig *rig)
{
    mr_status status = recover(rig);
    cr_expect(status == MR_OK || rig->recovered.store == NULL, "a failed recovery keeps no store");
    close_store(rig);
    return status;
}

void rig_recover_and_apply(recovery_rig *rig)
{
    OK(recover(rig));
    mr_local_store *store = rig->recovered.store;
    OK(mr_pending_apply(&rig->pending, store, &rig->err));
    OK(store->class->flush(store, &rig->err));
    close_store(rig);
}

const char *rig_state(recovery_rig *rig)
{
    if (rig->has_no_store) {
        rig->text[0] = '\0';
        OK(mr_state_entries(rig->state, show, rig, &rig->err));
    }
    cr_expect_not(mr_state_is_dirty(rig->state), "what was restored is committed");
    return rig->text;
}
