/*
 * The syntax tree of a job: exactly what was written, nothing resolved.
 *
 * Every node has a span. Names keep their letter case; whether they mean anything is the binder's
 * question. Types and literals are already decoded and range-checked. Texts are NUL-terminated.
 * Bounds: no expression, query or type is deeper than MR_AST_DEPTH_MAX nodes, so whoever walks the
 * tree may recurse (chains of AND, OR and of one set operator are flat lists).
 * Memory: everything lives in the arena given to mr_parse. Thread: immutable once parsed.
 */
#ifndef MR_JOBS_SQL_AST_H
#define MR_JOBS_SQL_AST_H

#include "engine/batch/type.h"
#include "jobs/sql/script.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MR_AST_DEPTH_MAX 1024

typedef struct mr_ast_expr mr_ast_expr;
typedef struct mr_ast_query mr_ast_query;
typedef struct mr_ast_ref mr_ast_ref;
typedef struct mr_ast_type mr_ast_type;
typedef struct mr_ast_statement mr_ast_statement;

/* ---- names and texts ---- */

typedef struct mr_ast_name {
    const char *text; /* NULL: absent */
    mr_span span;
    bool is_quoted; /* written in backticks */
} mr_ast_name;

/* a, a.b, cat.db.t */
typedef struct mr_ast_path {
    mr_ast_name *parts;
    uint32_t count;
    mr_span span;
} mr_ast_path;

/* A decoded string literal; `length` counts bytes (a NUL byte may be inside). */
typedef struct mr_ast_text {
    const char *text; /* NULL: absent */
    size_t length;
    mr_span span; /* with the quotes */
} mr_ast_text;

typedef struct mr_ast_names {
    mr_ast_name *items;
    uint32_t count;
} mr_ast_names;

/* ---- types ---- */

typedef enum mr_ast_type_form {
    MR_AST_TYPE_SCALAR = 0, /* `scalar`, defaults filled in */
    MR_AST_TYPE_ROW,        /* `fields` */
    MR_AST_TYPE_ARRAY,      /* `element` */
    MR_AST_TYPE_MULTISET,   /* `element` */
    MR_AST_TYPE_MAP,        /* `key`, `element` */
} mr_ast_type_form;

typedef struct mr_ast_field {
    mr_ast_name name;
    mr_ast_type *type;
    mr_ast_text comment;
} mr_ast_field;

struct mr_ast_type {
    mr_ast_type_form form;
    mr_span span;
    bool is_not_null;
    mr_type scalar; /* is_nullable follows is_not_null */
    mr_ast_field *fields;
    uint32_t fields_count;
    mr_ast_type *key;
    mr_ast_type *element;
};

/* ---- expressions ---- */

typedef enum mr_ast_expr_kind {
    MR_AST_COLUMN = 0, /* path: a, a.b.c; which part is the relation is the binder's question */
    MR_AST_STAR,       /* * (path.count 0), t.* */
    MR_AST_NULL,
    MR_AST_BOOLEAN,   /* literal.value 0 or 1 */
    MR_AST_NUMBER,    /* number */
    MR_AST_STRING,    /* string */
    MR_AST_BYTES,     /* string: X'..' decoded */
    MR_AST_DATE,      /* literal.value: days since 1970-01-01 */
    MR_AST_TIME,      /* literal.value: us of the day */
    MR_AST_TIMESTAMP, /* literal.value: us since 1970-01-01 */
    MR_AST_INTERVAL,  /* interval */
    MR_AST_AND,       /* list: two or more */
    MR_AST_OR,        /* list: two or more */
    MR_AST_UNARY,     /* unary: MR_AST_NOT, MR_AST_NEGATE, MR_AST_PLUS */
    MR_AST_BINARY,    /* binary */
    MR_AST_IS,        /* is: IS [NOT] NULL, TRUE, FALSE, UNKNOWN */
    MR_AST_BETWEEN,   /* between */
    MR_AST_LIKE,      /* like; also SIMILAR TO */
    MR_AST_IN,        /* in: a list or a query */
    MR_AST_EXISTS,    /* query */
    MR_AST_SUBQUERY,  /* query: a scalar one in brackets */
    MR_AST_CASE,      /* cases */
    MR_AST_CAST,      /* cast */
    MR_AST_CALL,      /* call: functions and aggregates */
    MR_AST_ROW,       /* list: ROW(a, b) or (a, b) */
    MR_AST_ARRAY,     /* list: ARRAY[a, b] */
    MR_AST_MAP,       /* list: MAP[k, v, k, v] */
    MR_AST_FIELD,     /* field: (expr).name, f(x).name, a[1].name */
    MR_AST_INDEX,     /* index: a[i] */
    MR_AST_NAMED,     /* named: an argument `name => value` */
} mr_ast_expr_kind;

