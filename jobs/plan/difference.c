#include "jobs/plan/difference.h"

#include "engine/base/buffer.h"
#include "engine/base/hash.h"
#include "jobs/plan/fingerprint.h"
#include "jobs/plan/meaning.h"
#include "jobs/plan/sharing.h"

#include <string.h>

typedef struct matcher {
    const mr_plan *from, *to;
    const mr_fingerprint *from_prints, *to_prints;
    uint32_t *of_to;   /* [to's nodes] node of `from` */
    uint32_t *of_from; /* and the other way round */
    mr_arena *arena;
    mr_change *changes;
    uint32_t count;
} matcher;

/* ---- operators ---- */

static bool is_free(const matcher *m, uint32_t from, uint32_t to)
{
    return m->from_prints[from].has_state && m->to_prints[to].has_state &&
           m->of_from[from] == MR_NOWHERE && m->of_to[to] == MR_NOWHERE;
}

static bool is_one_shape(const matcher *m, uint32_t from, uint32_t to)
{
    return m->from_prints[from].shape == m->to_prints[to].shape;
}

static void match(const matcher *m, bool needs_rows, bool needs_id)
{
    for (uint32_t t = 0; t < m->to->nodes_count; t++)
        for (uint32_t f = 0; f < m->from->nodes_count; f++) {
            if (!is_free(m, f, t) || !is_one_shape(m, f, t) ||
                (needs_rows && m->from_prints[f].rows != m->to_prints[t].rows) ||
                (needs_id && strcmp(m->from->nodes[f].id, m->to->nodes[t].id) != 0))
                continue;
            m->of_to[t] = f;
            m->of_from[f] = t;
        }
}

/* Of several of one shape nobody could tell which held what. */
static void match_single(const matcher *m)
{
    for (uint32_t t = 0; t < m->to->nodes_count; t++) {
        uint32_t olds = 0, news = 0, found = MR_NOWHERE;
        for (uint32_t f = 0; f < m->from->nodes_count; f++)
            if (is_free(m, f, t) && is_one_shape(m, f, t)) {
                olds++;
                found = f;
            }
        for (uint32_t o = 0; olds == 1 && o < m->to->nodes_count; o++)
            news += is_free(m, found, o) && is_one_shape(m, found, o);
        if (olds != 1 || news != 1)
            continue;
        m->of_to[t] = found;
        m->of_from[found] = t;
    }
}

static void add(matcher *m, mr_change change)
{
    m->changes[m->count++] = change;
}

static uint32_t free_namesake(const matcher *m, uint32_t to)
{
    for (uint32_t f = 0; f < m->from->nodes_count; f++)
        if (is_free(m, f, to) && m->from->nodes[f].class == m->to->nodes[to].class &&
            strcmp(m->from->nodes[f].id, m->to->nodes[to].id) == 0)
            return f;
    return MR_NOWHERE;
}

static const char *why_other(const matcher *m, uint32_t from, uint32_t to)
{
    mr_buffer text = {0};
    for (int p = 0; p < MR_FINGERPRINT_PARTS; p++)
        if (m->from_prints[from].parts[p] != m->to_prints[to].parts[p])
            mr_buffer_printf(&text, "%s%s", text.length > 0 ? "; " : "",
                             mr_fingerprint_part_name((mr_fingerprint_part)p));
    if (text.length == 0)
        mr_buffer_printf(&text, "several operators are alike, and nobody can tell which it was");
    const char *why = mr_arena_string(m->arena, text.data, text.length);
    mr_buffer_release(&text);
    return why;
}

static const char *why_kept(const matcher *m, uint32_t from, uint32_t to)
{
    const char *was = m->from->nodes[from].id;
    bool is_renamed = strcmp(was, m->to->nodes[to].id) != 0;
    bool is_filtered = m->from_prints[from].rows != m->to_prints[to].rows;
    return mr_arena_printf(m->arena, "%s%s%s%s", is_renamed ? "was " : "", is_renamed ? was : "",
                           is_renamed && is_filtered ? "; " : "",
                           is_filtered ? "what it holds passed other predicates than rows do now"
                                       : "");
}

