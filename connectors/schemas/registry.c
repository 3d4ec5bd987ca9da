#include "connectors/schemas/registry.h"

#include "connectors/formats/codes.h"
#include "connectors/schemas/http.h"
#include "engine/base/arena.h"
#include "engine/base/assert.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 3000
#define CONNECT_TIMEOUT_MS 2000
#define REQUEST_TIMEOUT_MS 5000
#define PAUSE_FIRST_MS 50
#define PAUSE_MAX_MS 1000
#define URLS_MAX 16

struct mr_registry {
    mr_arena arena;
    mr_http_config settings;
    mr_http *http; /* with the first request: who only checks a job needs none */
    const char *urls[URLS_MAX];
    const char *names[URLS_MAX]; /* the same for messages: without user and password */
    uint32_t urls_count, url;    /* the one that answered last */
    int32_t patience_ms;
    uint64_t random, requests;
    mr_registry_schema *schemas;
    uint32_t schemas_count, schemas_capacity;
    mr_http_answer answer;
};

/* --- requests --------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Half of it to all of it: workers that lost the registry together do not come back together. */
static void pause_about(mr_registry *r, int64_t ms)
{
    r->random ^= r->random << 13;
    r->random ^= r->random >> 7;
    r->random ^= r->random << 17;
    int64_t taken = ms / 2 + (int64_t)(r->random % (uint64_t)(ms / 2 + 1));
    struct timespec t = {.tv_sec = taken / 1000, .tv_nsec = taken % 1000 * 1000000};
    while (nanosleep(&t, &t) != 0 && errno == EINTR) {
    }
}

/* An answer that a later one may not be like. */
static bool is_passing(const mr_http_answer *answer)
{
    if (answer->status == 0)
        return !answer->is_certificate && !answer->is_too_large;
    return answer->status == 408 || answer->status == 429 || answer->status >= 500;
}

static mr_status unreachable(mr_registry *r, mr_error *err)
{
    const char *url = r->names[r->url];
    if (r->answer.status != 0)
        return mr_error_set_recovery(err, MR_E_REGISTRY_UNREACHABLE, MR_RECOVERY_RETRY,
                                     "schema registry %s answers with HTTP %ld", url,
                                     r->answer.status);
    if (r->answer.is_certificate)
        return mr_error_set(err, MR_E_REGISTRY_AUTHORIZATION,
                            "schema registry %s: %s (see ssl.truststore.location and "
                            "ssl.keystore.location)",
                            url, r->answer.why);
    if (r->answer.is_too_large)
        return mr_error_set(err, MR_E_REGISTRY_ANSWER,
                            "schema registry %s: an answer larger than %zu bytes", url,
                            MR_HTTP_BODY_MAX);
    return mr_error_set_recovery(err, MR_E_REGISTRY_UNREACHABLE, MR_RECOVERY_RETRY,
                                 "schema registry %s is away: %s", url, r->answer.why);
}

/* Asks until there is an answer that counts, or patience ends. */
static mr_status request(mr_registry *r, const char *path, const char *body, mr_error *err)
{
    int64_t deadline = now_ms() + r->patience_ms, pause = PAUSE_FIRST_MS;
    char url[2048];
    if (r->http == NULL)
        r->http = mr_http_new(&r->settings);
    for (uint32_t attempt = 1;; attempt++) {
        snprintf(url, sizeof url, "%s%s", r->urls[r->url], path);
        r->requests++;
        mr_http_request(r->http, url, body, &r->answer);
        if (!is_passing(&r->answer))
            break;
        if (now_ms() + pause / 2 >= deadline)
            return unreachable(r, err);
        r->url = (r->url + 1) % r->urls_count;
        if (attempt % r->urls_count == 0) {
            pause_about(r, pause);
            pause = pause * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : pause * 2;
        }
    }
    if (r->answer.status == 0)
        return unreachable(r, err);
    if (r->answer.status == 401 || r->answer.status == 403)
        return mr_error_set(err, MR_E_REGISTRY_AUTHORIZATION,
                            "schema registry %s refuses us: HTTP %ld (see basic-auth.user-info)",
                            r->names[r->url], r->answer.status);
    return MR_OK;
}

