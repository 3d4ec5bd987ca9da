/* Goal: nothing secret is left of a script, nothing else is lost. Method: scripts in, lines out. */
#include "jobs/cli/mask.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define SECRET "geheim"

/* The masked `source`; the caller frees it. `message` about the secret is masked along. */
static char *masked(const char *source, const char *message, mr_diagnostics *diagnostics)
{
    char *text = strdup(source);
    mr_script script;
    mr_script_init(&script, "job.sql", text, strlen(text));
    const char *value = strstr(text, "'geheim'");
    uint32_t start = value != NULL ? (uint32_t)(value - text) : 0;
    mr_span span = {start, start + (uint32_t)strlen("'geheim'")};
    mr_diagnostics_report(diagnostics, MR_E_UNEXPECTED, span, "%s", message);
    mr_mask_secrets(&script, text, diagnostics);
    mr_script_release(&script);
    return text;
}

static void expect_kept(const char *source, const char *kept, bool is_secret_shown)
{
    mr_diagnostics diagnostics = {0};
    char *text = masked(source, "", &diagnostics);
    cr_expect_eq(strlen(text), strlen(source));
    cr_expect_eq(strstr(text, SECRET) != NULL, is_secret_shown, "%s -> %s", source, text);
    cr_expect(strstr(text, kept), "%s -> %s", source, text);
    free(text);
    mr_diagnostics_release(&diagnostics);
}

Test(mask, hides_values_of_secret_and_unknown_options_however_they_are_written)
{
    static const char *const values[] = {
        "'k' = 'geheim'",   "'k'='geheim",         "'k' 'geheim'",
        "'k' = \"geheim\"", "\"k\" = 'geheim'",    "'k' = geheim",
        "'k = 'geheim'",    "'k' == 'geheim'",     "'k' => 'geheim'",
        "'k' : 'geheim'",   "'k=geheim'",          "'k' = \xE2\x80\x98geheim'",
        "'k' = 1geheim",    "'k' = _utf8'geheim'", "'k' = 'it''s geheim'",
        "'k' = (geheim)",   "'k' = 'a, geheim",    "'k' = `geheim`",
        "'k' = X'geheim'",  "'k' 'geheim' = 'x'",  "'k = geheim",
        "k = 'geheim'",
    };
    static const char *const keys[] = {"properties.sasl.password", "properties.sasl.pasword",
                                       "avro-confluent.basic-auth.user-info", "misspelt"};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
            char source[512] = "CREATE TABLE t (a INT) WITH ('topic' = 'here', ";
            for (const char *c = values[i]; *c != '\0'; c++)
                if (*c == 'k')
                    strcat(source, keys[k]);
                else
                    strncat(source, c, 1);
            strcat(source, ");\nSELECT a FROM t;\n");
            expect_kept(source, "'topic' = 'here', ", false);
        }
}

Test(mask, keeps_values_of_known_options_and_all_other_sql)
{
    static const char *const sources[] = {
        "CREATE TABLE t (a INT) WITH ('topic' = 'geheim');",
        "CREATE TABLE t (a INT) WITH ('properties.security.protocol' = 'geheim');",
        "CREATE TABLE t (a INT) WITH ('format' = 'json', 'json.ignore-parse-errors' = 'geheim');",
        "CREATE TABLE t (a INT) WITH ('value.csv.field-delimiter' = 'geheim');",
        "CREATE TABLE t (a INT) WITH ('fields.a.min' = 'geheim');",
        "CREATE TABLE t (a INT) WITH ('properties.linger.ms' = 5, 'topic' = 'geheim');",
        "CREATE TABLE t (a INT) WITH (topic = 'geheim');",
        "SET 'parallelism.default' = 'geheim';",
        "SELECT 'a' || geheim FROM t WHERE a = 'x' AND 'b' = geheim;",
        "SET 'misspelt' = 'x'; SELECT 'geheim' AS kind, geheim FROM t;",
        "WITH v AS (SELECT 'geheim' AS k FROM t) SELECT token, 'geheim' FROM v;",
        "CREATE TABLE t (a INT) WITH ('misspelt' = 'x', 'topic' = 'geheim');",
        "CREATE TABLE t (a INT) WITH ('misspelt' = 'x' 'topic' = 'geheim');",
    };
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        expect_kept(sources[i], SECRET, true);
}

Test(mask, hides_secrets_where_no_list_of_options_was_opened)
{
    static const char *const sources[] = {
        "CREATE TABLE t (a INT) WIHT ('topic' = 't', 'properties.sasl.pasword' = 'geheim');",
        "CREATE TABLE t (a INT) 'properties.sasl.password' = 'geheim';",
        "CREATE TABLE t (a INT) 'properties.sasl.password' 'geheim';",
        "CREATE TABLE t (a INT) password = 'geheim';",
        "SET 'my.own' = 'geheim';",
    };
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        expect_kept(sources[i], i < 4 ? "CREATE TABLE t (a INT)" : "SET 'my.own'", false);
}

Test(mask, takes_secrets_out_of_messages_whole_or_cut_off)
{
    static const struct {
        const char *message, *left;
    } cases[] = {
        {"expected `=`, found `'geheim'`", "expected `=`, found `'******'`"},
        {"write 'geheim'", "write '******'"},
        {"found `'gehe`", "found `'******`"},
        {"found `gehe`", "found `******`"},
        {"no option `topic`", "no option `topic`"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mr_diagnostics diagnostics = {0};
        free(masked("SET 'sasl.password' 'geheim';", cases[i].message, &diagnostics));
        cr_expect_str_eq(diagnostics.items[0].message, cases[i].left);
        mr_diagnostics_release(&diagnostics);
    }
}
