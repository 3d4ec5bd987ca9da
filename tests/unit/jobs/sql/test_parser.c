/* Goal: the parser builds the tree that was written, answers each mistake where it is, and survives
 * any depth and length. Method: texts in, printed trees or diagnostics out. */

#include "jobs/sql/parser/parser.h"
#include "jobs/sql/unparse.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct parsed {
    mr_script script;
    mr_arena arena;
    mr_diagnostics diagnostics;
    mr_ast_script tree;
} parsed;

static void parse(parsed *to, const char *name, const char *text, size_t length)
{
    *to = (parsed){0};
    mr_script_init(&to->script, name, text, length);
    to->tree = mr_parse(&to->script, &to->arena, &to->diagnostics);
}

static void release(parsed *of)
{
    mr_diagnostics_release(&of->diagnostics);
    mr_arena_release(&of->arena);
    mr_script_release(&of->script);
}

/* The one expression of `text` printed; empty after an error. */
static char *printed(const char *text)
{
    parsed in = {0};
    mr_buffer out = {0};
    mr_script_init(&in.script, "expr", text, strlen(text));
    mr_ast_expr *expr = mr_parse_expr(&in.script, &in.arena, &in.diagnostics);
    if (expr != NULL)
        mr_unparse_expr(&out, expr);
    mr_buffer_put_u8(&out, 0);
    release(&in);
    return out.data;
}

Test(sql_parser, prints_back_what_binds_differently_without_brackets)
{
    static const char *const same[] = {
        "(a OR b) AND c",
        "a OR b AND c",
        "NOT a AND b",
        "NOT (a AND b)",
        "a - (b - c)",
        "a - b - c",
        "(a + b) * c",
        "- -a",
        "-(a + b)",
        "(a = b) IS NULL OR c",
        "(a).b",
        "a.b.c",
        "f(x).y",
        "a[1].b",
        "x BETWEEN 1 AND 2 AND y",
        "x NOT IN (1, 2)",
        "(NOT a) = b",
        "CASE WHEN a THEN 1 ELSE 2 END",
        "CASE x WHEN 1 THEN 2 END",
        "INTERVAL '1-2' YEAR TO MONTH",
        "INTERVAL -'100' SECOND(3)",
        "(a - b) DAY TO SECOND",
        "TRIM(LEADING 'x' FROM s)",
        "COUNT(DISTINCT a) FILTER (WHERE b > 1)",
        "COUNT(*)",
        "'it''s'",
        "X'0aff'",
        "`user`.`a b`",
        "ROW_NUMBER() OVER (PARTITION BY a ORDER BY ts DESC)",
        "CAST(a AS ROW<b INT, c ARRAY<INT>>)",
        "EXISTS (SELECT 1)",
        "x IN (SELECT 1)",
        "a IS NOT DISTINCT FROM b",
        "f(n => 1)",
        "EXTRACT(YEAR FROM x)",
        "FLOOR(x TO DAY)",
        "TIMESTAMPDIFF(MINUTE, a, b)",
        "a || b || c",
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        char *once = printed(same[i]);
        /* `(a = b) IS NULL` needs no brackets: comparison binds tighter than IS. */
        const char *expected =
            strcmp(same[i], "(a = b) IS NULL OR c") == 0 ? "a = b IS NULL OR c" : same[i];
        cr_expect_str_eq(once, expected);
        free(once);
    }
}

Test(sql_parser, decodes_literals)
{
    const char *text = "SELECT U&'\\00e4', 'a''b', DATE '1970-01-02', INTERVAL '1 02:00:00.5' DAY "
                       "TO SECOND, INTERVAL -'2' YEAR, TIMESTAMP '1970-01-01 00:00:01.25'";
    parsed in;
    parse(&in, "job.sql", text, strlen(text));
    cr_assert_eq(in.diagnostics.errors, 0);
    const mr_ast_item *items = in.tree.statements[0]->query->select.items;
    cr_expect_str_eq(items[0].expr->string.text, "\xc3\xa4");
    cr_expect_str_eq(items[1].expr->string.text, "a'b");
    cr_expect_eq(items[2].expr->literal.value, 1);
    cr_expect_eq(items[3].expr->interval.microseconds, 93600500000);
    cr_expect_eq(items[4].expr->interval.months, -24);
    cr_expect_eq(items[5].expr->literal.value, 1250000);
    cr_expect_eq(items[5].expr->literal.precision, 2);
    release(&in);
}

