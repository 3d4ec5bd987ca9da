#include "connectors/blobs/s3_request.h"

#include "connectors/blobs/sha256.h"
#include "connectors/blobs/xml.h"
#include "engine/base/assert.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define TRIES_MAX 6u
#define BACKOFF_MS 100
#define BACKOFF_LIMIT_MS 5000
#define TIMEOUT_MS 30000
#define CONNECT_TIMEOUT_MS 10000
#define HEADERS_MAX 8
#define DIGEST_OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct mr_s3_client {
    mr_s3_address address;
    CURL *curl;
    uint64_t random;
    uint32_t tries_max;
    int32_t backoff_ms;
    uint64_t *tries_observed;
    char why[CURL_ERROR_SIZE];
};

/* One try of one request. */
typedef struct attempt {
    mr_s3_client *client;
    const mr_s3_request *request;
    mr_buffer refusal; /* the body of an answer that is none of 2xx */
    uint64_t sent, received;
    long answer; /* HTTP status; 0: none came */
    CURLcode code;
    mr_status status; /* of body's read or target's write */
    mr_error *err;
} attempt;

/* ---- one try ---- */

static size_t send_body(char *to, size_t size, size_t count, void *context)
{
    attempt *a = context;
    const mr_blob_source *body = a->request->body;
    size_t length = size * count;
    if (length > body->size - a->sent)
        length = (size_t)(body->size - a->sent);
    if (length == 0)
        return 0;
    a->status = body->read(body->context, a->sent, to, length, a->err);
    if (a->status != MR_OK)
        return CURL_READFUNC_ABORT;
    a->sent += length;
    return length;
}

/* libcurl goes back to the start when a kept connection turns out to be dead. */
static int seek_body(void *context, curl_off_t offset, int origin)
{
    attempt *a = context;
    if (origin != SEEK_SET || offset < 0)
        return CURL_SEEKFUNC_CANTSEEK;
    a->sent = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

static size_t take_answer(char *bytes, size_t size, size_t count, void *context)
{
    attempt *a = context;
    size_t length = size * count;
    (void)curl_easy_getinfo(a->client->curl, CURLINFO_RESPONSE_CODE, &a->answer);
    if (a->answer / 100 != 2 || a->request->target == NULL) {
        size_t room = MR_S3_REFUSAL_MAX - a->refusal.length;
        mr_buffer_put(&a->refusal, bytes, length < room ? length : room);
        return length;
    }
    const mr_blob_target *target = a->request->target;
    a->status = target->write(target->context, a->received, bytes, length, a->err);
    a->received += length;
    return a->status == MR_OK ? length : 0;
}

static struct curl_slist *put_header(struct curl_slist *list, const char *name, const char *value)
{
    mr_buffer line = {0};
    mr_buffer_printf(&line, "%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(list, line.data);
    MR_ASSERT(longer != NULL);
    mr_buffer_release(&line);
    return longer;
}

/* Headers of a request, signed now: a try behind a long pause needs a time of its own. */
static struct curl_slist *sign(const attempt *a, const char *path)
{
    const mr_s3_request *r = a->request;
    const mr_s3_address *address = &a->client->address;
    char stamp[32];
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &utc);
    const char *digest = r->body != NULL ? r->body_digest : DIGEST_OF_NOTHING;
    mr_signed_pair headers[HEADERS_MAX] = {
        {"host", address->host}, {"x-amz-content-sha256", digest}, {"x-amz-date", stamp}};
    size_t count = 3;
    if (address->session_token != NULL)
        headers[count++] = (mr_signed_pair){"x-amz-security-token", address->session_token};
    if (r->is_if_absent)
        headers[count++] = (mr_signed_pair){"if-none-match", "*"};
    mr_signature_request to_sign = {.method = r->method,
                                    .path = path,
                                    .query = r->query,
                                    .query_count = r->query_count,
                                    .headers = headers,
                                    .headers_count = count,
                                    .payload_digest = digest,
                                    .time = stamp,
                                    .region = address->region,
                                    .service = "s3",
                                    .access_key = address->access_key,
                                    .secret_key = address->secret_key};
    mr_buffer authorization = {0};
    mr_signature_sign(&to_sign, &authorization);
    struct curl_slist *list = NULL;
    for (size_t i = 1; i < count; i++) /* libcurl says the host itself */
        list = put_header(list, headers[i].name, headers[i].value);
    list = put_header(list, "Authorization", authorization.data);
    list = curl_slist_append(list, "Expect:");
    mr_buffer_release(&authorization);
    return list;
}

static void set_method(const attempt *a)
{
    CURL *curl = a->client->curl;
    const mr_s3_request *r = a->request;
    (void)curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_UPLOAD, r->body != NULL ? 1L : 0L);
    if (r->body != NULL)
        (void)curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)r->body->size);
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, r->method);
    (void)curl_easy_setopt(curl, CURLOPT_READDATA, a);
    (void)curl_easy_setopt(curl, CURLOPT_SEEKDATA, a);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, a);
}