typedef enum mr_ast_operator {
    MR_AST_NOT = 0, /* unary */
    MR_AST_NEGATE,
    MR_AST_PLUS,
    MR_AST_ADD, /* binary */
    MR_AST_SUBTRACT,
    MR_AST_MULTIPLY,
    MR_AST_DIVIDE,
    MR_AST_MODULO,
    MR_AST_CONCAT,
    MR_AST_EQUAL,
    MR_AST_NOT_EQUAL,
    MR_AST_LESS,
    MR_AST_LESS_EQUAL,
    MR_AST_GREATER,
    MR_AST_GREATER_EQUAL,
    MR_AST_IS_DISTINCT,
    MR_AST_IS_NOT_DISTINCT,
} mr_ast_operator;

typedef enum mr_ast_is {
    MR_AST_IS_NULL = 0,
    MR_AST_IS_TRUE,
    MR_AST_IS_FALSE,
    MR_AST_IS_UNKNOWN,
} mr_ast_is;

/* Units of EXTRACT, FLOOR .. TO, intervals, TIMESTAMPADD and TIMESTAMPDIFF; plurals are folded. */
typedef enum mr_ast_unit {
    MR_AST_UNIT_NONE = 0,
    MR_AST_UNIT_YEAR,
    MR_AST_UNIT_QUARTER,
    MR_AST_UNIT_MONTH,
    MR_AST_UNIT_WEEK,
    MR_AST_UNIT_DAY,
    MR_AST_UNIT_HOUR,
    MR_AST_UNIT_MINUTE,
    MR_AST_UNIT_SECOND,
    MR_AST_UNIT_MILLISECOND,
    MR_AST_UNIT_MICROSECOND,
    MR_AST_UNIT_NANOSECOND,
    MR_AST_UNIT_EPOCH,
    MR_AST_UNIT_DOW,
    MR_AST_UNIT_ISODOW,
    MR_AST_UNIT_DOY,
    MR_AST_UNIT_ISOYEAR,
    MR_AST_UNIT_CENTURY,
    MR_AST_UNIT_DECADE,
    MR_AST_UNIT_MILLENNIUM,
} mr_ast_unit;

typedef enum mr_ast_number_kind {
    MR_AST_INTEGER = 0, /* 12 */
    MR_AST_DECIMAL,     /* 1.5 .5 5. */
    MR_AST_DOUBLE,      /* 1e0 */
} mr_ast_number_kind;

typedef enum mr_ast_trim {
    MR_AST_TRIM_NONE = 0, /* no word: BOTH is meant */
    MR_AST_TRIM_BOTH,
    MR_AST_TRIM_LEADING,
    MR_AST_TRIM_TRAILING,
} mr_ast_trim;

typedef struct mr_ast_list {
    mr_ast_expr **items;
    uint32_t count;
} mr_ast_list;

typedef struct mr_ast_order {
    mr_ast_expr *expr;
    mr_span span;
    bool is_descending;
    bool has_nulls; /* NULLS FIRST or LAST was written */
    bool is_nulls_first;
} mr_ast_order;

typedef enum mr_ast_bound {
    MR_AST_BOUND_UNBOUNDED_PRECEDING = 0,
    MR_AST_BOUND_PRECEDING, /* expr */
    MR_AST_BOUND_CURRENT_ROW,
    MR_AST_BOUND_FOLLOWING, /* expr */
    MR_AST_BOUND_UNBOUNDED_FOLLOWING,
} mr_ast_bound;

typedef struct mr_ast_frame {
    bool is_rows; /* else RANGE */
    mr_ast_bound from;
    mr_ast_bound to; /* CURRENT ROW unless written */
    mr_ast_expr *from_expr;
    mr_ast_expr *to_expr;
    mr_span span;
} mr_ast_frame;

