#include "connectors/schemas/http.h"

#include "engine/base/assert.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEDIA_TYPE "application/vnd.schemaregistry.v1+json"

struct mr_http {
    CURL *curl;
    struct curl_slist *headers;
    char why[CURL_ERROR_SIZE];
};

static size_t keep(char *bytes, size_t size, size_t count, void *context)
{
    mr_buffer *body = context;
    if (body->length + size * count > MR_HTTP_BODY_MAX)
        return 0;
    mr_buffer_put(body, bytes, size * count);
    return size * count;
}

static void set_text(CURL *curl, CURLoption option, const char *text)
{
    if (text != NULL)
        (void)curl_easy_setopt(curl, option, text);
}

static void set_security(mr_http *http, const mr_http_config *config)
{
    CURL *curl = http->curl;
    if (config->user_info != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        set_text(curl, CURLOPT_USERPWD, config->user_info);
    } else if (config->token != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        set_text(curl, CURLOPT_XOAUTH2_BEARER, config->token);
    }
    set_text(curl, CURLOPT_CAINFO, config->ca_file);
    set_text(curl, CURLOPT_SSLCERT, config->cert_file);
    set_text(curl, CURLOPT_KEYPASSWD, config->cert_password);
    if (config->is_cert_pkcs12)
        set_text(curl, CURLOPT_SSLCERTTYPE, "P12");
    else
        set_text(curl, CURLOPT_SSLKEY, config->cert_file);
}

mr_http *mr_http_new(const mr_http_config *config)
{
    mr_http *http = calloc(1, sizeof *http);
    MR_ASSERT(http != NULL);
    http->curl = curl_easy_init();
    MR_ASSERT(http->curl != NULL);
    http->headers = curl_slist_append(NULL, "Accept: " MEDIA_TYPE ", application/json");
    http->headers = curl_slist_append(http->headers, "Content-Type: " MEDIA_TYPE);
    (void)curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, http->headers);
    (void)curl_easy_setopt(http->curl, CURLOPT_USERAGENT, "millrace/" MR_VERSION);
    (void)curl_easy_setopt(http->curl, CURLOPT_NOSIGNAL, 1L); /* other threads have their own */
    (void)curl_easy_setopt(http->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(http->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)config->connect_timeout_ms);
    (void)curl_easy_setopt(http->curl, CURLOPT_TIMEOUT_MS, (long)config->timeout_ms);
    (void)curl_easy_setopt(http->curl, CURLOPT_ERRORBUFFER, http->why);
    (void)curl_easy_setopt(http->curl, CURLOPT_WRITEFUNCTION, keep);
    set_security(http, config);
    return http;
}

void mr_http_free(mr_http *http)
{
    if (http == NULL)
        return;
    curl_easy_cleanup(http->curl);
    curl_slist_free_all(http->headers);
    free(http);
}

static bool stays(CURLcode code)
{
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CERTPROBLEM ||
           code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_ENGINE_SETFAILED ||
           code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL;
}

void mr_http_request(mr_http *http, const char *url, const char *body, mr_http_answer *answer)
{
    mr_buffer_clear(&answer->body);
    answer->status = 0;
    answer->is_certificate = answer->is_too_large = false;
    http->why[0] = '\0';
    (void)curl_easy_setopt(http->curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(http->curl, CURLOPT_WRITEDATA, &answer->body);
    if (body != NULL) {
        (void)curl_easy_setopt(http->curl, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(http->curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
        (void)curl_easy_setopt(http->curl, CURLOPT_POSTFIELDS, body);
    } else {
        (void)curl_easy_setopt(http->curl, CURLOPT_HTTPGET, 1L);
    }
    CURLcode code = curl_easy_perform(http->curl);
    if (code == CURLE_OK) {
        (void)curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &answer->status);
        return;
    }
    answer->is_certificate = stays(code);
    answer->is_too_large = code == CURLE_WRITE_ERROR; /* `keep` has refused */
    snprintf(answer->why, sizeof answer->why, "%s",
             http->why[0] != '\0' ? http->why : curl_easy_strerror(code));
}
