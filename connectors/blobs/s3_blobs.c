/*
 * Blobs as objects of an S3 bucket: PUT, GET, DELETE, ListObjectsV2.
 *
 * S3 itself writes an object whole or not at all. One PUT takes up to 5 GiB, which is more than any
 * file of a local store has. "Only if absent" is If-None-Match: * (S3 since 2024; a store that does
 * not know it overwrites, with the same bytes, for names are made of contents).
 */
#include "connectors/blobs/name.h"
#include "connectors/blobs/s3_request.h"
#include "connectors/blobs/sha256.h"
#include "connectors/blobs/xml.h"
#include "engine/base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PUT_MAX ((uint64_t)5 << 30)
#define PAGE_MAX ((size_t)16 << 20)
#define KEY_MAX 1100

typedef struct s3_blobs {
    mr_blobs base; /* first */
    mr_s3_client *client;
} s3_blobs;

static mr_s3_client *client_of(mr_blobs *blobs)
{
    return ((s3_blobs *)blobs)->client;
}

static mr_status put(mr_blobs *blobs, const char *name, const mr_blob_source *source,
                     mr_blob_put how, mr_error *err)
{
    MR_ASSERT(mr_blob_name_is_good(name));
    if (source->size > PUT_MAX)
        return mr_error_set(err, MR_E_BLOB_STORE, "%s: %" PRIu64 " bytes, one PUT takes 5 GiB",
                            name, source->size);
    char digest[MR_BLOB_DIGEST_SIZE];
    mr_status status = mr_sha256_source(source, digest, err);
    if (status != MR_OK)
        return status;
    mr_s3_request request = {.method = "PUT",
                             .name = name,
                             .body = source,
                             .body_digest = digest,
                             .is_if_absent = how == MR_BLOB_IF_ABSENT};
    return mr_s3_client_run(client_of(blobs), &request, err);
}

static mr_status get(mr_blobs *blobs, const char *name, const mr_blob_target *target, mr_error *err)
{
    MR_ASSERT(mr_blob_name_is_good(name));
    mr_s3_request request = {.method = "GET", .name = name, .target = target};
    return mr_s3_client_run(client_of(blobs), &request, err);
}

static mr_status remove_blob(mr_blobs *blobs, const char *name, mr_error *err)
{
    MR_ASSERT(mr_blob_name_is_good(name));
    mr_s3_request request = {.method = "DELETE", .name = name};
    mr_status status = mr_s3_client_run(client_of(blobs), &request, err);
    return status == MR_E_BLOB_MISSING ? MR_OK : status;
}

/* ---- list ---- */

static mr_status keep_page(void *context, uint64_t offset, const char *bytes, size_t length,
                           mr_error *err)
{
    mr_buffer *page = context;
    if (offset == 0)
        mr_buffer_clear(page);
    if (page->length + length > PAGE_MAX)
        return mr_error_set(err, MR_E_BLOB_STORE, "a page of a list is longer than %zu bytes",
                            PAGE_MAX);
    mr_buffer_put(page, bytes, length);
    return MR_OK;
}

static int digit(char c)
{
    const char *digits = "0123456789abcdef", *found;
    char low = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
    found = low != '\0' ? strchr(digits, low) : NULL;
    return found != NULL ? (int)(found - digits) : -1;
}

/* Keys come with encoding-type=url. */
static void decode(char *text)
{
    char *to = text;
    for (const char *c = text; *c != '\0'; c++) {
        int high = c[0] == '%' ? digit(c[1]) : -1, low = high >= 0 ? digit(c[2]) : -1;
        if (low >= 0) {
            *to++ = (char)(high * 16 + low);
            c += 2;
        } else {
            *to++ = *c == '+' ? ' ' : *c;
        }
    }
    *to = '\0';
}

/* "2026-11-21T11:22:33.000Z"; 0 when it is no time. */
static int64_t read_time(const char *text)
{
    struct tm utc = {0};
    int year, month, ms = 0;
    if (sscanf(text, "%d-%d-%dT%d:%d:%d.%3d", &year, &month, &utc.tm_mday, &utc.tm_hour,
               &utc.tm_min, &utc.tm_sec, &ms) < 6)
        return 0;
    utc.tm_year = year - 1900;
    utc.tm_mon = month - 1;
    return (int64_t)timegm(&utc) * 1000 + ms;
}

