/*
 * Names, strings, types and calls back to SQL.
 */
#include "jobs/sql/lexer/keyword.h"
#include "jobs/sql/unparse/parts.h"

#include <string.h>
#include <strings.h>

static void put(mr_buffer *out, const char *text)
{
    mr_buffer_put(out, text, strlen(text));
}

void mr_unparse_name(mr_buffer *out, const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_$";
    size_t length = strlen(name);
    /* Letters of other scripts are quoted: nobody has to know which of them count as letters. */
    size_t plain = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_$0123456789");
    bool is_plain = length != 0 && plain == length && strchr(letters, name[0]) != NULL &&
                    !mr_word_is_reserved(mr_word_find(name, length));
    if (is_plain) {
        put(out, name);
        return;
    }
    put(out, "`");
    for (const char *c = name; *c != '\0'; c++) {
        put(out, *c == '`' ? "`" : "");
        mr_buffer_put_u8(out, (uint8_t)*c);
    }
    put(out, "`");
}

void mr_unparse_string(mr_buffer *out, const char *text, size_t length)
{
    bool has_controls = false;
    for (size_t i = 0; i < length; i++)
        has_controls |= (unsigned char)text[i] < 0x20 || text[i] == 0x7F;
    put(out, has_controls ? "U&'" : "'");
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (has_controls && (c < 0x20 || c == 0x7F || c == '\\')) {
            mr_buffer_printf(out, "\\%04x", c);
            continue;
        }
        put(out, c == '\'' ? "'" : "");
        mr_buffer_put_u8(out, c);
    }
    put(out, "'");
}

void mr_unparse_path(mr_buffer *out, const mr_ast_path *path)
{
    for (uint32_t i = 0; i < path->count; i++) {
        put(out, i == 0 ? "" : ".");
        mr_unparse_name(out, path->parts[i].text);
    }
}

/* ---- types ---- */

static void print_row(mr_buffer *out, const mr_ast_type *type)
{
    put(out, "ROW<");
    for (uint32_t i = 0; i < type->fields_count; i++) {
        put(out, i == 0 ? "" : ", ");
        mr_unparse_name(out, type->fields[i].name.text);
        put(out, " ");
        mr_unparse_type(out, type->fields[i].type);
    }
    put(out, ">");
}

void mr_unparse_type(mr_buffer *out, const mr_ast_type *type)
{
    char name[MR_TYPE_NAME_MAX];
    switch (type->form) {
    case MR_AST_TYPE_SCALAR:
        put(out, mr_type_name(mr_type_nullable(type->scalar, true), name, sizeof name));
        break;
    case MR_AST_TYPE_ROW: print_row(out, type); break;
    case MR_AST_TYPE_MAP:
        put(out, "MAP<");
        mr_unparse_type(out, type->key);
        put(out, ", ");
        mr_unparse_type(out, type->element);
        put(out, ">");
        break;
    case MR_AST_TYPE_ARRAY:
    case MR_AST_TYPE_MULTISET:
        put(out, type->form == MR_AST_TYPE_ARRAY ? "ARRAY<" : "MULTISET<");
        mr_unparse_type(out, type->element);
        put(out, ">");
        break;
    }
    put(out, type->is_not_null ? " NOT NULL" : "");
}

/* ---- calls ---- */

static void print_args(mr_buffer *out, const mr_ast_list *args, uint32_t first)
{
    for (uint32_t i = first; i < args->count; i++) {
        put(out, i == 0 ? "" : ", ");
        mr_unparse_expr(out, args->items[i]);
    }
}

static void print_trim(mr_buffer *out, const mr_ast_call *call)
{
    static const char *const words[] = {"", "BOTH ", "LEADING ", "TRAILING "};
    put(out, words[call->trim]);
    if (call->args.count > 1) {
        mr_unparse_expr(out, call->args.items[1]);
        put(out, " ");
    }
    put(out, "FROM ");
    mr_unparse_expr(out, call->args.items[0]);
}

static void print_arguments(mr_buffer *out, const mr_ast_call *call)
{
    const char *unit = mr_ast_unit_name(call->unit);
    bool is_first = strncasecmp(call->name.text, "TIMESTAMP", 9) == 0;
    if (call->is_star) {
        put(out, "*");
    } else if (call->trim != MR_AST_TRIM_NONE) {
        print_trim(out, call);
    } else if (call->unit == MR_AST_UNIT_NONE) {
        print_args(out, &call->args, 0);
    } else if (is_first) {
        put(out, unit);
        put(out, call->args.count == 0 ? "" : ", ");
        print_args(out, &call->args, 0);
    } else if (strcasecmp(call->name.text, "EXTRACT") == 0) {
        mr_buffer_printf(out, "%s FROM ", unit);
        print_args(out, &call->args, 0);
    } else {
        mr_unparse_expr(out, call->args.items[0]);
        mr_buffer_printf(out, " TO %s", unit);
        print_args(out, &call->args, 1);
    }
}

static void print_bound(mr_buffer *out, mr_ast_bound bound, const mr_ast_expr *expr)
{
    static const char *const words[] = {"UNBOUNDED PRECEDING", " PRECEDING", "CURRENT ROW",
                                        " FOLLOWING", "UNBOUNDED FOLLOWING"};
    /* What is looser than a sum cannot stand there bare. */
    if (expr != NULL) {
        put(out, "(");
        mr_unparse_expr(out, expr);
        put(out, ")");
    }
    put(out, words[bound]);
}

void mr_unparse_order(mr_buffer *out, const mr_ast_order *items, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        put(out, i == 0 ? "ORDER BY " : ", ");
        mr_unparse_expr(out, items[i].expr);
        put(out, items[i].is_descending ? " DESC" : "");
        if (items[i].has_nulls)
            put(out, items[i].is_nulls_first ? " NULLS FIRST" : " NULLS LAST");
    }
}

static void print_over(mr_buffer *out, const mr_ast_over *over)
{
    put(out, " OVER (");
    const char *separator = "";
    if (over->partition_by.count != 0) {
        put(out, "PARTITION BY ");
        print_args(out, &over->partition_by, 0);
        separator = " ";
    }
    if (over->order_count != 0) {
        put(out, separator);
        mr_unparse_order(out, over->order_by, over->order_count);
        separator = " ";
    }
    if (over->frame != NULL) {
        mr_buffer_printf(out, "%s%s BETWEEN ", separator, over->frame->is_rows ? "ROWS" : "RANGE");
        print_bound(out, over->frame->from, over->frame->from_expr);
        put(out, " AND ");
        print_bound(out, over->frame->to, over->frame->to_expr);
    }
    put(out, ")");
}

void mr_unparse_call(mr_buffer *out, const mr_ast_call *call)
{
    if (call->name.is_quoted)
        mr_unparse_name(out, call->name.text);
    else
        put(out, call->name.text);
    if (!call->has_brackets)
        return;
    put(out, call->is_distinct ? "(DISTINCT " : "(");
    print_arguments(out, call);
    put(out, ")");
    if (call->filter != NULL) {
        put(out, " FILTER (WHERE ");
        mr_unparse_expr(out, call->filter);
        put(out, ")");
    }
    if (call->over != NULL)
        print_over(out, call->over);
}