static void add_operators(matcher *m)
{
    for (uint32_t t = 0; t < m->to->nodes_count; t++) {
        uint32_t f = m->of_to[t];
        if (!m->to_prints[t].has_state)
            continue;
        if (f != MR_NOWHERE) {
            add(m, (mr_change){.from = f, .to = t, .why = why_kept(m, f, t)});
            continue;
        }
        f = free_namesake(m, t);
        if (f == MR_NOWHERE) {
            add(m, (mr_change){.fate = MR_FATE_NEW, .from = f, .to = t, .why = "begins empty"});
            continue;
        }
        add(m, (mr_change){.fate = MR_FATE_REBUILD, .from = f, .to = t, .why = why_other(m, f, t)});
        m->of_from[f] = t;
    }
    for (uint32_t f = 0; f < m->from->nodes_count; f++)
        if (m->from_prints[f].has_state && m->of_from[f] == MR_NOWHERE)
            add(m, (mr_change){.fate = MR_FATE_DROP,
                               .from = f,
                               .to = MR_NOWHERE,
                               .why = "no operator of its shape is left"});
}

/* ---- tables ---- */

static bool is_one_place(const mr_plan_source *a, const mr_plan_source *b)
{
    mr_buffer left = {0}, right = {0};
    mr_meaning_put_place(a, &left);
    mr_meaning_put_place(b, &right);
    bool is_one = (a->reader == NULL) == (b->reader == NULL) && left.length == right.length &&
                  (left.length == 0 ? strcmp(a->table, b->table) == 0
                                    : memcmp(left.data, right.data, left.length) == 0);
    mr_buffer_release(&left);
    mr_buffer_release(&right);
    return is_one;
}

static void add_tables(matcher *m)
{
    uint32_t olds = m->from->sources_count, news = m->to->sources_count;
    uint32_t *of_to = mr_arena_alloc(m->arena, (news + 1) * sizeof *of_to);
    bool *is_taken = mr_arena_zalloc(m->arena, olds + 1, sizeof *is_taken);
    for (uint32_t t = 0; t < news; t++)
        of_to[t] = MR_NOWHERE;
    for (int needs_name = 1; needs_name >= 0; needs_name--)
        for (uint32_t t = 0; t < news; t++)
            for (uint32_t f = 0; f < olds && of_to[t] == MR_NOWHERE; f++) {
                const mr_plan_source *was = &m->from->sources[f], *is = &m->to->sources[t];
                if (is_taken[f] || !is_one_place(was, is) ||
                    (needs_name && strcmp(was->table, is->table) != 0))
                    continue;
                of_to[t] = f;
                is_taken[f] = true;
            }
    for (uint32_t t = 0; t < news; t++) {
        const char *was = of_to[t] != MR_NOWHERE ? m->from->sources[of_to[t]].table : NULL;
        bool is_renamed = was != NULL && strcmp(was, m->to->sources[t].table) != 0;
        add(m, (mr_change){.is_table = true,
                           .fate = was != NULL ? MR_FATE_KEEP : MR_FATE_NEW,
                           .from = of_to[t],
                           .to = t,
                           .why = was == NULL  ? "is read from where 'scan.startup.mode' says"
                                  : is_renamed ? mr_arena_printf(m->arena, "was %s", was)
                                               : ""});
    }
    for (uint32_t f = 0; f < olds; f++)
        if (!is_taken[f])
            add(m, (mr_change){.is_table = true,
                               .fate = MR_FATE_DROP,
                               .from = f,
                               .to = MR_NOWHERE,
                               .why = "is not read any more: how far it was is forgotten"});
}

/* ---- all ---- */