/* OVER (PARTITION BY .. ORDER BY .. frame) */
typedef struct mr_ast_over {
    mr_ast_list partition_by;
    mr_ast_order *order_by;
    uint32_t order_count;
    mr_ast_frame *frame; /* NULL: none written */
    mr_span span;        /* from OVER to the bracket */
} mr_ast_over;

typedef struct mr_ast_call {
    mr_ast_name name; /* as written; functions are found in any letter case */
    mr_ast_list
        args; /* SUBSTRING (s, from [, for]), POSITION (needle, s), TRIM (s [, characters]) */
    bool has_brackets; /* false: CURRENT_TIMESTAMP and its like */
    bool is_star;      /* COUNT(*) */
    bool is_distinct;
    mr_ast_unit unit; /* EXTRACT(unit FROM x), FLOOR(x TO unit), TIMESTAMPDIFF(unit, a, b) */
    mr_span unit_span;
    mr_ast_trim trim;
    mr_ast_expr *filter; /* FILTER (WHERE ..), NULL: none */
    mr_ast_over *over;   /* NULL: none */
} mr_ast_call;

/* A literal interval has its value in `months` or `microseconds`; INTERVAL a DAY has `expr`, and
 * `(a - b) DAY TO SECOND` has `expr` and `minus`. Which of the two lanes: is_months. */
typedef struct mr_ast_interval {
    bool is_months; /* YEAR, QUARTER, MONTH, else WEEK .. SECOND */
    int64_t months;
    int64_t microseconds;
    mr_ast_unit unit;  /* the first, as written */
    mr_ast_unit to;    /* NONE: one unit only */
    mr_ast_text text;  /* as written between the quotes; NULL when `expr` is set */
    mr_ast_expr *expr; /* NULL: a literal */
    mr_ast_expr *minus;
} mr_ast_interval;

typedef struct mr_ast_when {
    mr_ast_expr *when;
    mr_ast_expr *then;
} mr_ast_when;

struct mr_ast_expr {
    mr_ast_expr_kind kind;
    mr_span span;
    uint32_t depth; /* of the tree below, 1 for a leaf */
    union {
        mr_ast_path path;
        struct {
            const char *text; /* digits as written, without sign */
            mr_ast_number_kind kind;
        } number;
        mr_ast_text string;
        struct {
            int64_t value;
            uint8_t precision; /* fractional digits written: TIME, TIMESTAMP */
            mr_ast_text text;  /* between the quotes; not for BOOLEAN */
        } literal;
        mr_ast_interval interval;
        mr_ast_list list;
        struct {
            mr_ast_operator op;
            mr_ast_expr *arg;
        } unary;
        struct {
            mr_ast_operator op;
            mr_span op_span;
            mr_ast_expr *left;
            mr_ast_expr *right;
        } binary;
        struct {
            mr_ast_expr *arg;
            mr_ast_is what;
            bool is_not;
        } is;
        struct {
            mr_ast_expr *arg;
            mr_ast_expr *low;
            mr_ast_expr *high;
            bool is_not;
            bool is_symmetric;
        } between;
        struct {
            mr_ast_expr *arg;
            mr_ast_expr *pattern;
            mr_ast_expr *escape; /* NULL: none */
            bool is_not;
            bool is_similar; /* SIMILAR TO */
        } like;
        struct {
            mr_ast_expr *arg;
            mr_ast_list list;    /* empty when `query` is set */
            mr_ast_query *query; /* NULL: a list */
            bool is_not;
        } in;
        mr_ast_query *query;
        struct {
            mr_ast_expr *arg; /* NULL: CASE WHEN condition .. */
            mr_ast_when *whens;
            uint32_t whens_count;
            mr_ast_expr *otherwise; /* NULL: no ELSE */
        } cases;
        struct {
            mr_ast_expr *arg;
            mr_ast_type *type;
            bool is_try;
        } cast;
        mr_ast_call call;
        struct {
            mr_ast_expr *arg;
            mr_ast_name name;
        } field;
        struct {
            mr_ast_expr *arg;
            mr_ast_expr *index;
        } index;
        struct {
            mr_ast_name name;
            mr_ast_expr *value;
        } named;
    };
};

/* ---- queries ---- */

typedef enum mr_ast_window_kind {
    MR_AST_TUMBLE = 0,
    MR_AST_HOP,
    MR_AST_CUMULATE,
    MR_AST_SESSION,
} mr_ast_window_kind;

/* TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), ..)), arguments by place or by name alike. */
typedef struct mr_ast_window {
    mr_ast_window_kind kind;
    mr_ast_name function;
    mr_ast_ref *input;        /* TABLE t (a TABLE ref) or a SUBQUERY ref */
    mr_ast_list partition_by; /* SESSION only */
    mr_ast_path column;       /* of the DESCRIPTOR */
    mr_span descriptor_span;
    mr_ast_expr *size;   /* TUMBLE, HOP: size; CUMULATE: largest size; SESSION: gap */
    mr_ast_expr *step;   /* HOP: slide; CUMULATE: step; else NULL */
    mr_ast_expr *offset; /* NULL: none */
} mr_ast_window;

typedef enum mr_ast_join {
    MR_AST_JOIN_INNER = 0,
    MR_AST_JOIN_LEFT,
    MR_AST_JOIN_RIGHT,
    MR_AST_JOIN_FULL,
    MR_AST_JOIN_CROSS, /* also a comma in FROM */
} mr_ast_join;

typedef enum mr_ast_ref_kind {
    MR_AST_REF_TABLE = 0,
    MR_AST_REF_SUBQUERY,
    MR_AST_REF_WINDOW,
    MR_AST_REF_JOIN,
} mr_ast_ref_kind;

/* What may stand in FROM. */
struct mr_ast_ref {
    mr_ast_ref_kind kind;
    mr_span span;
    uint32_t depth;
    mr_ast_name alias;          /* text NULL: none */
    mr_ast_names columns_alias; /* AS t(a, b) */
    mr_ast_path table;          /* TABLE */
    mr_ast_expr *system_time;   /* TABLE: FOR SYSTEM_TIME AS OF expr; NULL: none */
    mr_ast_query *query;        /* SUBQUERY */
    mr_ast_window window;       /* WINDOW */
    struct {
        mr_ast_join kind;
        mr_ast_ref *left;
        mr_ast_ref *right;
        mr_ast_expr *on;    /* NULL: none */
        mr_ast_names using; /* USING (a, b) */
        bool is_natural;
        mr_span span; /* of the words LEFT OUTER JOIN, or of the comma */
    } join;
};

typedef struct mr_ast_item {
    mr_ast_expr *expr; /* STAR: * or t.* */
    mr_ast_name alias; /* text NULL: none */
    mr_span span;
} mr_ast_item;

typedef struct mr_ast_select {
    bool is_distinct;
    mr_ast_item *items;
    uint32_t items_count;
    mr_ast_ref *from; /* NULL: no FROM */
    mr_ast_expr *where;
    bool has_group_by;
    mr_ast_list group_by;
    mr_span group_by_span; /* from GROUP to the last expression */
    mr_ast_expr *having;
} mr_ast_select;

typedef struct mr_ast_with {
    mr_ast_name name;
    mr_ast_names columns; /* WITH v (a, b) AS (..) */
    mr_ast_query *query;
} mr_ast_with;

typedef enum mr_ast_query_kind {
    MR_AST_SELECT = 0,
    MR_AST_VALUES, /* rows */
    MR_AST_SET_OPERATION,
} mr_ast_query_kind;

typedef enum mr_ast_set_operator {
    MR_AST_UNION = 0,
    MR_AST_INTERSECT,
    MR_AST_EXCEPT,
} mr_ast_set_operator;

struct mr_ast_query {
    mr_ast_query_kind kind;
    mr_span span;
    uint32_t depth;
    mr_ast_with *with;
    uint32_t with_count;
    mr_ast_select select; /* SELECT */
    mr_ast_list *rows;    /* VALUES */
    uint32_t rows_count;
    struct {
        mr_ast_set_operator kind;
        bool is_all;
        mr_ast_query **inputs; /* two or more, from left to right */
        uint32_t inputs_count;
        mr_span span; /* of the first operator's words */
    } set;            /* SET_OPERATION */
    mr_ast_order *order_by;
    uint32_t order_count;
    mr_span order_span;
    mr_ast_expr *limit; /* also FETCH FIRST n ROWS ONLY; NULL: none */
    mr_ast_expr *offset;
};

/* ---- statements ---- */

