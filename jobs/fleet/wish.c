#include "jobs/fleet/wish.h"

#include "engine/base/assert.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = {"run", "stop", "delete", "drain"};
static const char *const states[] = {"starting", "running", "stopped",
                                     "finished", "failed",  "refused"};

const char *mr_wish_kind_name(mr_wish_kind kind)
{
    return kinds[kind];
}

uint32_t mr_wish_format_of(mr_wish_kind kind)
{
    return kind == MR_WISH_DRAIN ? MR_FLEET_FORMAT_DRAIN : 1;
}

const char *mr_fleet_state_name(mr_fleet_state state)
{
    return states[state];
}

bool mr_wish_is_same(const mr_wish *a, const mr_wish *b)
{
    if (a->plan_format != b->plan_format || a->kind != b->kind ||
        a->plan_version != b->plan_version || a->settings_count != b->settings_count ||
        strcmp(a->sql, b->sql) != 0)
        return false;
    for (uint32_t i = 0; i < a->settings_count; i++)
        if (strcmp(a->settings[i], b->settings[i]) != 0)
            return false;
    return true;
}

static void put(json_t *object, const char *name, json_t *value)
{
    MR_ASSERT(value != NULL && json_object_set_new(object, name, value) == 0);
}

/* A job's text may hold any bytes; what is no UTF-8 cannot be in JSON, and in no SQL that
 * passed. */
static json_t *text(const char *value)
{
    json_t *made = json_string(value != NULL ? value : "");
    return made != NULL ? made : json_string("");
}

static void finish(json_t *object, mr_buffer *to)
{
    char *bytes = json_dumps(object, JSON_COMPACT);
    MR_ASSERT(bytes != NULL);
    mr_buffer_put(to, bytes, strlen(bytes));
    free(bytes);
    json_decref(object);
}

void mr_wish_encode(const mr_wish *wish, mr_buffer *to)
{
    char plan[24];
    snprintf(plan, sizeof plan, "%016" PRIx64, wish->plan_version);
    json_t *object = json_object();
    put(object, "job", text(wish->job));
    put(object, "version", json_integer((json_int_t)wish->version));
    put(object, "wish", text(kinds[wish->kind]));
    put(object, "plan_format", json_integer(wish->plan_format));
    put(object, "plan_version", text(plan));
    json_t *settings = json_array();
    for (uint32_t i = 0; i < wish->settings_count; i++)
        MR_ASSERT(json_array_append_new(settings, text(wish->settings[i])) == 0);
    put(object, "settings", settings);
    put(object, "written_by", text(wish->written_by));
    put(object, "written_ms", json_integer(wish->written_ms));
    put(object, "sql", text(wish->sql));
    finish(object, to);
}

void mr_fleet_status_encode(const mr_fleet_status *status, mr_buffer *to)
{
    json_t *object = json_object();
    put(object, "job", text(status->job));
    put(object, "instance", text(status->instance));
    put(object, "version", json_integer((json_int_t)status->version));
    put(object, "state", text(states[status->state]));
    put(object, "tasks", json_integer(status->tasks));
    put(object, "records_in", json_integer((json_int_t)status->records_in));
    put(object, "rows_out", json_integer((json_int_t)status->rows_out));
    put(object, "late", json_integer((json_int_t)status->late));
    put(object, "dead", json_integer((json_int_t)status->dead));
    put(object, "lag", json_integer(status->lag));
    put(object, "code", json_integer(status->code));
    put(object, "message", text(status->message));
    if (status->checkpoint_code != 0) {
        put(object, "checkpoint_code", json_integer(status->checkpoint_code));
        put(object, "checkpoint_message", text(status->checkpoint_message));
    }
    put(object, "written_ms", json_integer(status->written_ms));
    finish(object, to);
}

/* ---- decoding ---- */

static mr_status open(const char *bytes, size_t length, json_t **object, mr_error *err)
{
    json_error_t why;
    *object = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &why);
    if (json_is_object(*object))
        return MR_OK;
    json_decref(*object);
    return mr_error_set(err, MR_E_FLEET_RECORD, "no JSON object: %s",
                        *object == NULL ? why.text : "another value");
}