static uint64_t time_of(const mr_plan *plan, uint32_t source, mr_arena *arena)
{
    mr_meaning meaning = mr_meaning_begin(plan, true, arena);
    mr_buffer text = {0};
    mr_meaning_put_column(&meaning, (mr_origin){.kind = MR_ORIGIN_SOURCE_ROWS, .index = source},
                          (uint32_t)plan->sources[source].time_column, &text);
    uint64_t hash = mr_hash(text.data, text.length);
    mr_buffer_release(&text);
    return hash;
}

/* Watermarks stay: by those of another column all that comes might be late. */
static const char *retimed_table(const matcher *m)
{
    for (uint32_t i = 0; i < m->count; i++) {
        const mr_change *c = &m->changes[i];
        if (c->is_table && c->fate == MR_FATE_KEEP && m->from->sources[c->from].time_column >= 0 &&
            m->to->sources[c->to].time_column >= 0 &&
            time_of(m->from, c->from, m->arena) != time_of(m->to, c->to, m->arena))
            return m->to->sources[c->to].table;
    }
    return NULL;
}

static const char *why_never(const matcher *m, const mr_difference *d)
{
    const mr_plan *from = d->from_job, *to = d->to_job;
    mr_arena *arena = m->arena;
    const char *retimed = retimed_table(m);
    if (from->guarantee != MR_EXACTLY_ONCE || to->guarantee != MR_EXACTLY_ONCE)
        return "it is not exactly-once: nothing would keep two writers apart";
    if (retimed != NULL)
        return mr_arena_printf(
            arena, "table `%s` has another event time, and how far it was counts in the old one",
            retimed);
    return d->is_in_place ? NULL : mr_sharing_why_not(d, arena);
}

static const mr_plan *uncut(const mr_plan *plan)
{
    return plan->uncut != NULL ? plan->uncut : plan;
}

void mr_difference_find(const mr_plan *from_job, const mr_plan *to_job, mr_arena *arena,
                        mr_difference *difference)
{
    const mr_plan *from = uncut(from_job), *to = uncut(to_job);
    uint32_t all =
        from->nodes_count + to->nodes_count + from->sources_count + to->sources_count + 1;
    matcher m = {.from = from,
                 .to = to,
                 .from_prints = mr_fingerprints(from, arena),
                 .to_prints = mr_fingerprints(to, arena),
                 .of_to = mr_arena_alloc(arena, (to->nodes_count + 1) * sizeof(uint32_t)),
                 .of_from = mr_arena_alloc(arena, (from->nodes_count + 1) * sizeof(uint32_t)),
                 .arena = arena,
                 .changes = mr_arena_zalloc(arena, all, sizeof(mr_change))};
    memset(m.of_to, 0xff, (to->nodes_count + 1) * sizeof(uint32_t));
    memset(m.of_from, 0xff, (from->nodes_count + 1) * sizeof(uint32_t));
    match(&m, true, true);
    match(&m, true, false);
    match(&m, false, true);
    match_single(&m);
    add_tables(&m);
    add_operators(&m);
    *difference =
        (mr_difference){.from = from,
                        .to = to,
                        .from_job = from_job,
                        .to_job = to_job,
                        .is_in_place = from_job->stages_count == 0 && to_job->stages_count == 0 &&
                                       from_job->tasks_count == to_job->tasks_count,
                        .count = m.count,
                        .changes = m.changes,
                        .is_quiet = true};
    difference->never = why_never(&m, difference);
    for (uint32_t i = 0; i < m.count; i++) {
        mr_fate fate = m.changes[i].fate;
        difference->loses |= fate == MR_FATE_REBUILD || fate == MR_FATE_DROP;
        difference->is_quiet &= fate == MR_FATE_KEEP;
    }
}

const char *mr_fate_name(mr_fate fate)
{
    static const char *const names[] = {"keep", "new", "rebuild", "drop"};
    return names[fate];
}

const char *mr_change_name(const mr_difference *d, const mr_change *change)
{
    const mr_plan *plan = change->to != MR_NOWHERE ? d->to : d->from;
    uint32_t at = change->to != MR_NOWHERE ? change->to : change->from;
    return change->is_table ? plan->sources[at].table : plan->nodes[at].id;
}
