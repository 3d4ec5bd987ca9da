/*
 * A row as text, for dead letters of rows that an operator made and for samples in the log.
 * One JSON object: numbers, booleans and strings as such; dates and times as SQL writes them,
 * TIMESTAMP_LTZ in UTC with a Z; bytes in hexadecimal; intervals as months or microseconds.
 */
#ifndef MR_ENGINE_RUN_ROW_TEXT_H
#define MR_ENGINE_RUN_ROW_TEXT_H

#include "engine/base/buffer.h"
#include "engine/batch/batch.h"

/* Appends row `row` of `batch`; `names` may be NULL (c0, c1 ..). Columns named $0, $1 .. are
 * the planner's own and left out. */
void mr_row_text(const mr_batch *batch, uint32_t row, const mr_field *names, mr_buffer *to);

#endif
