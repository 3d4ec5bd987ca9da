/* TABLE relations: leaves of ROW columns, computed columns, watermark, constraints. */
#include "jobs/plan/binder/expr/scope.h"

#include <string.h>

static uint32_t leaves_of(const mr_ast_type *shape)
{
    if (shape == NULL || shape->form != MR_AST_TYPE_ROW)
        return 1;
    uint32_t count = 0;
    for (uint32_t i = 0; i < shape->fields_count; i++)
        count += leaves_of(shape->fields[i].type);
    return count;
}

/* Appends the leaves of one column; a leaf of a nullable ROW is nullable. */
static void put_leaves(mr_binder *binder, mr_relation *relation, const char *name,
                       const mr_ast_type *shape, mr_type type, const char *const *path,
                       uint32_t path_length, bool is_nullable)
{
    if (shape == NULL || shape->form != MR_AST_TYPE_ROW) {
        relation->columns[relation->columns_count++] =
            (mr_relation_column){.name = name,
                                 .path = path,
                                 .path_length = path_length,
                                 .type = mr_type_nullable(type, type.is_nullable || is_nullable)};
        return;
    }
    for (uint32_t i = 0; i < shape->fields_count; i++) {
        const mr_ast_field *field = &shape->fields[i];
        const char **longer = mr_arena_zalloc(binder->arena, path_length + 1, sizeof *longer);
        if (path_length > 0)
            memcpy(longer, path, path_length * sizeof *longer);
        longer[path_length] = field->name.text;
        mr_type inner = field->type->scalar;
        put_leaves(binder, relation, name, field->type, inner, longer, path_length + 1,
                   is_nullable || !shape->is_not_null);
    }
}

static mr_relation *make_columns(mr_binder *binder, mr_table *table)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < table->columns_count; i++)
        count += leaves_of(table->columns[i].shape);
    mr_relation *relation =
        mr_relation_new(&binder->relations, binder->arena, MR_RELATION_TABLE, NULL, 0, count);
    relation->table = table;
    relation->errors = table->errors;
    relation->id = table->name;
    relation->exprs = mr_arena_zalloc(binder->arena, count, sizeof *relation->exprs);
    relation->columns_count = 0;
    for (uint32_t i = 0; i < table->columns_count; i++) {
        const mr_table_column *column = &table->columns[i];
        put_leaves(binder, relation, column->name, column->shape, column->type, NULL, 0, false);
        if (column->kind == MR_AST_COLUMN_COMPUTED)
            relation->columns[relation->columns_count - 1].role = MR_ROLE_PENDING;
    }
    return relation;
}

static bool bind_computed(mr_binder *binder, mr_relation *relation)
{
    const mr_table *table = relation->table;
    mr_scope scope = {.relation = relation, .alias = table->name, .clause = "a computed column"};
    bool is_good = true;
    uint32_t at = 0;
    for (uint32_t i = 0; i < table->columns_count; i++) {
        const mr_table_column *column = &table->columns[i];
        if (column->kind == MR_AST_COLUMN_COMPUTED) {
            mr_expr *expr = mr_bind_expr(binder, &scope, column->expr);
            is_good &= expr != NULL;
            relation->exprs[at] = expr;
            if (expr != NULL)
                relation->columns[at].type = expr->type;
            if (expr != NULL && expr->type.kind == MR_TYPE_NULL) {
                mr_diagnostics_report(binder->diagnostics, MR_E_COMPUTED_COLUMN, column->expr->span,
                                      "a bare NULL has no type");
                mr_diagnostics_label(binder->diagnostics, "write CAST(NULL AS ..)");
                is_good = false;
            }
        }
        at += leaves_of(column->shape);
    }
    for (uint32_t i = 0; i < relation->columns_count; i++)
        relation->columns[i].role = MR_ROLE_NONE;
    return is_good;
}

static bool refuse_watermark(mr_binder *binder, mr_code code, mr_span span, const char *message,
                             const char *hint)
{
    mr_diagnostics_report(binder->diagnostics, code, span, "%s", message);
    if (hint != NULL)
        mr_diagnostics_hint(binder->diagnostics, "%s", hint);
    return false;
}