static json_t *read_body(const mr_registry *r)
{
    return json_loadb(r->answer.body.length > 0 ? r->answer.body.data : "", r->answer.body.length,
                      0, NULL);
}

static mr_status no_registry(const mr_registry *r, const char *path, mr_error *err)
{
    return mr_error_set(err, MR_E_REGISTRY_ANSWER,
                        "%s%s does not answer as a schema registry does: HTTP %ld",
                        r->names[r->url], path, r->answer.status);
}

static json_int_t error_code(const json_t *body)
{
    return json_integer_value(json_object_get(body, "error_code"));
}

static const char *error_text(const json_t *body)
{
    const char *text = json_string_value(json_object_get(body, "message"));
    return text != NULL ? text : "no reason given";
}

/* --- schemas by id ---------------------------------------------------------------------- */

typedef struct reference_list {
    const char **texts;
    const char **names; /* "subject/version" of each: one that is there is not asked for again */
    uint32_t count;
} reference_list;

static mr_status read_references(mr_registry *r, json_t *body, unsigned depth, reference_list *list,
                                 mr_error *err);

static char *escape(mr_registry *r, const char *text)
{
    static const char hex[] = "0123456789ABCDEF";
    char *to = mr_arena_alloc(&r->arena, strlen(text) * 3 + 1), *at = to;
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        bool is_plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                        (*c >= '0' && *c <= '9') || strchr("-_.~", *c) != NULL;
        if (is_plain) {
            *at++ = (char)*c;
        } else {
            *at++ = '%';
            *at++ = hex[*c >> 4];
            *at++ = hex[*c & 15];
        }
    }
    *at = '\0';
    return to;
}

static const char *keep_text(mr_registry *r, json_t *body, const char *path, mr_error *err)
{
    const char *text = json_string_value(json_object_get(body, "schema"));
    if (text == NULL) {
        (void)no_registry(r, path, err);
        return NULL;
    }
    if (r->arena.bytes + strlen(text) > MR_REGISTRY_BYTES_MAX) {
        (void)mr_error_set(err, MR_E_MEMORY, "more than %zu bytes of schemas",
                           MR_REGISTRY_BYTES_MAX);
        return NULL;
    }
    return mr_arena_string(&r->arena, text, strlen(text));
}

static mr_status read_reference(mr_registry *r, json_t *from, unsigned depth, reference_list *list,
                                mr_error *err)
{
    const char *subject = json_string_value(json_object_get(from, "subject"));
    json_int_t version = json_integer_value(json_object_get(from, "version"));
    if (subject == NULL || version <= 0)
        return no_registry(r, " (a reference)", err);
    const char *path = mr_arena_printf(&r->arena, "/subjects/%s/versions/%" JSON_INTEGER_FORMAT,
                                       escape(r, subject), version);
    for (uint32_t i = 0; i < list->count; i++)
        if (strcmp(list->names[i], path) == 0)
            return MR_OK;
    if (depth > MR_REGISTRY_REFERENCES_MAX || list->count == MR_REGISTRY_REFERENCES_MAX)
        return mr_error_set_recovery(err, MR_E_AVRO_SCHEMA, MR_RECOVERY_RECORD,
                                     "more than %d references", MR_REGISTRY_REFERENCES_MAX);
    mr_status status = request(r, path, NULL, err);
    if (status != MR_OK)
        return status;
    json_t *body = read_body(r);
    if (r->answer.status == 404 && error_code(body) > 40400) {
        json_decref(body);
        return mr_error_set_recovery(err, MR_E_AVRO_SCHEMA, MR_RECOVERY_RECORD,
                                     "it refers to version %" JSON_INTEGER_FORMAT
                                     " of subject `%s`, which is not there",
                                     version, subject);
    }
    const char *text = keep_text(r, body, path, err);
    status = text == NULL ? err->status : read_references(r, body, depth + 1, list, err);
    json_decref(body);
    if (status != MR_OK)
        return status;
    list->names[list->count] = path;
    list->texts[list->count++] = text;
    return MR_OK;
}

