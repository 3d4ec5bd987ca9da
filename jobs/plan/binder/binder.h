/*
 * The binder: syntax trees to relations. What its files share.
 *
 * Every function reports what is wrong and returns NULL (or false); a NULL that comes from a view
 * or table which was itself reported wrong is silent. Thread: one. Memory: the job's arena.
 */
#ifndef MR_JOBS_PLAN_BINDER_BINDER_H
#define MR_JOBS_PLAN_BINDER_BINDER_H

#include "jobs/plan/binder/names.h"
#include "jobs/plan/binder/relation.h"

/* INSERT INTO table, or a SELECT on its own. */
typedef struct mr_bound_sink {
    mr_relation *input; /* columns in the sink's order, with its types */
    mr_table *table;    /* NULL: print */
    const char *id;
    mr_span span; /* of its name in INSERT, or of the SELECT */
} mr_bound_sink;

/* WITH name AS (..), innermost first. */
typedef struct mr_with_name {
    const char *name;
    mr_relation *relation; /* NULL: broken */
    const struct mr_with_name *outer;
} mr_with_name;

typedef struct mr_binder {
    const mr_script *script;
    mr_arena *arena;
    mr_diagnostics *diagnostics;
    const mr_settings *settings;
    mr_resolver resolver;
    mr_relations relations;
    mr_names names;
    mr_names ids; /* of nodes */
    const mr_with_name *with;
    const char *context; /* first part of node ids: the view or the sink being bound */
    mr_bound_sink *sinks;
    uint32_t sinks_count, sinks_capacity;
    uint32_t selects_count;      /* SELECTs on their own */
    const mr_ast_select *select; /* whose WHERE, GROUP BY and list are being bound; NULL: none */
    bool is_explain;             /* the script asks for nothing but EXPLAIN */
} mr_binder;

/* All-zero members aside from these five. */
void mr_binder_init(mr_binder *binder, const mr_script *script, const mr_settings *settings,
                    const mr_expr_context *context, mr_arena *arena, mr_diagnostics *diagnostics);
void mr_binder_release(mr_binder *binder);

/* Binds all statements; what was found wrong is in the diagnostics. */
void mr_bind_script(mr_binder *binder, const mr_ast_script *script);

/* The relation of a table or view, or of `name$late`, `name$errors`; NULL: reported. */
mr_relation *mr_bind_name(mr_binder *binder, const mr_ast_path *path);

/* The relation of a table, made on first use; NULL: wrong. `span`: the use. */
mr_relation *mr_bind_table(mr_binder *binder, mr_name *name, mr_span span);

/* `query` with columns converted for `table`; appended to the sinks. */
void mr_bind_insert(mr_binder *binder, const mr_ast_insert *insert);
void mr_bind_select(mr_binder *binder, const mr_ast_query *query, mr_span span);

/* "context/part", made unique in the job. */
const char *mr_binder_id(mr_binder *binder, const char *part);

#define MR_BINDER_TEXT_MAX 200

/* The text of a span with blanks folded, cut when long. */
const char *mr_binder_text(const mr_binder *binder, mr_span span);

#endif
