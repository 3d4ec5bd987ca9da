/* Any bytes as a job's text: parsed, diagnosed and printed back without a crash; what was printed
 * parses again to the same text. */

#include "engine/base/assert.h"
#include "jobs/sql/parser/parser.h"
#include "jobs/sql/unparse.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void print_queries(const mr_ast_script *tree, mr_buffer *out)
{
    for (uint32_t i = 0; i < tree->count; i++) {
        const mr_ast_statement *statement = tree->statements[i];
        if (statement->kind != MR_AST_QUERY)
            continue;
        mr_unparse_query(out, statement->query);
        mr_buffer_put(out, ";", 1);
    }
}

/* Queries of `text` printed into `out`; the number of errors. What we printed ourselves (`is_ours`)
 * has no error but this: brackets that printing adds may push a very deep query over the limit. */
static size_t run(const char *text, size_t length, bool is_ours, mr_buffer *out)
{
    mr_script script = {0};
    mr_arena arena = {0};
    mr_diagnostics diagnostics = {0};
    mr_buffer shown = {0};
    mr_script_init(&script, "fuzz.sql", text, length);
    mr_ast_script tree = mr_parse(&script, &arena, &diagnostics);
    mr_diagnostics_print(&diagnostics, &script, true, &shown);
    print_queries(&tree, out);
    size_t errors = diagnostics.errors;
    for (size_t i = 0; is_ours && i < diagnostics.count; i++)
        MR_ASSERT(diagnostics.items[i].severity != MR_SEVERITY_ERROR ||
                  diagnostics.items[i].code == MR_E_TOO_DEEP);
    mr_buffer_release(&shown);
    mr_diagnostics_release(&diagnostics);
    mr_arena_release(&arena);
    mr_script_release(&script);
    return errors;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mr_buffer first = {0};
    mr_buffer second = {0};
    size_t errors = run((const char *)data, size, false, &first);
    if (errors == 0 && first.length != 0) {
        size_t again = run(first.data, first.length, true, &second);
        if (again == 0)
            MR_ASSERT(first.length == second.length &&
                      memcmp(first.data, second.data, first.length) == 0);
    }
    mr_buffer_release(&first);
    mr_buffer_release(&second);
    return 0;
}
