#include "jobs/plan/binder/binder.h"

#include "jobs/plan/binder/query/query.h"
#include "jobs/sql/suggest.h"

#include <stdlib.h>
#include <string.h>

void mr_binder_init(mr_binder *binder, const mr_script *script, const mr_settings *settings,
                    const mr_expr_context *context, mr_arena *arena, mr_diagnostics *diagnostics)
{
    *binder = (mr_binder){.script = script,
                          .arena = arena,
                          .diagnostics = diagnostics,
                          .settings = settings,
                          .resolver = {.arena = arena, .context = context},
                          .context = ""};
}

void mr_binder_release(mr_binder *binder)
{
    mr_relations_release(&binder->relations);
    mr_names_release(&binder->names);
    mr_names_release(&binder->ids);
    free(binder->sinks);
    binder->sinks = NULL;
}

const char *mr_binder_text(const mr_binder *binder, mr_span span)
{
    char text[MR_BINDER_TEXT_MAX + 3];
    size_t length = 0;
    bool is_blank = false;
    uint32_t at = span.start;
    for (; at < span.end && at < binder->script->length && length < MR_BINDER_TEXT_MAX; at++) {
        char c = binder->script->text[at];
        bool is_space = c == ' ' || c == '\n' || c == '\r' || c == '\t';
        if (is_space && !is_blank && length > 0)
            text[length++] = ' ';
        else if (!is_space)
            text[length++] = c;
        is_blank = is_space;
    }
    if (at < span.end) {
        while (length > 0 && ((unsigned char)text[length - 1] & 0xc0) == 0x80)
            length--; /* not in the middle of a character */
        if (length > 0 && (unsigned char)text[length - 1] >= 0xc0)
            length--;
        text[length++] = '.';
        text[length++] = '.';
    }
    return mr_arena_string(binder->arena, text, length);
}

/* A number is appended when a statement makes two nodes of one kind. */
const char *mr_binder_id(mr_binder *binder, const char *part)
{
    const char *id = mr_arena_printf(binder->arena, "%s/%s", binder->context, part);
    mr_name *known = mr_names_find(&binder->ids, id);
    if (known == NULL)
        known = mr_names_add(&binder->ids, id, (mr_span){0}, binder->arena);
    known->uses++;
    return known->uses == 1 ? id : mr_arena_printf(binder->arena, "%s#%u", id, known->uses);
}

/* ---- names in FROM ---- */

/* "t$late" -> "t"; NULL: no such ending. */
static const char *without(const char *text, const char *ending, mr_arena *arena)
{
    size_t length = strlen(text), tail = strlen(ending);
    if (length <= tail || strcmp(text + length - tail, ending) != 0)
        return NULL;
    return mr_arena_string(arena, text, length - tail);
}

/* `v$lat` -> `v$late` where v is there; NULL: nothing of the kind. */
static const char *nearest_relation_of(mr_binder *binder, const char *text)
{
    static const char *const endings[] = {"$late", "$errors"};
    const char *dollar = strrchr(text, '$');
    if (dollar == NULL)
        return NULL;
    const char *base = mr_arena_string(binder->arena, text, (size_t)(dollar - text));
    const char *ending = mr_suggest(dollar, endings, 2);
    if (mr_names_find(&binder->names, base) == NULL)
        base = mr_names_nearest(&binder->names, base);
    return base != NULL && ending != NULL ? mr_arena_printf(binder->arena, "%s%s", base, ending)
                                          : NULL;
}

static mr_relation *unknown(mr_binder *binder, const char *text, mr_span span)
{
    mr_diagnostics_report(binder->diagnostics, MR_E_UNKNOWN_TABLE, span, "no table or view `%s`",
                          text);
    const char *nearest = nearest_relation_of(binder, text);
    if (nearest == NULL)
        nearest = mr_names_nearest(&binder->names, text);
    if (nearest != NULL)
        mr_diagnostics_label(binder->diagnostics, "did you mean `%s`?", nearest);
    else if (binder->names.count == 0)
        mr_diagnostics_hint(binder->diagnostics,
                            "CREATE TABLE %s (..) WITH ('connector' = '..') comes first", text);
    return NULL;
}

static mr_relation *bind_plain(mr_binder *binder, const char *text, mr_span span)
{
    for (const mr_with_name *with = binder->with; with != NULL; with = with->outer)
        if (strcmp(with->name, text) == 0)
            return with->relation;
    mr_name *name = mr_names_find(&binder->names, text);
    if (name == NULL)
        return unknown(binder, text, span);
    return name->is_view ? name->relation : mr_bind_table(binder, name, span);
}

static mr_relation *bind_errors(mr_binder *binder, const char *base, const char *text, mr_span span)
{
    mr_name *name = mr_names_find(&binder->names, base);
    if (name == NULL)
        return unknown(binder, base, span);
    if (name->is_view) {
        mr_diagnostics_report(binder->diagnostics, MR_E_LATE_RELATION, span,
                              "`%s` is a view: only tables have $errors", base);
        return NULL;
    }
    /* Whether the table must be readable hangs on whether the job writes it: the planner knows. */
    mr_relation *table = mr_bind_table(binder, name, (mr_span){0});
    return table != NULL ? mr_bind_errors(binder, table, text, span) : NULL;
}

