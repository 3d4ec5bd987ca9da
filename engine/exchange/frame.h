/*
 * Frame: a columnar record on an exchange topic: what one upstream task has for one downstream task
 * since its last frame, and how far it is.
 *
 *   0..2   magic "MRX"
 *   3      format version, u8: 1
 *   4      flags, u8: 1 the upstream is idle, 2 the body is an LZ4 block
 *   5..12  plan version, u64
 *          upstream varint | upstreams varint: how many there are | downstream varint
 *          epoch varint: of the upstream | number varint: of the frame in that epoch, for this
 *          downstream, from 0
 *          watermark zigzag: of the upstream, behind the rows of this frame; -2^63: no news
 *          length of the body, uncompressed, varint
 *          body: sections, to the end
 *   last 4 checksum, u32, of all bytes before
 *
 * Section: relation varint | rows varint, 1 .. 4096 | columns, u8: 1 event times, 2 watermarks,
 * 4 row kinds | those (times, times, u8 a row) | the relation's columns, see column.h.
 *
 * The relations of an exchange and their columns are the plan's; the frame names them by number.
 * Order: (epoch, number) rises from frame to frame of an upstream. A frame is not self-contained: a
 * reader has the plan. Reading takes any bytes without harm. Memory: as each function says.
 * Thread: pure.
 */
#ifndef MR_ENGINE_EXCHANGE_FRAME_H
#define MR_ENGINE_EXCHANGE_FRAME_H

#include "engine/base/buffer.h"
#include "engine/base/error.h"
#include "engine/batch/batch.h"
#include "engine/ports/compressor.h"

/* 4xxx codes of the exchange. */
enum {
    MR_E_FRAME_FORMAT = 4050, /* foreign or damaged frame */
};

#define MR_FRAME_BODY_MAX ((size_t)512 * 1024) /* a writer begins a new frame behind this */
#define MR_FRAME_RAW_MAX ((size_t)32 << 20)    /* a reader believes in no larger body */
#define MR_FRAME_COMPRESS_MIN ((size_t)1024)   /* smaller bodies are left as they are */

typedef struct mr_frame_header {
    uint64_t plan_version;
    uint32_t upstream, upstreams_count, downstream;
    uint64_t epoch, number;
    int64_t watermark_ms; /* MR_TIME_NONE: no news; MR_TIME_MAX: the upstream has ended */
    bool is_idle;
} mr_frame_header;

/* Appends the section of the `count` rows of `batch` that `rows` names (NULL: the first ones) to a
 * body. 1 <= count <= MR_BATCH_ROWS_MAX. */
void mr_frame_put_section(mr_buffer *body, uint32_t relation, const mr_batch *batch,
                          const uint32_t *rows, uint32_t count);

/* Appends the whole frame to `to`. `compressor` NULL: never compressed. */
void mr_frame_seal(const mr_frame_header *header, const mr_buffer *body,
                   const mr_compressor *compressor, mr_buffer *to);

/* What it says of itself; its body is not looked at. */
mr_status mr_frame_head(const char *bytes, size_t length, mr_frame_header *header, mr_error *err);

/* Checks all but the body's inside. `body` reads from the frame or, uncompressed, from `arena`. */
mr_status mr_frame_open(const char *bytes, size_t length, const mr_compressor *compressor,
                        mr_arena *arena, mr_frame_header *header, mr_reader *body, mr_error *err);

/* The next section: its batch in `arena`, all rows selected; strings point into the body. *is_end:
 * there is none. `relations` are the schemas by number. */
mr_status mr_frame_next_section(mr_reader *body, const mr_schema *relations,
                                uint32_t relations_count, mr_arena *arena, uint32_t *relation,
                                mr_batch *batch, bool *is_end, mr_error *err);

#endif
