/*
 * Statements that other systems have and this one does not: each is refused by name, with what
 * to do
 * instead, rather than by "expected X, found Y".
 */
#include "engine/base/assert.h"
#include "jobs/sql/parser/state.h"

#include <string.h>
#include <strings.h>

typedef struct refusal {
    const char *words; /* at the statement's beginning, in capitals */
    const char *message;
    const char *hint;
} refusal;

#define FOR_A_SHELL "belongs to an interactive shell, not to a job"

static const refusal refusals[] = {
    {"CREATE CATALOG", "catalogs are not supported", "create the tables in the job itself"},
    {"CREATE DATABASE", "databases are not supported", "table names may hold dots"},
    {"CREATE FUNCTION", "functions of one's own are not supported",
     "docs/sql.md lists the built-in functions"},
    {"CREATE TEMPORARY FUNCTION", "functions of one's own are not supported",
     "docs/sql.md lists the built-in functions"},
    {"CREATE TEMPORARY SYSTEM FUNCTION", "functions of one's own are not supported",
     "docs/sql.md lists the built-in functions"},
    {"CREATE MODEL", "models are not supported", NULL},
    {"CREATE MATERIALIZED", "materialized tables and views are not supported",
     "INSERT INTO a table whose topic holds the result"},
    {"CREATE EXTERNAL", "EXTERNAL tables are not supported",
     "every table is external: leave it out"},
    {"CREATE OR", "OR REPLACE is not supported", "a job defines each name once"},
    {"CREATE INDEX", "indexes are not supported", NULL},
    {"INSERT OVERWRITE", "INSERT OVERWRITE is not supported",
     "streams are appended to: INSERT INTO"},
    {"UPDATE", "UPDATE is not supported", "derive the changed rows: INSERT INTO .. SELECT .."},
    {"DELETE", "DELETE is not supported", "filter the rows: INSERT INTO .. SELECT .. WHERE .."},
    {"TRUNCATE", "TRUNCATE is not supported", NULL},
    {"MERGE", "MERGE is not supported", "join, then INSERT INTO .. SELECT .."},
    {"UPSERT", "UPSERT is not supported", "INSERT INTO a table with a PRIMARY KEY"},
    {"REPLACE", "REPLACE is not supported", NULL},
    {"CALL", "procedures are not supported", NULL},
    {"LOAD", "modules are not supported", NULL},
    {"UNLOAD", "modules are not supported", NULL},
    {"ADD JAR", "there is no Java here: jars cannot be loaded",
     "connectors and formats are built in"},
    {"ADD", "ADD is not supported", NULL},
    {"ALTER", "ALTER " FOR_A_SHELL, "change the CREATE statement"},
    {"DROP", "DROP " FOR_A_SHELL, "leave it out: a job defines all it uses"},
    {"SHOW", "SHOW " FOR_A_SHELL, NULL},
    {"DESCRIBE", "DESCRIBE " FOR_A_SHELL, "millrace explain FILE shows all tables"},
    {"DESC", "DESC " FOR_A_SHELL, "millrace explain FILE shows all tables"},
    {"USE", "USE " FOR_A_SHELL, "write names in full"},
    {"COMPILE", "compiled plans are not supported", NULL},
    {"EXECUTE PLAN", "compiled plans are not supported", NULL},
    {"STOP", "STOP " FOR_A_SHELL, "send the worker SIGTERM"},
    {"ANALYZE", "ANALYZE is not supported", NULL},
    {"GRANT", "rights are kept by Kafka's ACLs", NULL},
    {"COMMIT", "transactions are the engine's business",
     "SET 'execution.checkpointing.interval' says how often it commits"},
    {"ROLLBACK", "transactions are the engine's business", NULL},
    {"DECLARE", "procedural SQL is not supported", NULL},
};

/* How many tokens ahead spell `words`; 0: they do not. */
static uint32_t match(mr_parser *parser, const char *words)
{
    uint32_t n = 0;
    while (*words != '\0') {
        size_t length = strcspn(words, " ");
        mr_token token = mr_parser_peek(parser, n);
        if (token.kind != MR_TOKEN_NAME || token.span.end - token.span.start != length ||
            strncasecmp(parser->script->text + token.span.start, words, length) != 0)
            return 0;
        n++;
        words += length;
        words += *words == ' ';
    }
    return n;
}

/* DROP .. IF EXISTS at a script's head changes nothing here: such scripts are to run unchanged. */
static bool skip_drop(mr_parser *parser)
{
    bool is_drop = mr_parser_at_word(parser, MR_WORD_DROP);
    uint32_t n = mr_parser_peek(parser, 1).word == MR_WORD_TEMPORARY ? 3 : 2;
    if (!is_drop || mr_parser_peek(parser, n).word != MR_WORD_IF ||
        mr_parser_peek(parser, n + 1).word != MR_WORD_EXISTS)
        return false;
    mr_token first = mr_parser_take(parser);
    while (!mr_parser_at(parser, MR_TOKEN_SEMICOLON) && !mr_parser_at(parser, MR_TOKEN_END))
        mr_parser_take(parser);
    mr_diagnostics_report(parser->diagnostics, MR_W_STATEMENT_SKIPPED,
                          mr_parser_span_from(parser, first.span.start),
                          "DROP .. IF EXISTS has no effect in a job");
    mr_diagnostics_label(parser->diagnostics, "skipped");
    return true;
}

bool mr_parse_refusal(mr_parser *parser)
{
    if (skip_drop(parser))
        return true;
    for (size_t i = 0; i < MR_LENGTH(refusals); i++) {
        uint32_t words = match(parser, refusals[i].words);
        if (words == 0)
            continue;
        mr_span span =
            mr_span_join(mr_parser_peek(parser, 0).span, mr_parser_peek(parser, words - 1).span);
        mr_parser_fail(parser, MR_E_UNSUPPORTED_STATEMENT, span, "%s", refusals[i].message);
        if (refusals[i].hint != NULL)
            mr_diagnostics_label(parser->diagnostics, "%s", refusals[i].hint);
        return true;
    }
    return false;
}