static void perform(attempt *a)
{
    const mr_s3_address *address = &a->client->address;
    const mr_s3_request *r = a->request;
    mr_buffer path = {0}, url = {0};
    mr_buffer_printf(&path, "%s/", address->base_path);
    if (r->name != NULL) {
        mr_signature_encode(&path, address->prefix, true);
        mr_signature_encode(&path, r->name, true);
    }
    mr_buffer_put_u8(&path, '\0');
    mr_buffer_printf(&url, "%s%s%s", address->origin, path.data, r->query_count > 0 ? "?" : "");
    mr_signature_query(&url, r->query, r->query_count);
    mr_buffer_put_u8(&url, '\0');
    struct curl_slist *headers = sign(a, path.data);
    CURL *curl = a->client->curl;
    (void)curl_easy_setopt(curl, CURLOPT_URL, url.data);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    set_method(a);
    a->client->why[0] = '\0';
    a->code = curl_easy_perform(curl);
    if (a->code == CURLE_OK)
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &a->answer);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    mr_buffer_release(&path);
    mr_buffer_release(&url);
}

/* ---- what came of it ---- */

static bool is_one_of(const char *text, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, list[i]) == 0)
            return true;
    return false;
}

/* Another try may end otherwise. */
static bool is_passing(const attempt *a, const char *refusal)
{
    static const char *const passing[] = {"RequestTimeout", "SlowDown", "InternalError",
                                          "OperationAborted", "ConditionalRequestConflict"};
    if (a->status != MR_OK)
        return false;
    if (a->code != CURLE_OK)
        return a->code != CURLE_PEER_FAILED_VERIFICATION && a->code != CURLE_SSL_CERTPROBLEM &&
               a->code != CURLE_SSL_CACERT_BADFILE && a->code != CURLE_URL_MALFORMAT &&
               a->code != CURLE_UNSUPPORTED_PROTOCOL;
    return a->answer == 408 || a->answer == 429 || a->answer >= 500 ||
           is_one_of(refusal, passing, MR_LENGTH(passing));
}

static mr_status code_of(const attempt *a, const char *refusal)
{
    if (a->answer == 404 && strcmp(refusal, "NoSuchBucket") != 0)
        return MR_E_BLOB_MISSING;
    if (a->answer == 412 && a->request->is_if_absent)
        return MR_E_BLOB_EXISTS;
    if (a->answer == 401 || a->answer == 403)
        return MR_E_BLOB_DENIED;
    return MR_E_BLOB_STORE;
}

static mr_status conclude(const attempt *a, bool is_worth_a_try, mr_error *err)
{
    const mr_s3_address *address = &a->client->address;
    const mr_s3_request *r = a->request;
    const char *name = r->name != NULL ? r->name : "";
    mr_recovery recovery = is_worth_a_try ? MR_RECOVERY_RETRY : MR_RECOVERY_STOP;
    if (a->status != MR_OK) /* of who gives or takes the bytes */
        return a->status;
    if (a->code != CURLE_OK)
        return mr_error_set_recovery(err, MR_E_BLOB_STORE, recovery, "%s %s/%s%s: %s", r->method,
                                     address->bucket, address->prefix, name,
                                     a->client->why[0] != '\0' ? a->client->why
                                                               : curl_easy_strerror(a->code));
    char code[64], message[256];
    mr_xml_text(a->refusal.data, a->refusal.length, "Code", code, sizeof code);
    mr_xml_text(a->refusal.data, a->refusal.length, "Message", message, sizeof message);
    return mr_error_set_recovery(err, code_of(a, code), recovery, "%s %s/%s%s: %ld %s %s",
                                 r->method, address->bucket, address->prefix, name, a->answer, code,
                                 message);
}