static const char *text_of(json_t *object, const char *name, mr_arena *arena)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value != NULL ? mr_arena_string(arena, value, strlen(value)) : NULL;
}

static int64_t number_of(json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static uint64_t count_of(json_t *object, const char *name)
{
    int64_t value = number_of(object, name);
    return value > 0 ? (uint64_t)value : 0;
}

/* -1: none of them. */
static int place_of(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; name != NULL && i < count; i++)
        if (strcmp(names[i], name) == 0)
            return (int)i;
    return -1;
}

static void take_settings(json_t *object, mr_arena *arena, mr_wish *wish)
{
    const json_t *list = json_object_get(object, "settings");
    for (size_t i = 0; i < json_array_size(list) && i < MR_FLEET_SETTINGS_MAX; i++) {
        const char *value = json_string_value(json_array_get(list, i));
        if (value != NULL)
            wish->settings[wish->settings_count++] = mr_arena_string(arena, value, strlen(value));
    }
}

mr_status mr_wish_decode(const char *bytes, size_t length, mr_arena *arena, mr_wish *wish,
                         mr_error *err)
{
    json_t *object;
    mr_status status = open(bytes, length, &object, err);
    if (status != MR_OK)
        return status;
    int kind =
        place_of(json_string_value(json_object_get(object, "wish")), kinds, MR_LENGTH(kinds));
    const char *plan = json_string_value(json_object_get(object, "plan_version"));
    *wish = (mr_wish){.job = text_of(object, "job", arena),
                      .version = count_of(object, "version"),
                      .kind = kind >= 0 ? (mr_wish_kind)kind : MR_WISH_RUN,
                      .plan_format = (uint32_t)count_of(object, "plan_format"),
                      .plan_version = plan != NULL ? strtoull(plan, NULL, 16) : 0,
                      .sql = text_of(object, "sql", arena),
                      .written_by = text_of(object, "written_by", arena),
                      .written_ms = number_of(object, "written_ms")};
    take_settings(object, arena, wish);
    json_decref(object);
    /* What a newer Millrace may wish is not known here: its plan format tells of it. */
    bool is_newer = wish->plan_format > MR_FLEET_PLAN_FORMAT;
    if (wish->job == NULL || wish->version == 0 || wish->plan_format == 0 ||
        (!is_newer && (kind < 0 || wish->sql == NULL)))
        return mr_error_set(err, MR_E_FLEET_RECORD, "a wish without %s",
                            wish->job == NULL        ? "its job's name"
                            : wish->version == 0     ? "a version"
                            : wish->plan_format == 0 ? "a plan format"
                            : kind < 0               ? "a known wish"
                                                     : "a text");
    return MR_OK;
}

mr_status mr_fleet_status_decode(const char *bytes, size_t length, mr_arena *arena,
                                 mr_fleet_status *status, mr_error *err)
{
    json_t *object;
    mr_status opened = open(bytes, length, &object, err);
    if (opened != MR_OK)
        return opened;
    int state =
        place_of(json_string_value(json_object_get(object, "state")), states, MR_LENGTH(states));
    *status = (mr_fleet_status){.job = text_of(object, "job", arena),
                                .instance = text_of(object, "instance", arena),
                                .version = count_of(object, "version"),
                                .state = state >= 0 ? (mr_fleet_state)state : MR_FLEET_FAILED,
                                .tasks = (uint32_t)count_of(object, "tasks"),
                                .records_in = count_of(object, "records_in"),
                                .rows_out = count_of(object, "rows_out"),
                                .late = count_of(object, "late"),
                                .dead = count_of(object, "dead"),
                                .lag = number_of(object, "lag"),
                                .code = (int)number_of(object, "code"),
                                .message = text_of(object, "message", arena),
                                .checkpoint_code = (int)number_of(object, "checkpoint_code"),
                                .checkpoint_message = text_of(object, "checkpoint_message", arena),
                                .written_ms = number_of(object, "written_ms")};
    json_decref(object);
    if (status->job == NULL || status->instance == NULL || state < 0)
        return mr_error_set(err, MR_E_FLEET_RECORD, "a status without its job, worker or state");
    return MR_OK;
}
