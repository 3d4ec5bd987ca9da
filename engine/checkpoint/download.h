/*
 * Download: a checkpoint becomes the local store of its task.
 *
 * Every file is checked by its digest as it lies on the disk, and only then takes the store's place
 * (engine/ports/store.h: import). Recovery goes on from there as from any local store.
 *
 * Thread: one at a time; blocks. Errors: those of both ports; MR_E_CHECKPOINT.
 */
#ifndef MR_ENGINE_CHECKPOINT_DOWNLOAD_H
#define MR_ENGINE_CHECKPOINT_DOWNLOAD_H

#include "engine/base/breath.h"
#include "engine/checkpoint/shelf.h"

typedef struct mr_download_request {
    mr_blobs *blobs;
    mr_store_factory *stores; /* the task's store is closed */
    const char *job;
    uint32_t task;
    const char *id;
    uint64_t plan_version;
    mr_breath breath; /* taken between pieces */
} mr_download_request;

MR_MUST_USE mr_status mr_download_run(const mr_download_request *request, mr_error *err);

/* The files of a manifest are there, and are what it says; nothing is kept of them. Counts the
 * good ones. */
MR_MUST_USE mr_status mr_download_verify(mr_blobs *blobs, const mr_manifest *manifest,
                                         uint32_t *files_good, mr_error *err);

#endif
