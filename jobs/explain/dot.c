/* The graph for Graphviz: `millrace explain job.sql --format dot | dot -Tsvg`. */
#include "jobs/explain/explain.h"
#include "jobs/explain/explanation.h"

#include <string.h>

/* Inside of a quoted string; `\l` ends a line that is set to the left. */
static void put_escaped(mr_buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            mr_buffer_put_u8(out, '\\');
        mr_buffer_put_u8(out, (uint8_t)(*text == '\n' ? ' ' : *text));
    }
}

static bool is_drawn(const char *fact)
{
    static const char *const drawn[] = {"reads",  "writes",   "watermark",  "window", "interval",
                                        "keys",   "computes", "keeps",      "bound",  "late",
                                        "checks", "delivery", "partitions", "stages"};
    for (size_t i = 0; i < sizeof drawn / sizeof *drawn; i++)
        if (strcmp(drawn[i], fact) == 0)
            return true;
    return false;
}

/* About 60 characters a line, broken at blanks. */
static void put_label_line(mr_buffer *out, const char *name, const char *text)
{
    mr_buffer line = {0};
    mr_buffer_printf(&line, "%s: %s", name, text);
    const char *at = line.data;
    while (*at != '\0') {
        size_t length = strlen(at);
        if (length > 60) {
            length = 60;
            while (length > 0 && at[length] != ' ')
                length--;
            if (length == 0)
                length = strcspn(at, " ");
        }
        mr_buffer piece = {0};
        mr_buffer_printf(&piece, "%.*s", (int)length, at);
        put_escaped(out, piece.data);
        mr_buffer_release(&piece);
        mr_buffer_printf(out, "\\l");
        at += length;
        while (*at == ' ')
            at++;
    }
    mr_buffer_release(&line);
}

static void put_node(mr_buffer *out, const mr_part *part, uint32_t number)
{
    static const char *const shapes[] = {"cds", "box", "note", "rarrow"};
    mr_buffer_printf(out, "  p%u [shape=%s, label=\"", number, shapes[part->role]);
    put_escaped(out, part->class);
    mr_buffer_printf(out, " ");
    put_escaped(out, part->name);
    mr_buffer_printf(out, "\\l");
    for (uint32_t i = 0; i < part->facts.count; i++)
        if (is_drawn(part->facts.items[i].name))
            put_label_line(out, part->facts.items[i].name, part->facts.items[i].text);
    mr_buffer_printf(out, "\"];\n");
}

static void put_edge(mr_buffer *out, const mr_explanation *explanation, uint32_t to, uint32_t input)
{
    const mr_part *part = &explanation->parts[to];
    static const char *const styles[] = {
        [MR_ORIGIN_SOURCE_ROWS] = "",
        [MR_ORIGIN_SOURCE_ERRORS] = " [style=dotted, label=\"errors\"]",
        [MR_ORIGIN_NODE_ROWS] = "",
        [MR_ORIGIN_NODE_LATE] = " [style=dashed, label=\"late\"]",
        [MR_ORIGIN_SINK_ERRORS] = " [style=dotted, label=\"errors\"]",
        [MR_ORIGIN_NODE_RAW] = " [label=\"raw\"]",
        [MR_ORIGIN_SOURCE_PARTIALS] = " [label=\"partials\"]"};
    const char *style = styles[part->inputs[input].kind];
    mr_buffer_printf(out, "  p%u -> p%u%s;\n", mr_explanation_input(explanation, part, input), to,
                     style);
}

void mr_explain_dot(const mr_plan *plan, mr_buffer *out)
{
    mr_explanation explanation;
    mr_explanation_init(&explanation, plan);
    mr_buffer_printf(out, "digraph \"");
    put_escaped(out, plan->job);
    mr_buffer_printf(out, "\" {\n  rankdir=LR;\n  node [fontname=\"Helvetica\", fontsize=10];\n");
    for (uint32_t p = 0; p < explanation.parts_count; p++)
        if (explanation.parts[p].role != MR_PART_IS_OUTLET)
            put_node(out, &explanation.parts[p], p);
    for (uint32_t p = 0; p < explanation.parts_count; p++)
        for (uint32_t i = 0; i < explanation.parts[p].inputs_count; i++)
            put_edge(out, &explanation, p, i);
    mr_buffer_printf(out, "}\n");
    mr_explanation_release(&explanation);
}
