#include "jobs/sql/unparse.h"

#include "engine/base/assert.h"
#include "jobs/sql/lexer/keyword.h"
#include "jobs/sql/unparse/parts.h"

#include <string.h>
#include <strings.h>

/* As in parser/expression.c, from loose to tight. */
enum {
    POWER_ANY = 0,
    POWER_OR,
    POWER_AND,
    POWER_NOT,
    POWER_IS,
    POWER_COMPARE,
    POWER_RANGE,
    POWER_SUM,
    POWER_PRODUCT,
    POWER_SIGN,
    POWER_PRIMARY,
};

static const struct {
    const char *name;
    int power;
} operators[] = {
    [MR_AST_NOT] = {"NOT", POWER_NOT},
    [MR_AST_NEGATE] = {"-", POWER_SIGN},
    [MR_AST_PLUS] = {"+", POWER_SIGN},
    [MR_AST_ADD] = {"+", POWER_SUM},
    [MR_AST_SUBTRACT] = {"-", POWER_SUM},
    [MR_AST_MULTIPLY] = {"*", POWER_PRODUCT},
    [MR_AST_DIVIDE] = {"/", POWER_PRODUCT},
    [MR_AST_MODULO] = {"%", POWER_PRODUCT},
    [MR_AST_CONCAT] = {"||", POWER_PRODUCT},
    [MR_AST_EQUAL] = {"=", POWER_COMPARE},
    [MR_AST_NOT_EQUAL] = {"<>", POWER_COMPARE},
    [MR_AST_LESS] = {"<", POWER_COMPARE},
    [MR_AST_LESS_EQUAL] = {"<=", POWER_COMPARE},
    [MR_AST_GREATER] = {">", POWER_COMPARE},
    [MR_AST_GREATER_EQUAL] = {">=", POWER_COMPARE},
    [MR_AST_IS_DISTINCT] = {"IS DISTINCT FROM", POWER_IS},
    [MR_AST_IS_NOT_DISTINCT] = {"IS NOT DISTINCT FROM", POWER_IS},
};

const char *mr_ast_operator_name(mr_ast_operator op)
{
    return operators[op].name;
}

static void put(mr_buffer *out, const char *text)
{
    mr_buffer_put(out, text, strlen(text));
}

static int power_of(const mr_ast_expr *expr)
{
    switch (expr->kind) {
    case MR_AST_OR: return POWER_OR;
    case MR_AST_AND: return POWER_AND;
    case MR_AST_UNARY: return operators[expr->unary.op].power;
    case MR_AST_BINARY: return operators[expr->binary.op].power;
    case MR_AST_IS: return POWER_IS;
    case MR_AST_BETWEEN:
    case MR_AST_LIKE:
    case MR_AST_IN: return POWER_RANGE;
    default: return POWER_PRIMARY;
    }
}

static void print_bare(mr_buffer *out, const mr_ast_expr *expr);

/* In brackets when it binds more loosely than its place asks for. */
static void print_at(mr_buffer *out, const mr_ast_expr *expr, int power_min)
{
    bool has_brackets = power_of(expr) < power_min;
    put(out, has_brackets ? "(" : "");
    print_bare(out, expr);
    put(out, has_brackets ? ")" : "");
}

void mr_unparse_expr(mr_buffer *out, const mr_ast_expr *expr)
{
    print_at(out, expr, POWER_ANY);
}

static void print_list(mr_buffer *out, mr_ast_list list)
{
    for (uint32_t i = 0; i < list.count; i++) {
        put(out, i == 0 ? "" : ", ");
        mr_unparse_expr(out, list.items[i]);
    }
}

static void print_chain(mr_buffer *out, const mr_ast_expr *expr, const char *word)
{
    for (uint32_t i = 0; i < expr->list.count; i++) {
        put(out, i == 0 ? "" : word);
        print_at(out, expr->list.items[i], power_of(expr) + 1);
    }
}

static void print_unary(mr_buffer *out, const mr_ast_expr *expr)
{
    const mr_ast_expr *arg = expr->unary.arg;
    put(out, operators[expr->unary.op].name);
    /* `--` would begin a comment. */
    if (expr->unary.op == MR_AST_NOT || (arg->kind == MR_AST_UNARY && arg->unary.op != MR_AST_NOT))
        put(out, " ");
    print_at(out, arg, operators[expr->unary.op].power);
}

