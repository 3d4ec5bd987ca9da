/*
 * Queries back to SQL, on one line.
 */
#include "jobs/sql/unparse/parts.h"

#include <string.h>

static void put(mr_buffer *out, const char *text)
{
    mr_buffer_put(out, text, strlen(text));
}

static void print_list(mr_buffer *out, const char *head, mr_ast_list list)
{
    for (uint32_t i = 0; i < list.count; i++) {
        put(out, i == 0 ? head : ", ");
        mr_unparse_expr(out, list.items[i]);
    }
}

static void print_names(mr_buffer *out, mr_ast_names names)
{
    for (uint32_t i = 0; i < names.count; i++) {
        put(out, i == 0 ? " (" : ", ");
        mr_unparse_name(out, names.items[i].text);
    }
    put(out, names.count == 0 ? "" : ")");
}

static void print_clause(mr_buffer *out, const char *head, const mr_ast_expr *expr)
{
    if (expr == NULL)
        return;
    put(out, head);
    mr_unparse_expr(out, expr);
}

static void print_ref(mr_buffer *out, const mr_ast_ref *ref);

static void print_window(mr_buffer *out, const mr_ast_window *window)
{
    mr_buffer_printf(out, "TABLE(%s(", window->function.text);
    if (window->input->kind == MR_AST_REF_TABLE)
        put(out, "TABLE ");
    print_ref(out, window->input);
    print_list(out, " PARTITION BY ", window->partition_by);
    put(out, ", DESCRIPTOR(");
    mr_unparse_path(out, &window->column);
    put(out, ")");
    print_clause(out, ", ", window->step);
    print_clause(out, ", ", window->size);
    print_clause(out, ", ", window->offset);
    put(out, "))");
}

static void print_join(mr_buffer *out, const mr_ast_ref *ref)
{
    static const char *const words[] = {" JOIN ", " LEFT JOIN ", " RIGHT JOIN ", " FULL JOIN ",
                                        " CROSS JOIN "};
    bool has_brackets = ref->join.right->kind == MR_AST_REF_JOIN;
    print_ref(out, ref->join.left);
    put(out, ref->join.is_natural ? " NATURAL" : "");
    put(out, words[ref->join.kind]);
    put(out, has_brackets ? "(" : "");
    print_ref(out, ref->join.right);
    put(out, has_brackets ? ")" : "");
    print_clause(out, " ON ", ref->join.on);
    if (ref->join.using.count != 0)
        put(out, " USING");
    print_names(out, ref->join.using);
}

static void print_ref(mr_buffer *out, const mr_ast_ref *ref)
{
    switch (ref->kind) {
    case MR_AST_REF_TABLE:
        mr_unparse_path(out, &ref->table);
        print_clause(out, " FOR SYSTEM_TIME AS OF ", ref->system_time);
        break;
    case MR_AST_REF_SUBQUERY:
        put(out, "(");
        mr_unparse_query(out, ref->query);
        put(out, ")");
        break;
    case MR_AST_REF_WINDOW: print_window(out, &ref->window); break;
    case MR_AST_REF_JOIN: print_join(out, ref); break;
    }
    if (ref->alias.text != NULL) {
        put(out, " AS ");
        mr_unparse_name(out, ref->alias.text);
        print_names(out, ref->columns_alias);
    }
}

static void print_select(mr_buffer *out, const mr_ast_select *select)
{
    put(out, select->is_distinct ? "SELECT DISTINCT " : "SELECT ");
    for (uint32_t i = 0; i < select->items_count; i++) {
        put(out, i == 0 ? "" : ", ");
        mr_unparse_expr(out, select->items[i].expr);
        if (select->items[i].alias.text != NULL) {
            put(out, " AS ");
            mr_unparse_name(out, select->items[i].alias.text);
        }
    }
    if (select->from != NULL) {
        put(out, " FROM ");
        print_ref(out, select->from);
    }
    print_clause(out, " WHERE ", select->where);
    print_list(out, " GROUP BY ", select->group_by);
    print_clause(out, " HAVING ", select->having);
}

static void print_values(mr_buffer *out, const mr_ast_query *query)
{
    for (uint32_t i = 0; i < query->rows_count; i++) {
        put(out, i == 0 ? "VALUES (" : ", (");
        print_list(out, "", query->rows[i]);
        put(out, ")");
    }
}

static void print_set(mr_buffer *out, const mr_ast_query *query)
{
    static const char *const words[] = {" UNION ", " INTERSECT ", " EXCEPT "};
    for (uint32_t i = 0; i < query->set.inputs_count; i++) {
        const mr_ast_query *input = query->set.inputs[i];
        bool is_bare = input->kind != MR_AST_SET_OPERATION && input->with_count == 0 &&
                       input->order_count == 0 && input->limit == NULL && input->offset == NULL;
        if (i != 0) {
            put(out, words[query->set.kind]);
            put(out, query->set.is_all ? "ALL " : "");
        }
        put(out, is_bare ? "" : "(");
        mr_unparse_query(out, input);
        put(out, is_bare ? "" : ")");
    }
}

void mr_unparse_query(mr_buffer *out, const mr_ast_query *query)
{
    for (uint32_t i = 0; i < query->with_count; i++) {
        put(out, i == 0 ? "WITH " : ", ");
        mr_unparse_name(out, query->with[i].name.text);
        print_names(out, query->with[i].columns);
        put(out, " AS (");
        mr_unparse_query(out, query->with[i].query);
        put(out, ")");
    }
    put(out, query->with_count == 0 ? "" : " ");
    switch (query->kind) {
    case MR_AST_SELECT: print_select(out, &query->select); break;
    case MR_AST_VALUES: print_values(out, query); break;
    case MR_AST_SET_OPERATION: print_set(out, query); break;
    }
    put(out, query->order_count == 0 ? "" : " ");
    mr_unparse_order(out, query->order_by, query->order_count);
    print_clause(out, " LIMIT ", query->limit);
    print_clause(out, " OFFSET ", query->offset);
}
