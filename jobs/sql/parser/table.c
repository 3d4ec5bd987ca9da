/*
 * CREATE TABLE.
 */
#include "jobs/sql/parser/state.h"

static void parse_key_tail(mr_parser *parser, uint32_t start)
{
    if (mr_parser_at_words(parser, MR_WORD_NOT, MR_WORD_ENFORCED)) {
        mr_parser_take(parser);
        mr_parser_take(parser);
        return;
    }
    if (mr_parser_fail(parser, MR_E_NOT_ENFORCED, mr_parser_span_from(parser, start),
                       "a primary key needs NOT ENFORCED"))
        mr_diagnostics_label(parser->diagnostics,
                             "write NOT ENFORCED behind it: a stream cannot check keys");
}

static void set_primary_key(mr_parser *parser, mr_ast_create_table *table, mr_ast_names columns,
                            uint32_t start)
{
    parse_key_tail(parser, start);
    if (table->primary_key.columns.count != 0)
        mr_parser_fail(parser, MR_E_DUPLICATE_CLAUSE, mr_parser_span_from(parser, start),
                       "a table has one primary key");
    table->primary_key.columns = columns;
    table->primary_key.span = mr_parser_span_from(parser, start);
}

static void parse_primary_key(mr_parser *parser, mr_ast_create_table *table)
{
    uint32_t start = mr_parser_take(parser).span.start;
    mr_parser_expect_word(parser, MR_WORD_KEY);
    set_primary_key(parser, table, mr_parser_names(parser, "a column"), start);
}

static void parse_watermark(mr_parser *parser, mr_ast_create_table *table)
{
    uint32_t start = mr_parser_take(parser).span.start;
    mr_ast_watermark watermark = {0};
    mr_parser_expect_word(parser, MR_WORD_FOR);
    watermark.column = mr_parser_path(parser, "the time column");
    mr_parser_expect_word(parser, MR_WORD_AS);
    watermark.expr = mr_parse_expression(parser);
    watermark.span = mr_parser_span_from(parser, start);
    if (table->watermark.column.count != 0)
        mr_parser_fail(parser, MR_E_DUPLICATE_CLAUSE, watermark.span, "a table has one watermark");
    table->watermark = watermark;
}

static void parse_violation(mr_parser *parser, mr_ast_constraint *constraint)
{
    if (!mr_parser_accept_word(parser, MR_WORD_ON))
        return;
    mr_parser_expect_word(parser, MR_WORD_VIOLATION);
    constraint->has_action = true;
    if (mr_parser_accept_word(parser, MR_WORD_DLQ))
        constraint->action = MR_AST_VIOLATION_DLQ;
    else if (mr_parser_accept_word(parser, MR_WORD_DROP))
        constraint->action = MR_AST_VIOLATION_DROP;
    else if (mr_parser_accept_word(parser, MR_WORD_FAIL))
        constraint->action = MR_AST_VIOLATION_FAIL;
    else if (mr_parser_accept_word(parser, MR_WORD_WARN))
        constraint->action = MR_AST_VIOLATION_WARN;
    else
        mr_parser_unexpected(parser, "DLQ, DROP, WARN or FAIL");
}

/* [CONSTRAINT name] CHECK (..) | PRIMARY KEY (..) */
static void parse_constraint(mr_parser *parser, mr_ast_create_table *table, mr_parser_list *list)
{
    uint32_t start = mr_parser_start(parser);
    mr_ast_constraint constraint = {0};
    if (mr_parser_accept_word(parser, MR_WORD_CONSTRAINT))
        constraint.name = mr_parser_name(parser, "the constraint's name");
    if (mr_parser_at_word(parser, MR_WORD_PRIMARY)) {
        parse_primary_key(parser, table);
        return;
    }
    mr_parser_expect_word(parser, MR_WORD_CHECK);
    mr_span open = mr_parser_peek(parser, 0).span;
    mr_parser_expect(parser, MR_TOKEN_OPEN, "`(` and a condition behind CHECK");
    constraint.expr = mr_parse_expression(parser);
    mr_parser_close(parser, open);
    parse_violation(parser, &constraint);
    constraint.span = mr_parser_span_from(parser, start);
    mr_ast_constraint *slot = mr_parser_push(parser, list, sizeof *slot);
    *slot = constraint;
}

