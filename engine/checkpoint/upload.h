/*
 * Upload: a checkpoint of one task in the making, one port call a step.
 *
 *   begin -> [image] -> IMAGED -> [shelf, previous manifest, (digest, file)*, manifest] -> DONE
 *               |                                |
 *               +--------------------------------+--> FAILED
 *
 * Two jobs for a helper: the first takes the image and needs the store; from IMAGED on the store
 * may do what it likes, closing included. Files that the newest checkpoint on the shelf has are not
 * sent again; all others are, whether they lie there or not (a sweep may be about to take them).
 * DONE says only that it lies in the blob store: it counts when an epoch record names it.
 *
 * Thread: one at a time; `cancel` from any. Memory: one image, one piece of a file.
 */
#ifndef MR_ENGINE_CHECKPOINT_UPLOAD_H
#define MR_ENGINE_CHECKPOINT_UPLOAD_H

#include "engine/checkpoint/shelf.h"
#include "engine/ports/clock.h"

#include <stdatomic.h>

typedef enum mr_upload_phase {
    MR_UPLOAD_IDLE = 0,
    MR_UPLOAD_IMAGE,
    MR_UPLOAD_IMAGED,
    MR_UPLOAD_SHELF,
    MR_UPLOAD_PREVIOUS,
    MR_UPLOAD_DIGEST,
    MR_UPLOAD_FILE,
    MR_UPLOAD_MANIFEST,
    MR_UPLOAD_DONE,
    MR_UPLOAD_FAILED,
} mr_upload_phase;

typedef struct mr_upload {
    mr_upload_phase phase;
    mr_local_store *store; /* NULL from IMAGED on */
    mr_blobs *blobs;
    const mr_clock *clock;
    const char *job; /* borrowed */
    uint32_t task;
    mr_buffer record;
    mr_store_image *image;
    mr_manifest manifest;
    mr_manifest previous; /* all-zero: none */
    char previous_id[MR_MANIFEST_ID_SIZE];
    uint32_t file;
    char id[MR_MANIFEST_ID_SIZE]; /* of DONE */
    uint32_t files_sent;
    uint64_t bytes_sent;
    atomic_bool is_cancelled;
    mr_error err; /* of FAILED */
} mr_upload;

typedef struct mr_upload_request {
    mr_local_store *store;
    mr_blobs *blobs;
    const mr_clock *clock;
    const char *job;
    uint32_t task;
    const char *record; /* of the epoch that the store has applied last; copied */
    size_t record_length;
} mr_upload_request;

/* An all-zero upload is IDLE. It is IDLE here and IMAGE afterwards. */
void mr_upload_begin(mr_upload *upload, const mr_upload_request *request);

/* Both take the mr_upload and fit mr_helper_job. The first ends in IMAGED or FAILED, the second,
 * begun at IMAGED, in DONE or FAILED. An empty store FAILS with MR_E_CHECKPOINT. */
bool mr_upload_image_step(void *context);
bool mr_upload_send_step(void *context);

/* The next step, and the next piece of a file, FAIL. */
void mr_upload_cancel(mr_upload *upload);

/* IDLE again; no job is under way. */
void mr_upload_end(mr_upload *upload);

#endif
