/* Also `millrace diff`, which needs nothing else. */
#include "jobs/cli/fleet/changed.h"

#include "jobs/cli/command.h"

#include <inttypes.h>
#include <stdio.h>

mr_exit mr_changed_open(mr_changed *changed, const mr_flags *flags)
{
    *changed = (mr_changed){0};
    mr_flags of_text = *flags;
    of_text.name = flags->job;
    changed->loaded = mr_load(&of_text);
    if (changed->loaded.job == NULL)
        return changed->loaded.exit;
    mr_reach_options options = {.bootstrap = changed->loaded.job->cluster.bootstrap,
                                .properties = changed->loaded.job->cluster.properties};
    mr_exit exit = mr_named_open(&changed->named, flags, flags->job, &options);
    if (exit == MR_EXIT_OK)
        mr_changed_compare(changed);
    return exit;
}

void mr_changed_release(mr_changed *changed)
{
    mr_named_release(&changed->named);
    mr_loaded_release(&changed->loaded);
    mr_arena_release(&changed->arena);
}

void mr_changed_compare(mr_changed *changed)
{
    mr_difference_find(&changed->named.wished.job->plan, &changed->loaded.job->plan,
                       &changed->arena, &changed->difference);
}

bool mr_changed_is_same(const mr_plan *from, const mr_plan *to)
{
    return from->version == to->version && from->tasks_count == to->tasks_count &&
           from->stages_count == to->stages_count;
}

bool mr_changed_is_one_plan(const mr_changed *changed)
{
    return mr_changed_is_same(&changed->named.wished.job->plan, &changed->loaded.job->plan);
}

void mr_changed_print(const mr_changed *changed)
{
    const mr_difference *d = &changed->difference;
    printf("plan %016" PRIx64 " -> %016" PRIx64 "\n", d->from->version, d->to->version);
    for (uint32_t i = 0; i < d->count; i++) {
        const mr_change *c = &d->changes[i];
        printf("  %-7s  %-8s  %s%s%s\n", mr_fate_name(c->fate), c->is_table ? "table" : "operator",
               mr_change_name(d, c), c->why[0] != '\0' ? ": " : "", c->why);
    }
}

static void print_verdict(const mr_changed *changed)
{
    const mr_difference *d = &changed->difference;
    if (mr_changed_is_one_plan(changed))
        printf("the plan is the same: `millrace submit` takes the text\n");
    else if (d->never != NULL)
        printf("it cannot be upgraded: %s\n", d->never);
    else if (d->loses)
        printf("state is lost: `millrace upgrade` needs --allow-state-loss\n");
    else
        printf("no state is lost: `millrace upgrade` takes the text\n");
}

mr_exit mr_command_diff(const mr_flags *flags)
{
    mr_changed changed;
    mr_exit exit = mr_changed_open(&changed, flags);
    if (exit == MR_EXIT_OK) {
        mr_changed_print(&changed);
        print_verdict(&changed);
        bool is_never = changed.difference.never != NULL && !mr_changed_is_one_plan(&changed);
        exit = changed.difference.is_quiet && !is_never ? MR_EXIT_OK : MR_EXIT_FAILED;
    }
    mr_changed_release(&changed);
    return exit;
}
