/*
 * The text form: a tree from each sink up to its sources.
 *
 *   sink `out`, kafka
 *   |  columns   ..
 *   `- window_aggregate `counts/window`
 *      |  state   ..
 *      `- source `in`, kafka
 *
 * What several parts read is shown under the first of them, with a pointer under the others.
 */
#include "jobs/explain/explain.h"
#include "jobs/explain/explanation.h"

#include <inttypes.h>
#include <string.h>

#define WIDTH 100
#define NAME_WIDTH 10
#define TEXT_WIDTH_MIN 40

typedef struct printer {
    const mr_explanation *explanation;
    mr_buffer *out;
    mr_buffer prefix; /* what stands left of a part's lines */
    bool *is_shown;   /* [parts_count] */
} printer;

/* `text` behind `left`, broken between words; later lines start with `next`. */
static void put_wrapped(mr_buffer *out, const char *left, const char *next, const char *text)
{
    size_t used = strlen(next);
    size_t room = WIDTH > used + TEXT_WIDTH_MIN ? WIDTH - used : TEXT_WIDTH_MIN;
    const char *start = left;
    do {
        size_t length = strlen(text);
        if (length > room) {
            length = room;
            while (length > 0 && text[length] != ' ')
                length--;
            if (length == 0)
                length = strcspn(text, " ");
        }
        mr_buffer_printf(out, "%s%.*s\n", start, (int)length, text);
        start = next;
        text += length;
        while (*text == ' ')
            text++;
    } while (*text != '\0');
}

static void put_fact(mr_buffer *out, const char *prefix, const char *name, const char *text)
{
    mr_buffer left = {0}, next = {0};
    mr_buffer_printf(&left, "%s%-*s ", prefix, NAME_WIDTH, name);
    mr_buffer_printf(&next, "%s%-*s ", prefix, NAME_WIDTH, "");
    put_wrapped(out, left.data, next.data, text);
    mr_buffer_release(&left);
    mr_buffer_release(&next);
}

static void put_columns(mr_buffer *out, const char *prefix, const mr_part *part)
{
    char type[MR_TYPE_NAME_MAX];
    mr_buffer text = {0};
    for (uint32_t i = 0; i < part->columns_count; i++)
        mr_buffer_printf(&text, "%s%s %s", i > 0 ? ", " : "", part->columns[i].name,
                         mr_type_name(part->columns[i].type, type, sizeof type));
    if (part->columns_count > 0)
        put_fact(out, prefix, "columns", text.data);
    mr_buffer_release(&text);
}

static void put_title(const mr_part *part, mr_buffer *out)
{
    if (part->role == MR_PART_IS_NODE)
        mr_buffer_printf(out, "%s `%s`", part->class, part->name);
    else
        mr_buffer_printf(out, "%s `%s`, %s", mr_part_role_name(part->role), part->name,
                         part->class);
}

/* Plans are shallow (a node for a clause), so walking them may recurse. */
static void put_part(printer *tree, uint32_t number, const char *label)
{
    const mr_part *part = &tree->explanation->parts[number];
    size_t outer = tree->prefix.length;
    put_title(part, tree->out);
    mr_buffer_printf(tree->out, "%s%s\n", label, tree->is_shown[number] ? ": see above" : "");
    if (tree->is_shown[number])
        return;
    tree->is_shown[number] = true;
    mr_buffer_printf(&tree->prefix, "%s  ", part->inputs_count > 0 ? "|" : " ");
    put_columns(tree->out, tree->prefix.data, part);
    for (uint32_t i = 0; i < part->facts.count; i++)
        put_fact(tree->out, tree->prefix.data, part->facts.items[i].name,
                 part->facts.items[i].text);
    tree->prefix.length = outer;
    tree->prefix.data[outer] = '\0';
    for (uint32_t i = 0; i < part->inputs_count; i++) {
        bool is_last = i + 1 == part->inputs_count;
        mr_buffer_printf(tree->out, "%.*s%c- ", (int)outer, tree->prefix.data, is_last ? '`' : '+');
        mr_buffer_printf(&tree->prefix, "%c  ", is_last ? ' ' : '|');
        put_part(tree, mr_explanation_input(tree->explanation, part, i),
                 mr_origin_label(part->inputs[i]));
        tree->prefix.length = outer;
        tree->prefix.data[outer] = '\0';
    }
}

static void put_warnings_of(const char *name, const mr_facts *facts, uint32_t *count,
                            mr_buffer *out)
{
    for (uint32_t i = 0; i < facts->count; i++) {
        if (!facts->items[i].is_warning)
            continue;
        mr_buffer line = {0};
        mr_buffer_printf(&line, "`%s`: %s", name, facts->items[i].text);
        mr_buffer_printf(out, (*count)++ == 0 ? "\n" : "");
        put_wrapped(out, "warning: ", "         ", line.data);
        mr_buffer_release(&line);
    }
}

static void put_warnings(const mr_explanation *explanation, mr_buffer *out)
{
    uint32_t count = 0;
    put_warnings_of(explanation->plan->job, &explanation->facts, &count, out);
    for (uint32_t p = 0; p < explanation->parts_count; p++)
        put_warnings_of(explanation->parts[p].name, &explanation->parts[p].facts, &count, out);
}

void mr_explain_text(const mr_plan *plan, mr_buffer *out)
{
    mr_explanation explanation;
    mr_explanation_init(&explanation, plan);
    mr_buffer_printf(out, "job `%s`, plan %016" PRIx64 "\n", plan->job, plan->version);
    for (uint32_t i = 0; i < explanation.facts.count; i++)
        put_fact(out, "   ", explanation.facts.items[i].name, explanation.facts.items[i].text);
    printer tree = {
        .explanation = &explanation,
        .out = out,
        .is_shown = mr_arena_zalloc(&explanation.arena, explanation.parts_count + 1, sizeof(bool))};
    mr_buffer_reserve(&tree.prefix, 1)[0] = '\0';
    for (uint32_t s = 0; s < plan->sinks_count; s++) {
        if (plan->sinks[s].exchange != NULL) /* shown before its other end */
            continue;
        mr_buffer_printf(out, "\n");
        put_part(&tree, plan->sources_count + plan->nodes_count + s, "");
    }
    put_warnings(&explanation, out);
    mr_buffer_release(&tree.prefix);
    mr_explanation_release(&explanation);
}