static void parse_metadata(mr_parser *parser, mr_ast_column *column)
{
    column->kind = MR_AST_COLUMN_METADATA;
    if (mr_parser_accept_word(parser, MR_WORD_FROM))
        column->metadata_key = mr_parser_string(parser, "a metadata key in quotes");
    column->is_virtual = mr_parser_accept_word(parser, MR_WORD_VIRTUAL);
}

/* PRIMARY KEY, COMMENT and other things of single columns, in any order. */
static void parse_column_tail(mr_parser *parser, mr_ast_create_table *table, mr_ast_column *column)
{
    for (;;) {
        uint32_t start = mr_parser_start(parser);
        if (mr_parser_accept_word(parser, MR_WORD_COMMENT)) {
            column->comment = mr_parser_string(parser, "a comment in quotes");
        } else if (mr_parser_accept_word(parser, MR_WORD_PRIMARY)) {
            mr_parser_expect_word(parser, MR_WORD_KEY);
            mr_ast_name *name = mr_arena_zalloc(parser->arena, 1, sizeof *name);
            *name = column->name;
            set_primary_key(parser, table, (mr_ast_names){.items = name, .count = 1}, start);
        } else {
            break;
        }
    }
    mr_token token = mr_parser_peek(parser, 0);
    if (token.word == MR_WORD_DEFAULT || token.word == MR_WORD_UNIQUE ||
        token.word == MR_WORD_REFERENCES)
        mr_parser_fail(parser, MR_E_UNSUPPORTED_SYNTAX, token.span, "columns take no %s",
                       mr_word_text(token.word));
}

static mr_ast_column parse_column(mr_parser *parser, mr_ast_create_table *table)
{
    uint32_t start = mr_parser_start(parser);
    mr_ast_column column = {.name = mr_parser_name(parser, "a column")};
    mr_token token = mr_parser_peek(parser, 0);
    if (mr_parser_accept_word(parser, MR_WORD_AS)) {
        column.kind = MR_AST_COLUMN_COMPUTED;
        column.expr = mr_parse_expression(parser);
    } else if (token.kind == MR_TOKEN_COMMA || token.kind == MR_TOKEN_CLOSE) {
        if (mr_parser_fail(parser, MR_E_COLUMN_SYNTAX, column.name.span,
                           "the column `%.60s` has no type", column.name.text))
            mr_diagnostics_label(parser->diagnostics, "write a type behind it, such as STRING");
    } else {
        column.type = mr_parse_type(parser);
        if (mr_parser_accept_word(parser, MR_WORD_METADATA))
            parse_metadata(parser, &column);
    }
    parse_column_tail(parser, table, &column);
    column.span = mr_parser_span_from(parser, start);
    return column;
}

static void parse_elements(mr_parser *parser, mr_ast_create_table *table)
{
    mr_span open = mr_parser_take(parser).span;
    mr_parser_list columns = {0};
    mr_parser_list constraints = {0};
    do {
        mr_token token = mr_parser_peek(parser, 0);
        mr_word next = mr_parser_peek(parser, 1).word;
        if (token.word == MR_WORD_WATERMARK && next == MR_WORD_FOR)
            parse_watermark(parser, table);
        else if (token.word == MR_WORD_PRIMARY && next == MR_WORD_KEY)
            parse_primary_key(parser, table);
        else if (token.word == MR_WORD_CONSTRAINT || token.word == MR_WORD_CHECK)
            parse_constraint(parser, table, &constraints);
        else {
            mr_ast_column column = parse_column(parser, table);
            mr_ast_column *slot = mr_parser_push(parser, &columns, sizeof *slot);
            *slot = column;
        }
    } while (mr_parser_comma(parser));
    mr_parser_close(parser, open);
    table->columns = columns.items;
    table->columns_count = columns.count;
    table->constraints = constraints.items;
    table->constraints_count = constraints.count;
}

static void refuse_option(mr_parser *parser, const char *what)
{
    mr_token token = mr_parser_peek(parser, 0);
    if (token.kind == MR_TOKEN_SEMICOLON || token.kind == MR_TOKEN_END ||
        token.kind == MR_TOKEN_BAD) {
        mr_parser_unexpected(parser, what);
        return;
    }
    const char *text = mr_parser_text(parser, token.span);
    if (mr_parser_fail(parser, MR_E_OPTION_SYNTAX, token.span, "expected %s, found `%.60s`", what,
                       text) &&
        (token.kind == MR_TOKEN_NAME || token.kind == MR_TOKEN_INTEGER))
        mr_diagnostics_label(parser->diagnostics, "write '%.60s'", text);
}

