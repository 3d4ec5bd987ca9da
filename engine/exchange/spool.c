#include "engine/exchange/spool.h"

#include "engine/base/assert.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WRITE_BYTES ((size_t)1 << 20)

typedef struct kept {
    uint64_t at, epoch;
    uint32_t length, number;
} kept;

typedef struct channel {
    const mr_exchange *exchange;
    uint32_t upstream, downstream;
    kept *frames;
    size_t count, room, next;
} channel;

struct mr_spool {
    int file;
    uint64_t written;
    mr_buffer rest; /* behind what is in the file */
    channel *channels;
    uint32_t count, last;
};

mr_status mr_spool_open(mr_spool **result, mr_error *err)
{
    const char *parent = getenv("TMPDIR");
    char path[256];
    snprintf(path, sizeof path, "%s/millrace-frames-XXXXXX",
             parent != NULL && *parent != '\0' ? parent : "/tmp");
    int file = mkstemp(path);
    if (file < 0)
        return mr_error_set(err, MR_E_ENVIRONMENT, "cannot make a file %s: %s", path,
                            strerror(errno));
    (void)unlink(path);
    mr_spool *spool = calloc(1, sizeof *spool);
    MR_ASSERT(spool != NULL);
    spool->file = file;
    *result = spool;
    return MR_OK;
}

void mr_spool_close(mr_spool *spool)
{
    if (spool == NULL)
        return;
    close(spool->file);
    for (uint32_t i = 0; i < spool->count; i++)
        free(spool->channels[i].frames);
    free(spool->channels);
    mr_buffer_release(&spool->rest);
    free(spool);
}

/* A task's frames come one behind the other, so the one after the last is asked for most often. */
static channel *find(mr_spool *spool, const mr_exchange *exchange, uint32_t upstream,
                     uint32_t downstream)
{
    for (uint32_t i = 0; i < spool->count; i++) {
        channel *at = &spool->channels[(spool->last + i) % spool->count];
        if (at->exchange != exchange || at->upstream != upstream || at->downstream != downstream)
            continue;
        spool->last = (uint32_t)(at - spool->channels);
        return at;
    }
    return NULL;
}

static mr_status write_rest(mr_spool *spool, mr_error *err)
{
    size_t done = 0;
    while (done < spool->rest.length) {
        ssize_t wrote = pwrite(spool->file, spool->rest.data + done, spool->rest.length - done,
                               (off_t)(spool->written + done));
        if (wrote < 0 && errno != EINTR)
            return mr_error_set(err, MR_E_ENVIRONMENT, "cannot keep frames in a file: %s",
                                strerror(errno));
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    spool->written += done;
    mr_buffer_clear(&spool->rest);
    return MR_OK;
}

mr_status mr_spool_put(mr_spool *spool, const mr_exchange *exchange, uint32_t upstream,
                       uint32_t downstream, const char *frame, size_t length, mr_error *err)
{
    mr_frame_header header;
    mr_status status = mr_frame_head(frame, length, &header, err);
    if (status != MR_OK)
        return status;
    channel *to = find(spool, exchange, upstream, downstream);
    if (to == NULL) {
        spool->channels = realloc(spool->channels, (spool->count + 1) * sizeof *spool->channels);
        MR_ASSERT(spool->channels != NULL);
        to = &spool->channels[spool->count++];
        *to = (channel){.exchange = exchange, .upstream = upstream, .downstream = downstream};
    }
    if (to->count == to->room) {
        to->room = to->room != 0 ? to->room * 2 : 64;
        to->frames = realloc(to->frames, to->room * sizeof *to->frames);
        MR_ASSERT(to->frames != NULL);
    }
    to->frames[to->count++] = (kept){.at = spool->written + spool->rest.length,
                                     .epoch = header.epoch,
                                     .length = (uint32_t)length,
                                     .number = (uint32_t)header.number};
    mr_buffer_put(&spool->rest, frame, length);
    return spool->rest.length >= WRITE_BYTES ? write_rest(spool, err) : MR_OK;
}

bool mr_spool_peek(mr_spool *spool, const mr_exchange *exchange, uint32_t upstream,
                   uint32_t downstream, uint64_t *epoch, uint64_t *number)
{
    const channel *at = find(spool, exchange, upstream, downstream);
    if (at == NULL || at->next == at->count)
        return false;
    *epoch = at->frames[at->next].epoch;
    *number = at->frames[at->next].number;
    return true;
}

static mr_status read_back(mr_spool *spool, const kept *frame, mr_buffer *to, mr_error *err)
{
    size_t done = 0;
    mr_buffer_reserve(to, frame->length);
    while (done < frame->length) {
        ssize_t got = pread(spool->file, to->data + to->length, frame->length - done,
                            (off_t)(frame->at + done));
        if (got == 0 || (got < 0 && errno != EINTR))
            return mr_error_set(err, MR_E_ENVIRONMENT, "cannot read frames back: %s",
                                got == 0 ? "the file is too short" : strerror(errno));
        done += got > 0 ? (size_t)got : 0;
        to->length += got > 0 ? (size_t)got : 0;
    }
    return MR_OK;
}

mr_status mr_spool_take(mr_spool *spool, const mr_exchange *exchange, uint32_t upstream,
                        uint32_t downstream, mr_buffer *to, mr_error *err)
{
    channel *at = find(spool, exchange, upstream, downstream);
    MR_ASSERT(at != NULL && at->next < at->count);
    const kept *frame = &at->frames[at->next++];
    if (to == NULL)
        return MR_OK;
    mr_status status = frame->at >= spool->written ? write_rest(spool, err) : MR_OK;
    return status == MR_OK ? read_back(spool, frame, to, err) : status;
}
