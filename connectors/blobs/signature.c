#include "connectors/blobs/signature.h"

#include "connectors/blobs/sha256.h"
#include "engine/base/assert.h"

#include <stdlib.h>
#include <string.h>

#define DAY_LENGTH 8

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void mr_signature_encode(mr_buffer *to, const char *text, bool keeps_slash)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (is_unreserved(*c) || (keeps_slash && *c == '/'))
            mr_buffer_put_u8(to, (uint8_t)*c);
        else
            mr_buffer_printf(to, "%%%02X", (unsigned)(unsigned char)*c);
    }
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int compare_pairs(const void *left, const void *right)
{
    const mr_signed_pair *a = left, *b = right;
    int order = strcmp(a->name, b->name);
    return order != 0 ? order : strcmp(a->value, b->value);
}

static int compare_headers(const void *left, const void *right)
{
    const char *a = ((const mr_signed_pair *)left)->name;
    const char *b = ((const mr_signed_pair *)right)->name;
    while (*a != '\0' && lower(*a) == lower(*b))
        a++, b++;
    return (lower(*a) > lower(*b)) - (lower(*a) < lower(*b));
}

static mr_signed_pair *sorted(const mr_signed_pair *pairs, size_t count,
                              int (*compare)(const void *, const void *))
{
    mr_signed_pair *copy = calloc(count + 1, sizeof *copy);
    MR_ASSERT(copy != NULL);
    if (count > 0) {
        memcpy(copy, pairs, count * sizeof *copy);
        qsort(copy, count, sizeof *copy, compare);
    }
    return copy;
}

void mr_signature_query(mr_buffer *to, const mr_signed_pair *query, size_t count)
{
    mr_signed_pair *pairs = sorted(query, count, compare_pairs);
    for (size_t i = 0; i < count; i++)
        mr_buffer_printf(to, "%s%s=%s", i > 0 ? "&" : "", pairs[i].name, pairs[i].value);
    free(pairs);
}

/* "a b" of "  a   b ": a header's value as it is signed. */
static void put_trimmed(mr_buffer *to, const char *value)
{
    bool is_begun = false, is_gap = false;
    for (const char *c = value; *c != '\0'; c++) {
        if (*c == ' ' || *c == '\t') {
            is_gap = is_begun;
            continue;
        }
        if (is_gap)
            mr_buffer_put_u8(to, ' ');
        mr_buffer_put_u8(to, (uint8_t)*c);
        is_begun = true;
        is_gap = false;
    }
}

static void put_name(mr_buffer *to, const char *name)
{
    for (; *name != '\0'; name++)
        mr_buffer_put_u8(to, (uint8_t)lower(*name));
}

/* "host;x-amz-date": the names that are signed. */
static void put_names(mr_buffer *to, const mr_signed_pair *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            mr_buffer_put_u8(to, ';');
        put_name(to, headers[i].name);
    }
}

/* What the request comes to, the same on both sides. */
static void put_canonical(mr_buffer *to, const mr_signature_request *r,
                          const mr_signed_pair *headers)
{
    mr_buffer_printf(to, "%s\n%s\n", r->method, r->path);
    mr_signature_query(to, r->query, r->query_count);
    mr_buffer_put_u8(to, '\n');
    for (size_t i = 0; i < r->headers_count; i++) {
        put_name(to, headers[i].name);
        mr_buffer_put_u8(to, ':');
        put_trimmed(to, headers[i].value);
        mr_buffer_put_u8(to, '\n');
    }
    mr_buffer_put_u8(to, '\n');
    put_names(to, headers, r->headers_count);
    mr_buffer_printf(to, "\n%s", r->payload_digest);
}

/* The key of one day, region and service. */
static void derive_key(const mr_signature_request *r, unsigned char key[MR_SHA256_BYTES])
{
    mr_buffer first = {0};
    mr_buffer_printf(&first, "AWS4%s", r->secret_key);
    mr_hmac_sha256(first.data, first.length, r->time, DAY_LENGTH, key);
    mr_buffer_release(&first);
    mr_hmac_sha256(key, MR_SHA256_BYTES, r->region, strlen(r->region), key);
    mr_hmac_sha256(key, MR_SHA256_BYTES, r->service, strlen(r->service), key);
    mr_hmac_sha256(key, MR_SHA256_BYTES, "aws4_request", strlen("aws4_request"), key);
}

void mr_signature_sign(const mr_signature_request *r, mr_buffer *authorization)
{
    MR_ASSERT(strlen(r->time) == strlen("20150830T123600Z"));
    mr_signed_pair *headers = sorted(r->headers, r->headers_count, compare_headers);
    mr_buffer canonical = {0}, to_sign = {0};
    unsigned char digest[MR_SHA256_BYTES], key[MR_SHA256_BYTES];
    char hex[MR_BLOB_DIGEST_SIZE];
    put_canonical(&canonical, r, headers);
    mr_sha256(canonical.data, canonical.length, digest);
    mr_sha256_print(digest, hex);
    mr_buffer_printf(&to_sign, "AWS4-HMAC-SHA256\n%s\n%.*s/%s/%s/aws4_request\n%s", r->time,
                     DAY_LENGTH, r->time, r->region, r->service, hex);
    derive_key(r, key);
    mr_hmac_sha256(key, sizeof key, to_sign.data, to_sign.length, digest);
    mr_sha256_print(digest, hex);
    mr_buffer_printf(authorization,
                     "AWS4-HMAC-SHA256 Credential=%s/%.*s/%s/%s/aws4_request, SignedHeaders=",
                     r->access_key, DAY_LENGTH, r->time, r->region, r->service);
    put_names(authorization, headers, r->headers_count);
    mr_buffer_printf(authorization, ", Signature=%s", hex);
    mr_buffer_put_u8(authorization, '\0');
    authorization->length--;
    mr_buffer_release(&canonical);
    mr_buffer_release(&to_sign);
    free(headers);
}