typedef struct listing {
    const char *prefix; /* of the address */
    mr_status (*visit)(void *context, const mr_blob_facts *facts, mr_error *err);
    void *context;
    mr_buffer page;
    char token[KEY_MAX * 3]; /* "": the last page */
} listing;

static mr_status visit_page(listing *list, mr_error *err)
{
    const char *at = list->page.data, *end = at + list->page.length, *item;
    size_t length, prefix = strlen(list->prefix);
    char key[KEY_MAX * 3], size[32], modified[40];
    mr_status status = MR_OK;
    while (status == MR_OK && mr_xml_next(&at, end, "Contents", &item, &length)) {
        mr_xml_text(item, length, "Key", key, sizeof key);
        mr_xml_text(item, length, "Size", size, sizeof size);
        mr_xml_text(item, length, "LastModified", modified, sizeof modified);
        decode(key);
        /* Somebody else's object, with a name that is none of ours, is left alone. */
        if (strncmp(key, list->prefix, prefix) != 0 || !mr_blob_name_is_good(key + prefix))
            continue;
        mr_blob_facts facts = {.name = key + prefix,
                               .size = strtoull(size, NULL, 10),
                               .modified_ms = read_time(modified)};
        status = list->visit(list->context, &facts, err);
    }
    mr_xml_text(list->page.data, list->page.length, "NextContinuationToken", list->token,
                sizeof list->token);
    return status;
}

static mr_status list(mr_blobs *blobs, const char *prefix,
                      mr_status (*visit)(void *context, const mr_blob_facts *facts, mr_error *err),
                      void *context, mr_error *err)
{
    mr_s3_client *client = client_of(blobs);
    listing at = {
        .prefix = mr_s3_client_address(client)->prefix, .visit = visit, .context = context};
    mr_buffer wanted = {0}, token = {0};
    mr_signature_encode(&wanted, at.prefix, false);
    mr_signature_encode(&wanted, prefix, false);
    mr_buffer_put_u8(&wanted, '\0');
    mr_status status;
    do {
        mr_buffer_clear(&token);
        mr_signature_encode(&token, at.token, false);
        mr_buffer_put_u8(&token, '\0');
        mr_signed_pair query[] = {{"encoding-type", "url"},
                                  {"list-type", "2"},
                                  {"prefix", wanted.data},
                                  {"continuation-token", token.data}};
        mr_blob_target target = {keep_page, &at.page};
        mr_s3_request request = {.method = "GET",
                                 .query = query,
                                 .query_count = token.length > 1 ? 4 : 3,
                                 .target = &target};
        mr_buffer_clear(&at.page);
        status = mr_s3_client_run(client, &request, err);
        if (status == MR_E_BLOB_MISSING) /* of a bucket: it is another fault than no blob */
            status = err->status = MR_E_BLOB_STORE;
        if (status == MR_OK && at.page.length > 0)
            status = visit_page(&at, err);
    } while (status == MR_OK && at.token[0] != '\0');
    mr_buffer_release(&at.page);
    mr_buffer_release(&wanted);
    mr_buffer_release(&token);
    return status;
}

static mr_status digest(mr_blobs *blobs, const mr_blob_source *source, char to[MR_BLOB_DIGEST_SIZE],
                        mr_error *err)
{
    (void)blobs;
    return mr_sha256_source(source, to, err);
}

static void close_blobs(mr_blobs *blobs)
{
    mr_s3_client_free(client_of(blobs));
    free(blobs);
}

static const mr_blobs_class s3_class = {
    .put = put,
    .get = get,
    .list = list,
    .remove = remove_blob,
    .digest = digest,
    .close = close_blobs,
};

mr_status mr_s3_blobs_open(const char *text, const mr_blobs_options *options, mr_blobs **blobs,
                           mr_error *err)
{
    mr_s3_address address;
    mr_status status = mr_s3_address_init(&address, text, options, err);
    if (status != MR_OK)
        return status;
    s3_blobs *self = calloc(1, sizeof *self);
    MR_ASSERT(self != NULL);
    self->base.class = &s3_class;
    self->client = mr_s3_client_new(&address, options);
    *blobs = &self->base;
    return MR_OK;
}
