/*
 * A compiled program: the flat list of kernel calls that computes some expressions over a batch.
 *
 * Compiled once per operator; common subexpressions are computed once, constants folded (an
 * expression that fails while folding is kept and fails per row). AND, OR, CASE and COALESCE run
 * their branches under a selection, so a branch not taken never fails a row.
 * Thread: one at a time (it owns scratch). Memory: results live in the batch's arena.
 */
#ifndef MR_ENGINE_EXPR_PROGRAM_H
#define MR_ENGINE_EXPR_PROGRAM_H

#include "engine/expr/expr.h"

typedef struct mr_program mr_program;

/* Compiles `count` expressions. The trees and `context` must outlive the program. */
mr_status mr_program_new(const mr_expr *const *outputs, uint32_t count,
                         const mr_expr_context *context, mr_program **program, mr_error *err);
void mr_program_free(mr_program *program);

/* Computes every output for the batch's selected rows: `results[i]` is a flat vector of batch->rows
 * values (unselected rows unspecified). A column reference may alias the batch's own column.
 * Failing rows are added to `errors` (text set, not settled); their results are NULL. */
void mr_program_run(mr_program *program, const mr_batch *batch, mr_vector *results,
                    mr_row_errors *errors);

/* Runs a program of one BOOLEAN output and writes the rows where it is TRUE to `to` (room for
 * batch->selected); returns how many. Rows that failed are in `errors` and not in `to`. */
uint32_t mr_program_filter(mr_program *program, const mr_batch *batch, uint32_t *to,
                           mr_row_errors *errors);

/* The listing, one instruction a line, for EXPLAIN and tests. Appends to `text`. */
struct mr_buffer;
void mr_program_print(const mr_program *program, struct mr_buffer *text);

#endif