Test(sql_parser, reads_every_clause_of_a_table)
{
    const char *text =
        "CREATE TEMPORARY TABLE IF NOT EXISTS c.t (id BIGINT PRIMARY KEY NOT ENFORCED,"
        " `user` STRING COMMENT 'x', o BIGINT METADATA FROM 'offset' VIRTUAL, n AS id + 1,"
        " ts TIMESTAMP(3) NOT NULL,"
        " WATERMARK FOR ts AS ts - INTERVAL '5' SECOND,"
        " CONSTRAINT p CHECK (id > 0) ON VIOLATION DROP,"
        " CHECK (id < 9) ON VIOLATION WARN) WITH ('connector' = 'print')";
    parsed in;
    parse(&in, "job.sql", text, strlen(text));
    cr_assert_eq(in.diagnostics.errors, 0);
    const mr_ast_create_table *table = &in.tree.statements[0]->create_table;
    cr_expect(table->is_temporary && table->if_not_exists);
    cr_expect_eq(table->name.count, 2);
    cr_assert_eq(table->columns_count, 5);
    cr_expect(table->columns[1].name.is_quoted);
    cr_expect_eq(table->columns[2].kind, MR_AST_COLUMN_METADATA);
    cr_expect_str_eq(table->columns[2].metadata_key.text, "offset");
    cr_expect(table->columns[2].is_virtual);
    cr_expect_eq(table->columns[3].kind, MR_AST_COLUMN_COMPUTED);
    cr_expect(table->columns[4].type->is_not_null);
    cr_expect_eq(table->columns[4].type->scalar.precision, 3);
    cr_expect_eq(table->watermark.column.count, 1);
    cr_expect_eq(table->primary_key.columns.count, 1);
    cr_assert_eq(table->constraints_count, 2);
    cr_expect_eq(table->constraints[0].action, MR_AST_VIOLATION_DROP);
    cr_expect_eq(table->constraints[1].action, MR_AST_VIOLATION_WARN);
    cr_assert_eq(table->options_count, 1);
    cr_expect_str_eq(table->options[0].value.text, "print");
    release(&in);
}

Test(sql_parser, refuses_any_nesting_beyond_its_limit_without_overflow)
{
    static const char *const pieces[] = {
        "(",
        "- ",
        "NOT ",
        "CASE WHEN a THEN ",
        "f(",
        "1 IN (",
        "CAST(",
        "INTERVAL ",
        "INTERVAL (",
        "(SELECT ",
        "a[",
        "1 + ",
        "f() OVER (ORDER BY ",
        "ARRAY[",
        "EXISTS (SELECT ",
    };
    enum { TIMES = 100000 };
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        mr_buffer text = {0};
        mr_buffer_put(&text, "SELECT ", 7);
        for (int n = 0; n < TIMES; n++)
            mr_buffer_put(&text, pieces[i], strlen(pieces[i]));
        mr_buffer_put(&text, "1;SELECT 2;", 11);
        parsed in;
        parse(&in, "deep.sql", text.data, text.length);
        cr_expect_eq(in.diagnostics.errors, 1, "%s", pieces[i]);
        cr_expect_eq(in.diagnostics.items[0].code, MR_E_TOO_DEEP, "%s", pieces[i]);
        cr_expect_eq(in.tree.count, 1, "%s: the statement behind it is parsed", pieces[i]);
        release(&in);
        mr_buffer_release(&text);
    }
}

Test(sql_parser, takes_long_flat_chains)
{
    enum { TIMES = 100000 };
    static const char *const chains[] = {"SELECT a FROM t UNION ALL ", "SELECT 1 UNION ALL "};
    for (size_t i = 0; i < 2; i++) {
        mr_buffer text = {0};
        for (int n = 0; n < TIMES; n++)
            mr_buffer_put(&text, chains[i], strlen(chains[i]));
        mr_buffer_put(&text, "SELECT 1", 8);
        parsed in;
        parse(&in, "long.sql", text.data, text.length);
        cr_expect_eq(in.diagnostics.errors, 0);
        cr_expect_eq(in.tree.statements[0]->query->set.inputs_count, TIMES + 1);
        release(&in);
        mr_buffer_release(&text);
    }
}

/* ---- the golden scripts whose mistakes are of syntax ---- */

static char *read_all(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    mr_buffer text = {0};
    for (size_t got = 1; got != 0; text.length += got)
        got = fread(mr_buffer_reserve(&text, 4096), 1, 4096, file);
    fclose(file);
    mr_buffer_reserve(&text, 1)[0] = '\0';
    *length = text.length;
    return text.data;
}

static bool is_syntax_script(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot != NULL && strcmp(dot, ".sql") == 0 && atoi(entry->d_name) < 100;
}

static void check_script(const char *name)
{
    char path[1024];
    size_t length = 0;
    size_t expected_length = 0;
    snprintf(path, sizeof path, MR_SOURCE_DIR "/tests/golden/bad/%s", name);
    char *text = read_all(path, &length);
    cr_assert_not_null(text, "%s", path);
    memcpy(strrchr(path, '.'), ".expected", sizeof ".expected");
    char *expected = read_all(path, &expected_length);
    cr_assert_not_null(expected, "%s", path);
    parsed in;
    mr_buffer out = {0};
    parse(&in, name, text, length);
    mr_diagnostics_print(&in.diagnostics, &in.script, false, &out);
    cr_expect(out.length == expected_length && memcmp(out.data, expected, out.length) == 0,
              "%s answers:\n%.*s", name, (int)out.length, out.data);
    mr_buffer_release(&out);
    release(&in);
    free(text);
    free(expected);
}

Test(sql_parser, answers_each_bad_script_as_recorded)
{
    DIR *folder = opendir(MR_SOURCE_DIR "/tests/golden/bad");
    cr_assert_not_null(folder);
    size_t count = 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (!is_syntax_script(entry))
            continue;
        check_script(entry->d_name);
        count++;
    }
    closedir(folder);
    cr_expect_geq(count, 50);
}