mr_relation *mr_bind_name(mr_binder *binder, const mr_ast_path *path)
{
    const char *text = mr_path_text(path, binder->arena);
    const char *base = without(text, "$late", binder->arena);
    if (base != NULL) {
        mr_relation *relation = bind_plain(binder, base, path->span);
        return relation != NULL ? mr_bind_late(binder, relation, text, path->span) : NULL;
    }
    base = without(text, "$errors", binder->arena);
    if (base != NULL)
        return bind_errors(binder, base, text, path->span);
    return bind_plain(binder, text, path->span);
}

/* ---- statements ---- */

/* The entry of a new name; NULL: reported, or IF NOT EXISTS and there. */
static mr_name *define(mr_binder *binder, const mr_ast_path *path, bool if_not_exists)
{
    const char *text = mr_path_text(path, binder->arena);
    if (strstr(text, "$late") != NULL || strstr(text, "$errors") != NULL) {
        mr_diagnostics_report(binder->diagnostics, MR_E_DUPLICATE_TABLE, path->span,
                              "names with $late and $errors belong to the engine");
        return NULL;
    }
    const mr_name *known = mr_names_find(&binder->names, text);
    if (known == NULL)
        return mr_names_add(&binder->names, text, path->span, binder->arena);
    if (!if_not_exists) {
        mr_diagnostics_report(binder->diagnostics, MR_E_DUPLICATE_TABLE, path->span,
                              "`%s` is defined already", text);
        mr_diagnostics_hint(binder->diagnostics, "first in line %u",
                            mr_script_place(binder->script, known->span.start).line);
    }
    return NULL;
}

static void create_table(mr_binder *binder, const mr_ast_create_table *ast)
{
    mr_name *name = define(binder, &ast->name, ast->if_not_exists);
    if (name == NULL)
        return;
    name->table = mr_table_read(ast, binder->arena, binder->diagnostics);
    binder->context = name->name;
    mr_bind_table(binder, name, (mr_span){0});
}

static void create_view(mr_binder *binder, const mr_ast_create_view *ast)
{
    mr_name *name = define(binder, &ast->name, ast->if_not_exists);
    binder->context = mr_path_text(&ast->name, binder->arena);
    mr_relation *relation = mr_bind_query(binder, ast->query);
    relation = mr_bind_rename(binder, relation, &ast->columns);
    if (name == NULL)
        return;
    name->is_view = true;
    name->relation = relation;
    name->is_relation_made = true;
}

static bool reads_late(const mr_ast_statement *statement)
{
    switch (statement->kind) {
    case MR_AST_INSERT: return mr_query_reads_late(statement->insert.query);
    case MR_AST_QUERY: return mr_query_reads_late(statement->query);
    default: return false;
    }
}

static void bind_statement(mr_binder *binder, const mr_ast_statement *statement, bool late_ones)
{
    switch (statement->kind) {
    case MR_AST_CREATE_TABLE:
        if (!late_ones)
            create_table(binder, &statement->create_table);
        break;
    case MR_AST_CREATE_VIEW:
        if (!late_ones)
            create_view(binder, &statement->create_view);
        break;
    case MR_AST_INSERT:
        if (reads_late(statement) == late_ones)
            mr_bind_insert(binder, &statement->insert);
        break;
    case MR_AST_QUERY:
        if (reads_late(statement) == late_ones)
            mr_bind_select(binder, statement->query, statement->span);
        break;
    case MR_AST_STATEMENT_SET:
        for (uint32_t i = 0; i < statement->set.count; i++)
            bind_statement(binder, statement->set.inserts[i], late_ones);
        break;
    case MR_AST_EXPLAIN:
        if (statement->explain != NULL)
            bind_statement(binder, statement->explain, late_ones);
        break;
    case MR_AST_SET:
    case MR_AST_RESET: break; /* settings.c */
    }
}

/* A script with EXPLAIN asks for plans, not for a run: what it explains is planned, the rest is
 * left out. */
static bool asks_to_explain(const mr_ast_script *script)
{
    for (uint32_t i = 0; i < script->count; i++)
        if (script->statements[i]->kind == MR_AST_EXPLAIN)
            return true;
    return false;
}

void mr_bind_script(mr_binder *binder, const mr_ast_script *script)
{
    binder->is_explain = asks_to_explain(script);
    for (int late_ones = 0; late_ones < 2; late_ones++)
        for (uint32_t i = 0; i < script->count; i++)
            bind_statement(binder, script->statements[i], late_ones == 1);
    mr_span end = {(uint32_t)binder->script->length, (uint32_t)binder->script->length};
    if (binder->sinks_count == 0 && binder->diagnostics->errors == 0) {
        mr_diagnostics_report(binder->diagnostics, MR_E_NOTHING_TO_RUN, end,
                              "the job has nothing to run");
        mr_diagnostics_hint(binder->diagnostics, "it needs an INSERT INTO .. SELECT, or a SELECT");
    }
}