/* Depth first: what a reference needs comes before it. */
static mr_status read_references(mr_registry *r, json_t *body, unsigned depth, reference_list *list,
                                 mr_error *err)
{
    json_t *references = json_object_get(body, "references");
    mr_status status = MR_OK;
    for (size_t i = 0; status == MR_OK && i < json_array_size(references); i++)
        status = read_reference(r, json_array_get(references, i), depth, list, err);
    return status;
}

static mr_status read_schema(mr_registry *r, const char *path, mr_registry_schema *schema,
                             mr_error *err)
{
    json_t *body = read_body(r);
    const char *type = json_string_value(json_object_get(body, "schemaType"));
    reference_list list = {0};
    mr_status status = MR_OK;
    if (r->answer.status == 404 && (error_code(body) == 40403 || error_code(body) == 40402))
        status = mr_error_set_recovery(err, MR_E_AVRO_UNKNOWN_ID, MR_RECOVERY_RECORD,
                                       "the registry at %s does not know it", r->names[r->url]);
    else if (r->answer.status != 200)
        status = no_registry(r, path, err);
    else if (type != NULL && strcasecmp(type, "AVRO") != 0)
        status = mr_error_set_recovery(err, MR_E_AVRO_SCHEMA, MR_RECOVERY_RECORD,
                                       "it is of type %s, not AVRO", type);
    if (status != MR_OK)
        goto done;
    list.texts = mr_arena_zalloc(&r->arena, MR_REGISTRY_REFERENCES_MAX, sizeof(*list.texts));
    list.names = mr_arena_zalloc(&r->arena, MR_REGISTRY_REFERENCES_MAX, sizeof(*list.names));
    schema->text = keep_text(r, body, path, err);
    status = schema->text == NULL ? err->status : read_references(r, body, 0, &list, err);
    schema->references = list.texts;
    schema->references_count = list.count;
done:
    json_decref(body);
    return status;
}

mr_status mr_registry_schema_of(mr_registry *r, uint32_t id, const mr_registry_schema **schema,
                                mr_error *err)
{
    char path[64];
    for (uint32_t i = 0; i < r->schemas_count; i++) {
        if (r->schemas[i].id == id) {
            *schema = &r->schemas[i];
            return MR_OK;
        }
    }
    /* Asked for one, a registry does not say that it has none, but that there is no such page. */
    if (id > INT32_MAX)
        return mr_error_set_recovery(err, MR_E_AVRO_UNKNOWN_ID, MR_RECOVERY_RECORD,
                                     "no registry gives ids beyond %" PRId32, INT32_MAX);
    snprintf(path, sizeof path, "/schemas/ids/%u", id);
    mr_registry_schema found = {.id = id};
    mr_status status = request(r, path, NULL, err);
    if (status == MR_OK)
        status = read_schema(r, path, &found, err);
    else if (r->answer.is_too_large)
        status = mr_error_set_recovery(err, MR_E_AVRO_SCHEMA, MR_RECOVERY_RECORD,
                                       "it is larger than %zu bytes", MR_HTTP_BODY_MAX);
    if (status != MR_OK)
        return status;
    if (r->schemas_count == r->schemas_capacity) {
        r->schemas_capacity = r->schemas_capacity == 0 ? 8 : r->schemas_capacity * 2;
        r->schemas = realloc(r->schemas, r->schemas_capacity * sizeof *r->schemas);
        MR_ASSERT(r->schemas != NULL);
    }
    r->schemas[r->schemas_count] = found;
    *schema = &r->schemas[r->schemas_count++];
    return MR_OK;
}

