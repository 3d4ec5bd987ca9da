/*
 * Codecs of whole records, made of one for the key and one for the value.
 *
 * A row exists when both parts gave one for its record. Thread: one at a time. Memory: owns the
 * parts.
 */
#ifndef MR_CONNECTORS_FORMATS_PAIR_H
#define MR_CONNECTORS_FORMATS_PAIR_H

#include "connectors/formats/writer.h"
#include "engine/ports/codec.h"

/* Takes over both decoders. Column i of the key goes to output column key_places[i], likewise of
 * the value (places are copied). */
mr_decoder *mr_pair_decoder_new(mr_decoder *key, const uint32_t *key_places, uint32_t key_count,
                                mr_decoder *value, const uint32_t *value_places,
                                uint32_t value_count);

/* Takes over both writers; `key` NULL: records have no key. */
mr_encoder *mr_pair_encoder_new(mr_row_writer *key, mr_row_writer *value);

#endif
