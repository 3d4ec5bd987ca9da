/*
 * Cyrus SASL reads and loads all its plugins when it is initialized, which librdkafka does before
 * its first handle. Only a connection with Kerberos (sasl.mechanism=GSSAPI) makes use of them: the
 * linker leads both calls here (--wrap), and the first such connection initializes.
 *
 * Thread: any.
 */
#include <pthread.h>

int __wrap_sasl_client_init(const void *callbacks);
int __wrap_sasl_client_new(const char *service, const char *host, const char *local,
                           const char *remote, const void *callbacks, unsigned flags, void **made);
int __real_sasl_client_init(const void *callbacks);
int __real_sasl_client_new(const char *service, const char *host, const char *local,
                           const char *remote, const void *callbacks, unsigned flags, void **made);

int __wrap_sasl_client_init(const void *callbacks)
{
    (void)callbacks; /* librdkafka gives none */
    return 0;
}

int __wrap_sasl_client_new(const char *service, const char *host, const char *local,
                           const char *remote, const void *callbacks, unsigned flags, void **made)
{
    /* Once is enough, and more often only counts; two at once would load into one list. */
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    int status = __real_sasl_client_init(NULL);
    pthread_mutex_unlock(&lock);
    return status == 0
               ? __real_sasl_client_new(service, host, local, remote, callbacks, flags, made)
               : status;
}
