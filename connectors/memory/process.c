#include "connectors/memory/process.h"

#include <stdarg.h>
#include <stddef.h>

static int64_t now_us(const mr_memory_process *process)
{
    return process->clock != NULL ? process->clock->monotonic_us(process->clock) : 0;
}

static const char *name_of(const mr_memory_process *process)
{
    return process->name != NULL ? process->name : "process";
}

static void die(mr_memory_process *process)
{
    process->is_dying = false;
    process->is_dead = true;
    process->silent_since_us = now_us(process);
    mr_memory_note(process, "DIES at call %llu %s", (unsigned long long)process->calls,
                   process->last_call != NULL ? process->last_call : "");
}

void mr_memory_process_restart(mr_memory_process *process)
{
    process->is_dead = process->is_dying = process->is_stopped = false;
    process->crash_at = 0;
    process->unreachable_until_us = 0;
    mr_memory_note(process, "restarts");
}

void mr_memory_process_kill(mr_memory_process *process)
{
    if (!process->is_dead)
        die(process);
}

void mr_memory_process_stop(mr_memory_process *process)
{
    process->is_stopped = true;
    process->silent_since_us = now_us(process);
}

void mr_memory_process_resume(mr_memory_process *process)
{
    process->is_stopped = false;
}

int64_t mr_memory_process_silent_since(const mr_memory_process *process)
{
    return process->is_dead || process->is_stopped ? process->silent_since_us : -1;
}

static mr_status crashed(const mr_memory_process *process, mr_error *err)
{
    return mr_error_set(err, MR_E_CRASHED, "%s died at call %llu (%s)", name_of(process),
                        (unsigned long long)process->calls,
                        process->last_call != NULL ? process->last_call : "killed");
}

mr_status mr_memory_tick(mr_memory_process *process, const char *call, mr_error *err)
{
    if (process->is_dead)
        return crashed(process, err);
    process->calls++;
    process->last_call = call;
    if (process->trace != NULL)
        mr_memory_note(process, "%llu %s", (unsigned long long)process->calls, call);
    if (process->crash_at != 0 && process->calls >= process->crash_at) {
        bool is_after = process->crash == MR_MEMORY_CRASH_AFTER;
        if (process->crash == MR_MEMORY_CRASH_DRAWN)
            is_after = mr_memory_draw_below(process, 2) == 1;
        if (is_after) {
            process->is_dying = true;
            return MR_OK;
        }
        die(process);
        return crashed(process, err);
    }
    if (mr_memory_draw(process, process->faults.unreachable, "unreachable"))
        process->unreachable_until_us =
            now_us(process) +
            (int64_t)mr_memory_draw_below(process, (uint64_t)process->faults.unreachable_us_max);
    return MR_OK;
}

mr_status mr_memory_tock(mr_memory_process *process, mr_status status, mr_error *err)
{
    if (process->is_dying) {
        die(process);
        return crashed(process, err);
    }
    if (status != MR_OK && process->trace != NULL)
        mr_memory_note(process, "  -> MR%d %s", status, err->message);
    return status;
}

/* splitmix64: one word of state, and a seed of 0 is as good as any. */
static uint64_t next(mr_memory_process *process)
{
    uint64_t z = process->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

bool mr_memory_draw(mr_memory_process *process, uint32_t per_million, const char *fault)
{
    if (per_million == 0 || process->is_dead || next(process) % 1000000 >= per_million)
        return false;
    mr_memory_note(process, "  fault: %s", fault);
    return true;
}

uint64_t mr_memory_draw_below(mr_memory_process *process, uint64_t below)
{
    return below != 0 ? next(process) % below : 0;
}

void mr_memory_note(mr_memory_process *process, const char *format, ...)
{
    if (process->trace == NULL)
        return;
    va_list args;
    va_start(args, format);
    fprintf(process->trace, "%12.3f %s ", (double)now_us(process) / 1000, name_of(process));
    vfprintf(process->trace, format, args);
    fputc('\n', process->trace);
    va_end(args);
}