/* --- ids of our schemas ----------------------------------------------------------------- */

/* What the subject holds now, for the message of a refusal. */
static void describe_subject(mr_registry *r, const char *subject, json_int_t *version,
                             json_int_t *id, char *level, size_t level_size)
{
    mr_error ignored;
    const char *name = escape(r, subject);
    *version = *id = 0;
    snprintf(level, level_size, "the subject's rule");
    if (request(r, mr_arena_printf(&r->arena, "/subjects/%s/versions/latest", name), NULL,
                &ignored) == MR_OK) {
        json_t *body = read_body(r);
        *version = json_integer_value(json_object_get(body, "version"));
        *id = json_integer_value(json_object_get(body, "id"));
        json_decref(body);
    }
    if (request(r, mr_arena_printf(&r->arena, "/config/%s?defaultToGlobal=true", name), NULL,
                &ignored) == MR_OK) {
        json_t *body = read_body(r);
        const char *text = json_string_value(json_object_get(body, "compatibilityLevel"));
        if (text != NULL)
            snprintf(level, level_size, "%s", text);
        json_decref(body);
    }
}

static mr_status incompatible(mr_registry *r, const char *subject, const char *reason,
                              mr_error *err)
{
    char level[64];
    json_int_t version, id;
    describe_subject(r, subject, &version, &id, level, sizeof level);
    return mr_error_set(err, MR_E_REGISTRY_INCOMPATIBLE,
                        "subject `%s` refuses the table's schema as version %" JSON_INTEGER_FORMAT
                        ": it breaks %s against version %" JSON_INTEGER_FORMAT
                        " (id %" JSON_INTEGER_FORMAT "): %.400s",
                        subject, version + 1, level, version, id, reason);
}

static mr_status refuse_id(mr_registry *r, const char *subject, const char *path,
                           const json_t *body, mr_error *err)
{
    long status = r->answer.status;
    char reason[512];
    snprintf(reason, sizeof reason, "%s", error_text(body));
    if (status == 409)
        return incompatible(r, subject, reason, err);
    if (status == 404 && error_code(body) >= 40400)
        return mr_error_set(err, MR_E_REGISTRY_SUBJECT,
                            "subject `%s` does not hold the table's schema, and "
                            "auto.register.schemas is false: %s",
                            subject, reason);
    if (error_code(body) != 0)
        return mr_error_set(err, MR_E_REGISTRY_REFUSED,
                            "subject `%s` refuses the table's schema: HTTP %ld, %s", subject,
                            status, reason);
    return no_registry(r, path, err);
}

mr_status mr_registry_id_of(mr_registry *r, const char *subject, const char *text,
                            bool may_register, uint32_t *id, mr_error *err)
{
    const char *path = mr_arena_printf(&r->arena, "/subjects/%s%s", escape(r, subject),
                                       may_register ? "/versions" : "");
    json_t *question = json_pack("{s:s}", "schema", text);
    MR_ASSERT(question != NULL);
    char *sent = json_dumps(question, JSON_COMPACT);
    json_decref(question);
    MR_ASSERT(sent != NULL);
    mr_status status = request(r, path, sent, err);
    free(sent);
    if (status != MR_OK)
        return status;
    json_t *body = read_body(r);
    json_t *found = json_object_get(body, "id");
    if (r->answer.status != 200)
        status = refuse_id(r, subject, path, body, err);
    else if (!json_is_integer(found) || json_integer_value(found) < 0 ||
             json_integer_value(found) > INT32_MAX)
        status = no_registry(r, path, err);
    else
        *id = (uint32_t)json_integer_value(found);
    json_decref(body);
    return status;
}

