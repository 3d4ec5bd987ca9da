/*
 * The little XML that S3 answers with: elements found by name, texts with their entities undone.
 *
 * No document is built and nothing is validated: what is not understood is not found.
 * Thread: no shared state.
 */
#ifndef MR_CONNECTORS_BLOBS_XML_H
#define MR_CONNECTORS_BLOBS_XML_H

#include <stdbool.h>
#include <stddef.h>

/* The contents of the next element `name` at or behind `*at`; moves `*at` behind it. */
bool mr_xml_next(const char **at, const char *end, const char *name, const char **contents,
                 size_t *length);

/* The text of the first element `name`, cut to `to_size`; "" when there is none. */
void mr_xml_text(const char *bytes, size_t length, const char *name, char *to, size_t to_size);

#endif
