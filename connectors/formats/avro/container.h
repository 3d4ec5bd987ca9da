/*
 * Object container files: a splitter (connectors/formats/splitter.h) that cuts them into records.
 *
 *   "Obj" 0x01 | metadata: map of bytes (avro.schema, avro.codec) | sync, 16 bytes
 *   { items, long | bytes, long | so many bytes, packed by the codec | sync }*
 *
 * Each record's value is one item in Avro's binary form, its key the schema's text (the decoder
 * compiles it once, see decode/decoder.h). Codecs: null, deflate, zstandard.
 * Where an item ends is told by the schema. An item that cannot be stepped over takes the rest of
 * its block with it, as one record, and the decoder says what is wrong; bytes behind a block's last
 * item go with that item. A damaged block (size, sync, codec) is an error of the splitter, and
 * cutting goes on behind the next sync marker; a damaged header has none.
 *
 * Offsets: of the first item of a block the byte at which the block begins, then one more each; but
 * always more than the one before. Not seekable: the schema is at the front.
 * Memory: one block unpacked, at most MR_AVRO_BLOCK_MAX. Errors: MR_E_AVRO_CONTAINER.
 */
#ifndef MR_CONNECTORS_FORMATS_AVRO_CONTAINER_H
#define MR_CONNECTORS_FORMATS_AVRO_CONTAINER_H

#include "connectors/formats/splitter.h"

#define MR_AVRO_BLOCK_MAX ((size_t)64 << 20)

mr_splitter *mr_avro_container_new(void);

#endif