/* --- life ------------------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcasecmp(text + length - tail, end) == 0;
}

static const char *public_name(mr_registry *r, const char *url)
{
    const char *host = strstr(url, "://") + 3, *at = strrchr(url, '@');
    if (at == NULL)
        return url;
    return mr_arena_printf(&r->arena, "%.*s%s", (int)(host - url), url, at + 1);
}

static mr_status read_urls(mr_registry *r, const char *list, mr_error *err)
{
    const char *at = list;
    while (*at != '\0') {
        size_t length = strcspn(at, ",");
        const char *next = at + length + (at[length] == ',');
        while (length > 0 && (*at == ' ' || *at == '\t')) {
            at++;
            length--;
        }
        while (length > 0 && (at[length - 1] == ' ' || at[length - 1] == '/'))
            length--;
        bool is_url = strncasecmp(at, "http://", 7) == 0 || strncasecmp(at, "https://", 8) == 0;
        if (!is_url || length <= 7 || length > 1024 || r->urls_count == URLS_MAX)
            return mr_error_set(err, MR_E_SETTING,
                                "the url of a schema registry is http://host:port, or several of "
                                "them with commas");
        r->urls[r->urls_count] = mr_arena_string(&r->arena, at, length);
        r->names[r->urls_count] = public_name(r, r->urls[r->urls_count]);
        r->urls_count++;
        at = next;
    }
    if (r->urls_count == 0)
        return mr_error_set(err, MR_E_SETTING, "the url of the schema registry is empty");
    return MR_OK;
}

static mr_status check_stores(const mr_registry_config *config, mr_error *err)
{
    const char *trust = config->truststore, *key = config->keystore;
    if (trust != NULL && (ends_with(trust, ".jks") || ends_with(trust, ".p12")))
        return mr_error_set(err, MR_E_SETTING,
                            "ssl.truststore.location: `%s` is no PEM file; convert it: keytool "
                            "-exportcert -rfc, or openssl pkcs12 -nokeys",
                            trust);
    if (key != NULL && ends_with(key, ".jks"))
        return mr_error_set(err, MR_E_SETTING,
                            "ssl.keystore.location: `%s` is neither PEM nor PKCS #12; convert it: "
                            "keytool -importkeystore -deststoretype PKCS12",
                            key);
    return MR_OK;
}

static const char *keep_setting(mr_registry *r, const char *text)
{
    return text != NULL ? mr_arena_string(&r->arena, text, strlen(text)) : NULL;
}

mr_status mr_registry_new(const mr_registry_config *config, mr_registry **registry, mr_error *err)
{
    mr_registry *r = calloc(1, sizeof *r);
    MR_ASSERT(r != NULL);
    mr_status status = read_urls(r, config->url != NULL ? config->url : "", err);
    if (status == MR_OK)
        status = check_stores(config, err);
    if (status != MR_OK) {
        mr_registry_free(r);
        return status;
    }
    r->patience_ms = config->patience_ms > 0 ? config->patience_ms : PATIENCE_MS;
    r->random = ((uint64_t)getpid() << 32 ^ (uint64_t)now_ms() ^ (uint64_t)(uintptr_t)r) | 1;
    r->settings = (mr_http_config){
        .user_info = keep_setting(r, config->user_info),
        .token = keep_setting(r, config->token),
        .ca_file = keep_setting(r, config->truststore),
        .cert_file = keep_setting(r, config->keystore),
        .cert_password = keep_setting(r, config->keystore_password),
        .is_cert_pkcs12 = config->keystore != NULL && (ends_with(config->keystore, ".p12") ||
                                                       ends_with(config->keystore, ".pfx")),
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .timeout_ms = REQUEST_TIMEOUT_MS,
    };
    *registry = r;
    return MR_OK;
}

void mr_registry_free(mr_registry *r)
{
    if (r == NULL)
        return;
    mr_http_free(r->http);
    mr_buffer_release(&r->answer.body);
    free(r->schemas);
    mr_arena_release(&r->arena);
    free(r);
}

uint64_t mr_registry_requests(const mr_registry *r)
{
    return r->requests;
}
