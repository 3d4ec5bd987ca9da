#include "connectors/blobs/s3_address.h"

#include "connectors/blobs/name.h"
#include "engine/base/assert.h"
#include "engine/base/buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What stands behind the '?' of an address. */
typedef struct parameters {
    char *endpoint, *region, *path_style;
} parameters;

static char *copy(const char *text, size_t length)
{
    char *made = strndup(text, length);
    MR_ASSERT(made != NULL);
    return made;
}

static const char *from_environment(const char *given, const char *name, const char *other)
{
    if (given == NULL || given[0] == '\0')
        given = getenv(name);
    if ((given == NULL || given[0] == '\0') && other != NULL)
        given = getenv(other);
    return given != NULL && given[0] != '\0' ? given : NULL;
}

static mr_status read_parameters(const char *text, const char *query, parameters *found,
                                 mr_error *err)
{
    while (*query != '\0') {
        size_t length = strcspn(query, "&");
        size_t name = strcspn(query, "=&");
        char **place = NULL;
        if (name == 8 && memcmp(query, "endpoint", 8) == 0)
            place = &found->endpoint;
        else if (name == 6 && memcmp(query, "region", 6) == 0)
            place = &found->region;
        else if (name == 10 && memcmp(query, "path-style", 10) == 0)
            place = &found->path_style;
        if (place == NULL || *place != NULL || name == length)
            return mr_error_set(err, MR_E_BLOB_ADDRESS,
                                "`%s`: `%.*s` is none of endpoint=, region=, path-style=, each "
                                "once; credentials come from the environment",
                                text, (int)name, query);
        *place = copy(query + name + 1, length - name - 1);
        query += length + (query[length] == '&');
    }
    return MR_OK;
}

static bool is_bucket(const char *text, size_t length)
{
    if (length < 3 || length > 63)
        return false;
    for (size_t i = 0; i < length; i++)
        if (strchr("abcdefghijklmnopqrstuvwxyz0123456789.-", text[i]) == NULL)
            return false;
    return text[0] != '.' && text[0] != '-';
}

/* "s3://bucket/some/prefix?..": bucket and prefix. */
static mr_status read_place(mr_s3_address *address, const char *text, mr_error *err)
{
    const char *bucket = text + strlen("s3://");
    size_t bucket_length = strcspn(bucket, "/?");
    if (!is_bucket(bucket, bucket_length))
        return mr_error_set(err, MR_E_BLOB_ADDRESS,
                            "`%s`: `%.*s` is no name of a bucket (3 to 63 of a-z 0-9 . -)", text,
                            (int)bucket_length, bucket);
    address->bucket = copy(bucket, bucket_length);
    const char *prefix = bucket + bucket_length + (bucket[bucket_length] == '/');
    size_t length = strcspn(prefix, "?");
    while (length > 0 && prefix[length - 1] == '/')
        length--;
    address->prefix = calloc(1, length + 2);
    MR_ASSERT(address->prefix != NULL);
    memcpy(address->prefix, prefix, length);
    /* S3's names end at 1,024 bytes. */
    if (length > 0 && (!mr_blob_name_is_good(address->prefix) || length > 250))
        return mr_error_set(err, MR_E_BLOB_ADDRESS,
                            "`%s`: a prefix has parts of A-Z a-z 0-9 . _ - %% =, joined by /, "
                            "none of which begins with a dot, and 250 bytes at most",
                            text);
    if (length > 0)
        address->prefix[length] = '/';
    return MR_OK;
}

static mr_status read_credentials(mr_s3_address *address, const mr_blobs_options *options,
                                  mr_error *err)
{
    const char *access =
        from_environment(options->access_key, "AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY");
    const char *secret =
        from_environment(options->secret_key, "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY");
    if (access == NULL || secret == NULL)
        return mr_error_set(err, MR_E_BLOB_ADDRESS,
                            "no credentials for bucket `%s`: set AWS_ACCESS_KEY_ID and "
                            "AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN for temporary ones)",
                            address->bucket);
    address->access_key = copy(access, strlen(access));
    address->secret_key = copy(secret, strlen(secret));
    /* A token belongs to the pair it came with. */
    const char *token = options->access_key != NULL
                            ? options->session_token
                            : from_environment(NULL, "AWS_SESSION_TOKEN", NULL);
    if (token != NULL)
        address->session_token = copy(token, strlen(token));
    const char *ca_file = from_environment(options->ca_file, "AWS_CA_BUNDLE", NULL);
    if (ca_file != NULL)
        address->ca_file = copy(ca_file, strlen(ca_file));
    return MR_OK;
}