static mr_ast_text parse_option_text(mr_parser *parser, const char *what)
{
    if (!mr_parser_at(parser, MR_TOKEN_STRING))
        refuse_option(parser, what);
    return mr_parser_string(parser, what);
}

static void parse_options(mr_parser *parser, mr_ast_create_table *table)
{
    uint32_t start = mr_parser_take(parser).span.start;
    mr_span open = mr_parser_peek(parser, 0).span;
    mr_parser_expect(parser, MR_TOKEN_OPEN, "`(` behind WITH");
    mr_parser_list options = {0};
    do {
        mr_ast_option option = {.key = parse_option_text(parser, "an option's key in quotes")};
        mr_parser_expect(parser, MR_TOKEN_EQUAL, "`=` behind the key");
        option.value = parse_option_text(parser, "an option's value in quotes");
        mr_ast_option *slot = mr_parser_push(parser, &options, sizeof *slot);
        *slot = option;
        if (mr_parser_at(parser, MR_TOKEN_STRING) &&
            mr_parser_fail(parser, MR_E_OPTION_SYNTAX, mr_parser_peek(parser, 0).span,
                           "two options without a comma between them"))
            mr_diagnostics_label(parser->diagnostics, "write a comma in front");
    } while (mr_parser_comma(parser));
    mr_parser_close(parser, open);
    table->options = options.items;
    table->options_count = options.count;
    table->options_span = mr_parser_span_from(parser, start);
}

static void refuse_table_clause(mr_parser *parser)
{
    mr_token token = mr_parser_peek(parser, 0);
    switch (token.word) {
    case MR_WORD_LIKE:
        if (mr_parser_fail(parser, MR_E_UNSUPPORTED_SYNTAX, token.span,
                           "CREATE TABLE .. LIKE is not supported yet"))
            mr_diagnostics_label(parser->diagnostics, "write the columns out");
        break;
    case MR_WORD_AS:
        if (mr_parser_fail(parser, MR_E_UNSUPPORTED_SYNTAX, token.span,
                           "CREATE TABLE .. AS is not supported yet"))
            mr_diagnostics_label(parser->diagnostics,
                                 "create the table with its columns, then INSERT INTO it");
        break;
    case MR_WORD_DISTRIBUTED:
        if (mr_parser_fail(parser, MR_E_UNSUPPORTED_SYNTAX, token.span,
                           "DISTRIBUTED BY is not supported"))
            mr_diagnostics_label(parser->diagnostics, "'key.fields' says what a topic is keyed by");
        break;
    default: break;
    }
}

static void parse_clauses(mr_parser *parser, mr_ast_create_table *table)
{
    for (;;) {
        refuse_table_clause(parser);
        if (mr_parser_accept_word(parser, MR_WORD_COMMENT)) {
            table->comment = mr_parser_string(parser, "a comment in quotes");
        } else if (mr_parser_accept_word(parser, MR_WORD_PARTITIONED)) {
            mr_parser_expect_word(parser, MR_WORD_BY);
            table->partitioned_by = mr_parser_names(parser, "a column");
        } else if (mr_parser_at_word(parser, MR_WORD_WITH) && table->options_count == 0) {
            parse_options(parser, table);
        } else {
            return;
        }
    }
}

mr_ast_statement *mr_parse_create_table(mr_parser *parser, mr_ast_statement *to)
{
    mr_ast_create_table *table = &to->create_table;
    to->kind = MR_AST_CREATE_TABLE;
    mr_parser_expect_word(parser, MR_WORD_TABLE);
    if (mr_parser_accept_word(parser, MR_WORD_IF)) {
        mr_parser_expect_word(parser, MR_WORD_NOT);
        mr_parser_expect_word(parser, MR_WORD_EXISTS);
        table->if_not_exists = true;
    }
    table->name = mr_parser_path(parser, "the table's name");
    if (mr_parser_at(parser, MR_TOKEN_OPEN))
        parse_elements(parser, table);
    parse_clauses(parser, table);
    if (table->columns_count == 0)
        mr_parser_fail(parser, MR_E_COLUMN_SYNTAX, table->name.span, "this table has no columns");
    return to;
}