typedef enum mr_ast_column_kind {
    MR_AST_COLUMN_PHYSICAL = 0,
    MR_AST_COLUMN_COMPUTED, /* c AS expr */
    MR_AST_COLUMN_METADATA, /* c TYPE METADATA [FROM 'key'] [VIRTUAL] */
} mr_ast_column_kind;

typedef struct mr_ast_column {
    mr_ast_column_kind kind;
    mr_span span;
    mr_ast_name name;
    mr_ast_type *type;        /* NULL for COMPUTED */
    mr_ast_expr *expr;        /* COMPUTED */
    mr_ast_text metadata_key; /* METADATA; text NULL: the column's name */
    bool is_virtual;
    mr_ast_text comment;
} mr_ast_column;

typedef struct mr_ast_watermark {
    mr_ast_path column; /* count 0: no WATERMARK clause */
    mr_ast_expr *expr;
    mr_span span;
} mr_ast_watermark;

typedef struct mr_ast_primary_key {
    mr_ast_names columns; /* count 0: none */
    mr_span span;
} mr_ast_primary_key;

typedef enum mr_ast_violation {
    MR_AST_VIOLATION_DLQ = 0, /* also when ON VIOLATION is not written: see has_action */
    MR_AST_VIOLATION_DROP,
    MR_AST_VIOLATION_FAIL,
    MR_AST_VIOLATION_WARN,
} mr_ast_violation;

/* CONSTRAINT name CHECK (expr) ON VIOLATION action */
typedef struct mr_ast_constraint {
    mr_ast_name name; /* text NULL: CHECK (..) alone */
    mr_ast_expr *expr;
    bool has_action;
    mr_ast_violation action;
    mr_span span;
} mr_ast_constraint;

typedef struct mr_ast_option {
    mr_ast_text key;
    mr_ast_text value;
} mr_ast_option;

typedef struct mr_ast_create_table {
    mr_ast_path name;
    bool is_temporary;
    bool if_not_exists;
    mr_ast_column *columns;
    uint32_t columns_count;
    mr_ast_watermark watermark;
    mr_ast_primary_key primary_key;
    mr_ast_constraint *constraints;
    uint32_t constraints_count;
    mr_ast_text comment;
    mr_ast_names partitioned_by;
    mr_ast_option *options;
    uint32_t options_count;
    mr_span options_span; /* of WITH (..); empty when there is none */
} mr_ast_create_table;

typedef struct mr_ast_create_view {
    mr_ast_path name;
    bool is_temporary;
    bool if_not_exists;
    mr_ast_names columns;
    mr_ast_text comment;
    mr_ast_query *query;
} mr_ast_create_view;

typedef struct mr_ast_insert {
    mr_ast_path table;
    mr_ast_names columns; /* count 0: all, in order */
    mr_ast_query *query;
} mr_ast_insert;

typedef enum mr_ast_statement_kind {
    MR_AST_CREATE_TABLE = 0,
    MR_AST_CREATE_VIEW,
    MR_AST_INSERT,
    MR_AST_QUERY,         /* a SELECT, VALUES or WITH on its own */
    MR_AST_STATEMENT_SET, /* inserts */
    MR_AST_SET,           /* SET 'key' = 'value' */
    MR_AST_RESET,         /* RESET ['key'] */
    MR_AST_EXPLAIN,
} mr_ast_statement_kind;

struct mr_ast_statement {
    mr_ast_statement_kind kind;
    mr_span span; /* without the semicolon */
    union {
        mr_ast_create_table create_table;
        mr_ast_create_view create_view;
        mr_ast_insert insert;
        mr_ast_query *query;
        struct {
            mr_ast_statement **inserts; /* each of kind INSERT */
            uint32_t count;
        } set;
        mr_ast_option setting;     /* SET; RESET: key only, text NULL for all */
        mr_ast_statement *explain; /* INSERT, QUERY or STATEMENT_SET */
    };
};

typedef struct mr_ast_script {
    mr_ast_statement **statements;
    uint32_t count;
} mr_ast_script;

/* ---- words for trees ---- */

/* "YEAR", "DAY"; "" for NONE. Also what resolvers of functions take as the unit's name. */
const char *mr_ast_unit_name(mr_ast_unit unit);

/* "+", "<>", "NOT", "IS DISTINCT FROM": SQL's spelling. */
const char *mr_ast_operator_name(mr_ast_operator op);

#endif