static bool check_watermark_column(mr_binder *binder, const mr_relation *relation, uint32_t column)
{
    const mr_ast_watermark *ast = &relation->table->ast->watermark;
    const mr_relation_column *time = &relation->columns[column];
    char name[MR_TYPE_NAME_MAX];
    if (time->path_length > 0)
        return refuse_watermark(binder, MR_E_WATERMARK_COLUMN, ast->column.span,
                                "a watermark column stands at the top, not in a ROW",
                                "add a computed column: ts AS r.ts");
    if (!mr_type_is_timestamp(time->type)) {
        mr_diagnostics_report(binder->diagnostics, MR_E_WATERMARK_COLUMN, ast->column.span,
                              "a watermark column is TIMESTAMP or TIMESTAMP_LTZ, `%s` is %s",
                              time->name, mr_type_name(time->type, name, sizeof name));
        mr_diagnostics_hint(binder->diagnostics,
                            mr_type_is_numeric(time->type)
                                ? "add a column: ts AS TO_TIMESTAMP_LTZ(%s, 3)"
                                : "add a column: ts AS TO_TIMESTAMP(%s)",
                            time->name);
        return false;
    }
    if (time->type.precision > 3) {
        mr_diagnostics_report(binder->diagnostics, MR_E_WATERMARK_COLUMN, ast->column.span,
                              "a watermark column has at most 3 fractional digits, `%s` is %s",
                              time->name, mr_type_name(time->type, name, sizeof name));
        mr_diagnostics_hint(binder->diagnostics, "write TIMESTAMP(3)");
        return false;
    }
    return true;
}

static bool bind_watermark(mr_binder *binder, mr_relation *relation)
{
    const mr_ast_watermark *ast = &relation->table->ast->watermark;
    if (ast->column.count == 0)
        return true;
    mr_scope scope = {.relation = relation, .alias = relation->table->name, .clause = "WATERMARK"};
    uint32_t column = mr_bind_column(binder, &scope, &ast->column);
    if (column == UINT32_MAX || !check_watermark_column(binder, relation, column))
        return false;
    mr_expr *expr = mr_bind_expr(binder, &scope, ast->expr);
    if (expr == NULL)
        return false;
    char name[MR_TYPE_NAME_MAX];
    if (expr->type.kind != relation->columns[column].type.kind) {
        mr_diagnostics_report(binder->diagnostics, MR_E_WATERMARK_EXPRESSION, ast->expr->span,
                              "the watermark of `%s` is of another type: %s",
                              relation->columns[column].name,
                              mr_type_name(expr->type, name, sizeof name));
        mr_diagnostics_hint(binder->diagnostics, "WATERMARK FOR %s AS %s - INTERVAL '5' SECOND",
                            relation->columns[column].name, relation->columns[column].name);
        return false;
    }
    relation->columns[column].role = MR_ROLE_TIME;
    relation->watermark = expr;
    return true;
}

static bool bind_constraints(mr_binder *binder, mr_relation *relation)
{
    const mr_ast_create_table *ast = relation->table->ast;
    mr_scope scope = {.relation = relation, .alias = relation->table->name, .clause = "CHECK"};
    bool is_good = true;
    relation->checks =
        mr_arena_zalloc(binder->arena, ast->constraints_count, sizeof *relation->checks);
    for (uint32_t i = 0; i < ast->constraints_count; i++) {
        const mr_ast_constraint *constraint = &ast->constraints[i];
        relation->checks[i] = mr_bind_condition(binder, &scope, constraint->expr);
        is_good &= relation->checks[i] != NULL;
        for (uint32_t j = 0; j < i; j++)
            if (constraint->name.text != NULL && ast->constraints[j].name.text != NULL &&
                strcmp(ast->constraints[j].name.text, constraint->name.text) == 0) {
                mr_diagnostics_report(binder->diagnostics, MR_E_CONSTRAINT, constraint->name.span,
                                      "constraint `%s` is defined twice", constraint->name.text);
                is_good = false;
            }
        if (constraint->has_action && constraint->action == MR_AST_VIOLATION_DLQ &&
            relation->table->errors.mode != MR_ERRORS_DLQ) {
            mr_diagnostics_report(binder->diagnostics, MR_E_CONSTRAINT, constraint->span,
                                  "ON VIOLATION DLQ needs a dead letter topic");
            mr_diagnostics_hint(binder->diagnostics,
                                "add 'errors.deadletterqueue.topic.name' = '..' to the table");
            is_good = false;
        }
    }
    return is_good;
}

mr_relation *mr_bind_table(mr_binder *binder, mr_name *name, mr_span span)
{
    if (!name->is_relation_made && name->table != NULL) {
        mr_relation *relation = make_columns(binder, name->table);
        bool is_good = bind_computed(binder, relation);
        is_good = is_good && bind_watermark(binder, relation);
        is_good = is_good & bind_constraints(binder, relation);
        name->relation = is_good ? relation : NULL;
        name->is_relation_made = true;
    }
    if (span.end == span.start)
        return name->relation; /* defined, not used */
    if (name->relation == NULL || !mr_table_check_source(name->table, span, binder->diagnostics))
        return NULL;
    return name->relation;
}
