/*
 * Spool: frames that played tasks sent, kept until those behind them are played.
 *
 * A channel is (exchange, upstream, downstream); its frames come back in the order they were put.
 * The bytes lie in a file without a name, so that a long past costs disk and no memory; per frame
 * 24 bytes of memory are kept. Thread: one. Errors: MR_E_ENVIRONMENT of the file.
 */
#ifndef MR_ENGINE_EXCHANGE_SPOOL_H
#define MR_ENGINE_EXCHANGE_SPOOL_H

#include "engine/base/buffer.h"
#include "engine/exchange/exchange.h"
#include "engine/exchange/frame.h"

typedef struct mr_spool mr_spool;

/* In TMPDIR, or /tmp. */
MR_MUST_USE mr_status mr_spool_open(mr_spool **spool, mr_error *err);
void mr_spool_close(mr_spool *spool);

MR_MUST_USE mr_status mr_spool_put(mr_spool *spool, const mr_exchange *exchange, uint32_t upstream,
                                   uint32_t downstream, const char *frame, size_t length,
                                   mr_error *err);

/* The next frame of a channel stays where it is; false: there is none. */
bool mr_spool_peek(mr_spool *spool, const mr_exchange *exchange, uint32_t upstream,
                   uint32_t downstream, uint64_t *epoch, uint64_t *number);

/* Appends its bytes to `to` (NULL: they are not wanted) and goes on to the one behind it. */
MR_MUST_USE mr_status mr_spool_take(mr_spool *spool, const mr_exchange *exchange, uint32_t upstream,
                                    uint32_t downstream, mr_buffer *to, mr_error *err);

#endif
