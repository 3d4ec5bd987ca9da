#include "tests/harness/kafka/witness.h"

#include <pthread.h>
#include <stdio.h>

#define SEEN_MAX 256

typedef struct seen {
    pthread_mutex_t lock;
    struct {
        rd_kafka_resp_err_t error;
        mr_kafka_context context;
    } look[SEEN_MAX];
    size_t count;
} seen;

static seen *process(void)
{
    static seen all = {.lock = PTHREAD_MUTEX_INITIALIZER}; /* of this test's own process */
    return &all;
}

static bool has(const seen *all, rd_kafka_resp_err_t error, mr_kafka_context context)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->look[i].error == error && all->look[i].context == context)
            return true;
    return false;
}

bool kafka_witness_saw(rd_kafka_resp_err_t error, mr_kafka_context context)
{
    seen *all = process();
    pthread_mutex_lock(&all->lock);
    bool is_seen = has(all, error, context);
    pthread_mutex_unlock(&all->lock);
    return is_seen;
}

const char *kafka_witness_all(char *text, size_t size)
{
    seen *all = process();
    size_t length = 0;
    text[0] = '\0';
    pthread_mutex_lock(&all->lock);
    for (size_t i = 0; i < all->count && length < size; i++)
        length +=
            (size_t)snprintf(text + length, size - length, "%s@%d ",
                             rd_kafka_err2name(all->look[i].error), (int)all->look[i].context);
    pthread_mutex_unlock(&all->lock);
    return text;
}

/* The linker's names: calls of mr_kafka_rule_of come here, and __real_ is the function itself. */
const mr_kafka_rule *__real_mr_kafka_rule_of(rd_kafka_resp_err_t error, mr_kafka_context context);
const mr_kafka_rule *__wrap_mr_kafka_rule_of(rd_kafka_resp_err_t error, mr_kafka_context context);

const mr_kafka_rule *__wrap_mr_kafka_rule_of(rd_kafka_resp_err_t error, mr_kafka_context context)
{
    seen *all = process();
    pthread_mutex_lock(&all->lock);
    if (all->count < SEEN_MAX && !has(all, error, context)) {
        all->look[all->count].error = error;
        all->look[all->count++].context = context;
    }
    pthread_mutex_unlock(&all->lock);
    return __real_mr_kafka_rule_of(error, context);
}