static uint64_t draw(mr_s3_client *client, uint64_t below)
{
    client->random += 0x9e3779b97f4a7c15u;
    uint64_t z = client->random;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % below;
}

/* All of the bound is drawn from: workers that failed together do not come back together. */
static void pause_before(mr_s3_client *client, uint32_t tries)
{
    int64_t bound = (int64_t)client->backoff_ms << (tries < 16 ? tries - 1 : 15);
    if (bound > BACKOFF_LIMIT_MS)
        bound = BACKOFF_LIMIT_MS;
    int64_t ms = (int64_t)draw(client, (uint64_t)bound + 1);
    struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

mr_status mr_s3_client_run(mr_s3_client *client, const mr_s3_request *request, mr_error *err)
{
    for (uint32_t tries = 1;; tries++) {
        attempt a = {.client = client, .request = request, .err = err};
        if (client->tries_observed != NULL)
            ++*client->tries_observed;
        perform(&a);
        if (a.code == CURLE_OK && a.status == MR_OK && a.answer / 100 == 2) {
            mr_buffer_release(&a.refusal);
            return MR_OK;
        }
        char code[64];
        mr_xml_text(a.refusal.data, a.refusal.length, "Code", code, sizeof code);
        bool is_worth_a_try = is_passing(&a, code);
        bool is_over = !is_worth_a_try || tries >= client->tries_max;
        mr_status status = is_over ? conclude(&a, is_worth_a_try, err) : MR_OK;
        mr_buffer_release(&a.refusal);
        if (is_over)
            return status;
        pause_before(client, tries);
    }
}

/* ---- the client ---- */

mr_s3_client *mr_s3_client_new(mr_s3_address *address, const mr_blobs_options *options)
{
    mr_s3_client *client = calloc(1, sizeof *client);
    MR_ASSERT(client != NULL);
    client->address = *address;
    *address = (mr_s3_address){0};
    client->tries_max = options->tries_max != 0 ? options->tries_max : TRIES_MAX;
    client->backoff_ms = options->backoff_ms != 0 ? options->backoff_ms : BACKOFF_MS;
    client->tries_observed = options->tries_observed;
    if (getrandom(&client->random, sizeof client->random, 0) < 0)
        client->random = (uint64_t)time(NULL);
    CURL *curl = curl_easy_init();
    MR_ASSERT(curl != NULL);
    client->curl = curl;
    int32_t timeout_ms = options->timeout_ms != 0 ? options->timeout_ms : TIMEOUT_MS;
    (void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "millrace/" MR_VERSION);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L); /* other threads have their own */
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->why);
    (void)curl_easy_setopt(curl, CURLOPT_READFUNCTION, send_body);
    (void)curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, seek_body);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer);
    (void)curl_easy_setopt(
        curl, CURLOPT_CONNECTTIMEOUT_MS,
        (long)(timeout_ms < CONNECT_TIMEOUT_MS ? timeout_ms : CONNECT_TIMEOUT_MS));
    /* No bound on the whole, which depends on a blob's size: on time without a byte. */
    (void)curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)((timeout_ms + 999) / 1000));
    if (client->address.ca_file != NULL)
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO, client->address.ca_file);
    return client;
}

void mr_s3_client_free(mr_s3_client *client)
{
    if (client == NULL)
        return;
    curl_easy_cleanup(client->curl);
    mr_s3_address_release(&client->address);
    free(client);
}

const mr_s3_address *mr_s3_client_address(const mr_s3_client *client)
{
    return &client->address;
}
