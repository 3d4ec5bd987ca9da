/*
 * HTTP requests to a schema registry: small, blocking, bounded in time and size.
 *
 * Redirects are not followed (credentials would go along), answers over MR_HTTP_BODY_MAX are
 * refused. Thread: one at a time. Memory: the connection is kept open between requests.
 */
#ifndef MR_CONNECTORS_SCHEMAS_HTTP_H
#define MR_CONNECTORS_SCHEMAS_HTTP_H

#include "engine/base/buffer.h"
#include "engine/base/error.h"

#define MR_HTTP_BODY_MAX ((size_t)4 << 20)

typedef struct mr_http mr_http;

/* NULL: without. Texts are copied. */
typedef struct mr_http_config {
    const char *user_info; /* user:password */
    const char *token;     /* bearer */
    const char *ca_file;   /* PEM */
    const char *cert_file; /* PEM (with the key) or PKCS #12 */
    const char *cert_password;
    bool is_cert_pkcs12;
    int32_t connect_timeout_ms, timeout_ms;
} mr_http_config;

typedef struct mr_http_answer {
    long status; /* of HTTP; 0: there was none */
    mr_buffer body;
    bool is_certificate; /* the failure will stay: a certificate or a key is wrong */
    bool is_too_large;   /* it will stay, too: more than MR_HTTP_BODY_MAX */
    char why[256];       /* status 0: why */
} mr_http_answer;

mr_http *mr_http_new(const mr_http_config *config);
void mr_http_free(mr_http *http);

/* `body` NULL: GET, else POST. `answer` is emptied first; its body is the caller's to release. */
void mr_http_request(mr_http *http, const char *url, const char *body, mr_http_answer *answer);

#endif
