#include "tests/unit/sim/replay_side.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const outputs[] = {"out", "late", "dlq"};

mr_status mr_replay_side_open(mr_rig *r, mr_replay_side *to, mr_point from, mr_point until)
{
    *to = (mr_replay_side){
        .log = mr_sim_connect(&r->world, r->world.workers_count - 1),
        .blobs = mr_sim_blobs_open(r->world.blobs,
                                   mr_sim_process(&r->world, r->world.workers_count - 1))};
    to->moments = (mr_moments){.plan = &r->job.plan,
                               .log = to->log,
                               .clock = mr_sim_clock(&r->world),
                               .blobs = r->takes_checkpoints ? to->blobs : NULL,
                               .stores = mr_sim_stores(&r->world, r->world.workers_count - 1),
                               .state_topic = "sim.state"};
    return mr_replay_open(&(mr_replay_config){.moments = to->moments,
                                              .from = from,
                                              .to = until,
                                              .suffix = ".replay",
                                              .transactional_id = "sim-replay"},
                          &to->replay, &r->err);
}

static void count_shown(void *context, const mr_compare_row *row)
{
    (void)row;
    ((mr_replay_side *)context)->shown++;
}

void mr_replay_side_compare(mr_rig *r, mr_replay_side *s)
{
    const mr_outputs *found = mr_replay_outputs(s->replay);
    cr_assert_eq(found->count, 3);
    s->sum = (mr_compare_result){0};
    s->shown = 0;
    for (uint32_t i = 0; i < 3; i++) {
        mr_compare_request request = {.replay = s->replay,
                                      .moments = &s->moments,
                                      .rows_max = 5,
                                      .show = count_shown,
                                      .context = s};
        cr_assert_eq(mr_compare_topic(&request, &found->items[i], &s->result[i], &r->err), MR_OK,
                     "%s", r->err.message);
        s->sum.equal += s->result[i].equal;
        s->sum.edge += s->result[i].edge;
        s->sum.missing += s->result[i].missing;
        s->sum.unexpected += s->result[i].unexpected;
    }
}

void mr_replay_side_close(mr_replay_side *s)
{
    mr_replay_close(s->replay);
    s->blobs->class->close(s->blobs);
    s->log->class->close(s->log);
}

void mr_replay_side_run(mr_rig *r, mr_replay_side *s, mr_point from, mr_point until)
{
    cr_assert_eq(mr_replay_side_open(r, s, from, until), MR_OK, "MR%d %s", r->err.status,
                 r->err.message);
    cr_assert_eq(mr_replay_run(s->replay, &r->err), MR_OK, "MR%d %s", r->err.status,
                 r->err.message);
    const mr_replay_difference *difference = mr_replay_difference_of(s->replay);
    cr_expect_eq(difference->task, UINT32_MAX, "task %" PRIu32 ", epoch %" PRIu64 ": %s",
                 difference->task, difference->epoch, difference->what);
    const mr_replay_progress *progress = mr_replay_progress_of(s->replay);
    cr_expect_eq(progress->epochs_done, progress->epochs_total);
    mr_replay_side_compare(r, s);
}

static int compare_lines(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* All values of a topic, whatever partition, in order of their text. */
static void sorted(mr_rig *r, const char *topic, int32_t partitions, mr_buffer *to)
{
    mr_buffer text = {0};
    for (int32_t p = 0; p < partitions; p++)
        mr_sim_read(&r->world, topic, p, &text);
    mr_buffer_put_u8(&text, '\0');
    char **lines = calloc(text.length + 1, sizeof *lines);
    size_t count = 0;
    for (char *line = strtok(text.data, "\n"); line != NULL; line = strtok(NULL, "\n"))
        lines[count++] = line;
    qsort(lines, count, sizeof *lines, compare_lines);
    for (size_t i = 0; i < count; i++)
        mr_buffer_printf(to, "%s\n", lines[i]);
    mr_buffer_put_u8(to, '\0');
    free(lines);
    mr_buffer_release(&text);
}

void mr_replay_side_expect_same_text(mr_rig *r)
{
    static const int32_t partitions[] = {2, 1, MR_SIM_PARTITIONS};
    for (int i = 0; i < 3; i++) {
        char name[40];
        mr_buffer live_text = {0}, replay_text = {0};
        snprintf(name, sizeof name, "%s.replay", outputs[i]);
        sorted(r, outputs[i], partitions[i], &live_text);
        sorted(r, name, partitions[i], &replay_text);
        bool has_none = i == 1 && r->job.plan.nodes[0].class == &mr_interval_join_class;
        cr_expect(has_none || live_text.length > 1, "nothing in %s", outputs[i]);
        cr_expect_str_eq(live_text.data, replay_text.data, "%s", outputs[i]);
        mr_buffer_release(&live_text);
        mr_buffer_release(&replay_text);
    }
}
