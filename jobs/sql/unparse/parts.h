/*
 * Pieces of unparse that its files share.
 */
#ifndef MR_JOBS_SQL_UNPARSE_PARTS_H
#define MR_JOBS_SQL_UNPARSE_PARTS_H

#include "jobs/sql/unparse.h"

void mr_unparse_path(mr_buffer *out, const mr_ast_path *path);
void mr_unparse_call(mr_buffer *out, const mr_ast_call *call);
void mr_unparse_order(mr_buffer *out, const mr_ast_order *items,
                      uint32_t count); /* "ORDER BY .." */

#endif
