/*
 * libcurl, loaded at the first request: under its own names, so that the schema registry, the blob
 * stores and librdkafka's OIDC find it as ever. The loader would bind it and all that it brings at
 * each start, whether or not somebody speaks HTTP.
 *
 * There is no pointer to keep: a library is found again in a microsecond, and a request takes a
 * thousand. Thread: any; libcurl from 7.85 on initializes itself under a lock of its own.
 */
#include <curl/curl.h>
#include <dlfcn.h>
#include <stdarg.h>

/* They check their arguments, and call what is defined here. */
#undef curl_easy_setopt
#undef curl_easy_getinfo

/* The third argument of setopt and getinfo is as wide as a pointer, whatever it is. */
_Static_assert(sizeof(void *) == sizeof(curl_off_t) && sizeof(void *) == sizeof(long), "64 bits");

/* NULL: it is not installed. */
static void *find(const char *name)
{
    void *library = dlopen("libcurl.so.4", RTLD_LAZY | RTLD_LOCAL);
    return library != NULL ? dlsym(library, name) : NULL;
}

/* librdkafka asks at each start; curl_easy_init sees to it. */
CURLcode curl_global_init(long flags)
{
    (void)flags;
    return CURLE_OK;
}

CURL *curl_easy_init(void)
{
    union {
        void *found;
        CURL *(*call)(void);
    } it = {find("curl_easy_init")};
    return it.found != NULL ? it.call() : NULL;
}

void curl_easy_cleanup(CURL *curl)
{
    union {
        void *found;
        void (*call)(CURL *);
    } it = {find("curl_easy_cleanup")};
    it.call(curl);
}

CURLcode curl_easy_setopt(CURL *curl, CURLoption option, ...)
{
    union {
        void *found;
        CURLcode (*call)(CURL *, CURLoption, ...);
    } it = {find("curl_easy_setopt")};
    va_list arguments;
    va_start(arguments, option);
    void *value = va_arg(arguments, void *);
    va_end(arguments);
    return it.call(curl, option, value);
}

CURLcode curl_easy_getinfo(CURL *curl, CURLINFO info, ...)
{
    union {
        void *found;
        CURLcode (*call)(CURL *, CURLINFO, ...);
    } it = {find("curl_easy_getinfo")};
    va_list arguments;
    va_start(arguments, info);
    void *value = va_arg(arguments, void *);
    va_end(arguments);
    return it.call(curl, info, value);
}

CURLcode curl_easy_perform(CURL *curl)
{
    union {
        void *found;
        CURLcode (*call)(CURL *);
    } it = {find("curl_easy_perform")};
    return it.call(curl);
}

const char *curl_easy_strerror(CURLcode code)
{
    union {
        void *found;
        const char *(*call)(CURLcode);
    } it = {find("curl_easy_strerror")};
    return it.found != NULL ? it.call(code) : "libcurl is not installed";
}

struct curl_slist *curl_slist_append(struct curl_slist *list, const char *text)
{
    union {
        void *found;
        struct curl_slist *(*call)(struct curl_slist *, const char *);
    } it = {find("curl_slist_append")};
    return it.found != NULL ? it.call(list, text) : NULL;
}

void curl_slist_free_all(struct curl_slist *list)
{
    union {
        void *found;
        void (*call)(struct curl_slist *);
    } it = {find("curl_slist_free_all")};
    if (it.found != NULL)
        it.call(list);
}