static void print_binary(mr_buffer *out, const mr_ast_expr *expr)
{
    int power = operators[expr->binary.op].power;
    print_at(out, expr->binary.left, power);
    mr_buffer_printf(out, " %s ", operators[expr->binary.op].name);
    print_at(out, expr->binary.right, power == POWER_IS ? POWER_RANGE : power + 1);
}

static void print_is(mr_buffer *out, const mr_ast_expr *expr)
{
    static const char *const words[] = {"NULL", "TRUE", "FALSE", "UNKNOWN"};
    print_at(out, expr->is.arg, POWER_IS);
    mr_buffer_printf(out, " IS %s%s", expr->is.is_not ? "NOT " : "", words[expr->is.what]);
}

static void print_between(mr_buffer *out, const mr_ast_expr *expr)
{
    print_at(out, expr->between.arg, POWER_RANGE);
    mr_buffer_printf(out, "%s BETWEEN %s", expr->between.is_not ? " NOT" : "",
                     expr->between.is_symmetric ? "SYMMETRIC " : "");
    print_at(out, expr->between.low, POWER_SUM);
    put(out, " AND ");
    print_at(out, expr->between.high, POWER_SUM);
}

static void print_like(mr_buffer *out, const mr_ast_expr *expr)
{
    print_at(out, expr->like.arg, POWER_RANGE);
    mr_buffer_printf(out, "%s %s ", expr->like.is_not ? " NOT" : "",
                     expr->like.is_similar ? "SIMILAR TO" : "LIKE");
    print_at(out, expr->like.pattern, POWER_SUM);
    if (expr->like.escape != NULL) {
        put(out, " ESCAPE ");
        print_at(out, expr->like.escape, POWER_SUM);
    }
}

static void print_in(mr_buffer *out, const mr_ast_expr *expr)
{
    print_at(out, expr->in.arg, POWER_RANGE);
    put(out, expr->in.is_not ? " NOT IN (" : " IN (");
    if (expr->in.query != NULL)
        mr_unparse_query(out, expr->in.query);
    else
        print_list(out, expr->in.list);
    put(out, ")");
}

static void print_case(mr_buffer *out, const mr_ast_expr *expr)
{
    put(out, "CASE");
    if (expr->cases.arg != NULL) {
        put(out, " ");
        mr_unparse_expr(out, expr->cases.arg);
    }
    for (uint32_t i = 0; i < expr->cases.whens_count; i++) {
        put(out, " WHEN ");
        mr_unparse_expr(out, expr->cases.whens[i].when);
        put(out, " THEN ");
        mr_unparse_expr(out, expr->cases.whens[i].then);
    }
    if (expr->cases.otherwise != NULL) {
        put(out, " ELSE ");
        mr_unparse_expr(out, expr->cases.otherwise);
    }
    put(out, " END");
}

static void print_cast(mr_buffer *out, const mr_ast_expr *expr)
{
    put(out, expr->cast.is_try ? "TRY_CAST(" : "CAST(");
    mr_unparse_expr(out, expr->cast.arg);
    put(out, " AS ");
    mr_unparse_type(out, expr->cast.type);
    put(out, ")");
}

static void print_interval(mr_buffer *out, const mr_ast_interval *interval)
{
    if (interval->minus != NULL) {
        put(out, "(");
        print_at(out, interval->expr, POWER_SUM);
        put(out, " - ");
        print_at(out, interval->minus, POWER_PRODUCT);
        put(out, ") ");
    } else if (interval->expr != NULL) {
        put(out, "INTERVAL (");
        mr_unparse_expr(out, interval->expr);
        put(out, ") ");
    } else {
        const char *text = interval->text.text;
        int64_t value = interval->is_months ? interval->months : interval->microseconds;
        bool is_negative_inside = strchr(text, '-') != NULL && text[strspn(text, " ")] == '-';
        put(out, value != 0 && (value < 0) != is_negative_inside ? "INTERVAL -" : "INTERVAL ");
        mr_unparse_string(out, text, interval->text.length);
        put(out, " ");
    }
    put(out, mr_ast_unit_name(interval->unit));
    if (interval->expr == NULL) {
        size_t digits =
            strspn(interval->text.text + strspn(interval->text.text, " +-"), "0123456789");
        if (digits > 2)
            mr_buffer_printf(out, "(%zu)", digits);
    }
    if (interval->to != MR_AST_UNIT_NONE)
        mr_buffer_printf(out, " TO %s", mr_ast_unit_name(interval->to));
}