static mr_status set_origin(mr_s3_address *address, const char *text, const char *endpoint,
                            bool is_path_style, mr_error *err)
{
    char made[512];
    if (endpoint == NULL)
        snprintf(made, sizeof made, "https://s3.%s.amazonaws.com", address->region);
    else
        snprintf(made, sizeof made, "%s", endpoint);
    size_t length = strlen(made);
    while (length > 0 && made[length - 1] == '/')
        made[--length] = '\0';
    const char *host = strstr(made, "://");
    bool is_good = host != NULL && length + 65 < sizeof made &&
                   (strncmp(made, "http://", 7) == 0 || strncmp(made, "https://", 8) == 0);
    host = is_good ? host + 3 : made;
    if (!is_good || *host == '\0' || strpbrk(host, "/@?# ") != NULL)
        return mr_error_set(err, MR_E_BLOB_ADDRESS,
                            "`%s`: endpoint `%s` is not http[s]://host[:port]", text, made);
    size_t scheme = (size_t)(host - made);
    mr_buffer origin = {0};
    mr_buffer_printf(&origin, "%.*s%s%s%s", (int)scheme, made, is_path_style ? "" : address->bucket,
                     is_path_style ? "" : ".", host);
    address->origin = copy(origin.data, origin.length);
    address->host = copy(origin.data + scheme, origin.length - scheme);
    mr_buffer_clear(&origin);
    mr_buffer_printf(&origin, "%s%s", is_path_style ? "/" : "",
                     is_path_style ? address->bucket : "");
    address->base_path = copy(origin.data, origin.length);
    mr_buffer_release(&origin);
    return MR_OK;
}

mr_status mr_s3_address_init(mr_s3_address *address, const char *text,
                             const mr_blobs_options *options, mr_error *err)
{
    *address = (mr_s3_address){0};
    parameters given = {0};
    const char *query = strchr(text, '?');
    mr_status status = read_parameters(text, query != NULL ? query + 1 : "", &given, err);
    if (status == MR_OK)
        status = read_place(address, text, err);
    if (status == MR_OK)
        status = read_credentials(address, options, err);
    const char *region = given.region != NULL ? given.region : options->region;
    region = from_environment(region, "AWS_REGION", "AWS_DEFAULT_REGION");
    if (region == NULL)
        region = "us-east-1";
    address->region = copy(region, strlen(region));
    const char *endpoint = given.endpoint != NULL ? given.endpoint : options->endpoint;
    endpoint = from_environment(endpoint, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL");
    /* A dot in a bucket's name is a level of a host's, which no certificate has. */
    bool is_path_style =
        given.path_style != NULL
            ? strcmp(given.path_style, "true") == 0
            : endpoint != NULL || (address->bucket != NULL && strchr(address->bucket, '.') != NULL);
    if (status == MR_OK && given.path_style != NULL && !is_path_style &&
        strcmp(given.path_style, "false") != 0)
        status = mr_error_set(err, MR_E_BLOB_ADDRESS, "`%s`: path-style is true or false", text);
    if (status == MR_OK)
        status = set_origin(address, text, endpoint, is_path_style, err);
    free(given.endpoint);
    free(given.region);
    free(given.path_style);
    if (status != MR_OK)
        mr_s3_address_release(address);
    return status;
}

void mr_s3_address_release(mr_s3_address *address)
{
    char *owned[] = {address->origin,     address->host,       address->base_path,
                     address->prefix,     address->bucket,     address->region,
                     address->access_key, address->secret_key, address->session_token,
                     address->ca_file};
    for (size_t i = 0; i < MR_LENGTH(owned); i++)
        free(owned[i]);
    *address = (mr_s3_address){0};
}