/* What [i] and .name may stand behind without brackets. */
static void print_base(mr_buffer *out, const mr_ast_expr *expr, bool is_field)
{
    bool is_bare = (expr->kind == MR_AST_COLUMN && !is_field) ||
                   (expr->kind == MR_AST_CALL && expr->call.has_brackets) ||
                   expr->kind == MR_AST_FIELD || expr->kind == MR_AST_INDEX ||
                   expr->kind == MR_AST_CAST || expr->kind == MR_AST_ROW;
    put(out, is_bare ? "" : "(");
    mr_unparse_expr(out, expr);
    put(out, is_bare ? "" : ")");
}

static void print_constructor(mr_buffer *out, const mr_ast_expr *expr, const char *open,
                              const char *close)
{
    put(out, open);
    print_list(out, expr->list);
    put(out, close);
}

static void print_bytes(mr_buffer *out, mr_ast_text bytes)
{
    put(out, "X'");
    for (size_t i = 0; i < bytes.length; i++)
        mr_buffer_printf(out, "%02x", (unsigned char)bytes.text[i]);
    put(out, "'");
}

static void print_time(mr_buffer *out, const mr_ast_expr *expr)
{
    put(out, expr->kind == MR_AST_DATE   ? "DATE "
             : expr->kind == MR_AST_TIME ? "TIME "
                                         : "TIMESTAMP ");
    mr_unparse_string(out, expr->literal.text.text, expr->literal.text.length);
}

static void print_query(mr_buffer *out, const mr_ast_query *query, const char *open)
{
    put(out, open);
    mr_unparse_query(out, query);
    put(out, ")");
}

static void print_access(mr_buffer *out, const mr_ast_expr *expr)
{
    if (expr->kind == MR_AST_FIELD) {
        print_base(out, expr->field.arg, true);
        put(out, ".");
        mr_unparse_name(out, expr->field.name.text);
        return;
    }
    print_base(out, expr->index.arg, false);
    put(out, "[");
    mr_unparse_expr(out, expr->index.index);
    put(out, "]");
}

static void print_named(mr_buffer *out, const mr_ast_expr *expr)
{
    mr_unparse_name(out, expr->named.name.text);
    put(out, " => ");
    mr_unparse_expr(out, expr->named.value);
}

static void print_star(mr_buffer *out, const mr_ast_expr *expr)
{
    mr_unparse_path(out, &expr->path);
    put(out, expr->path.count == 0 ? "*" : ".*");
}

static void print_bare(mr_buffer *out, const mr_ast_expr *expr)
{
    switch (expr->kind) {
    case MR_AST_COLUMN: mr_unparse_path(out, &expr->path); break;
    case MR_AST_STAR: print_star(out, expr); break;
    case MR_AST_NULL: put(out, "NULL"); break;
    case MR_AST_BOOLEAN: put(out, expr->literal.value != 0 ? "TRUE" : "FALSE"); break;
    case MR_AST_NUMBER: put(out, expr->number.text); break;
    case MR_AST_STRING: mr_unparse_string(out, expr->string.text, expr->string.length); break;
    case MR_AST_BYTES: print_bytes(out, expr->string); break;
    case MR_AST_DATE:
    case MR_AST_TIME:
    case MR_AST_TIMESTAMP: print_time(out, expr); break;
    case MR_AST_INTERVAL: print_interval(out, &expr->interval); break;
    case MR_AST_AND: print_chain(out, expr, " AND "); break;
    case MR_AST_OR: print_chain(out, expr, " OR "); break;
    case MR_AST_UNARY: print_unary(out, expr); break;
    case MR_AST_BINARY: print_binary(out, expr); break;
    case MR_AST_IS: print_is(out, expr); break;
    case MR_AST_BETWEEN: print_between(out, expr); break;
    case MR_AST_LIKE: print_like(out, expr); break;
    case MR_AST_IN: print_in(out, expr); break;
    case MR_AST_EXISTS: print_query(out, expr->query, "EXISTS ("); break;
    case MR_AST_SUBQUERY: print_query(out, expr->query, "("); break;
    case MR_AST_CASE: print_case(out, expr); break;
    case MR_AST_CAST: print_cast(out, expr); break;
    case MR_AST_CALL: mr_unparse_call(out, &expr->call); break;
    case MR_AST_ROW: print_constructor(out, expr, "ROW(", ")"); break;
    case MR_AST_ARRAY: print_constructor(out, expr, "ARRAY[", "]"); break;
    case MR_AST_MAP: print_constructor(out, expr, "MAP[", "]"); break;
    case MR_AST_FIELD:
    case MR_AST_INDEX: print_access(out, expr); break;
    case MR_AST_NAMED: print_named(out, expr); break;
    }
}
