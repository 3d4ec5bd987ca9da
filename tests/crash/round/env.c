#include "tests/crash/round/env.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BLAMED_LINES 14
#define BLAMED_COLUMNS 240

uint64_t mr_crash_draw(mr_crash_env *env, uint64_t below)
{
    env->random += 0x9e3779b97f4a7c15u;
    uint64_t z = env->random;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % below;
}

bool mr_crash_draw_pipelined(mr_crash_env *env)
{
    bool is_drawn = mr_crash_draw(env, 2) == 0;
    return env->pipelined == MR_CRASH_PIPELINED_DRAWN ? is_drawn
                                                      : env->pipelined == MR_CRASH_PIPELINED_ON;
}

int64_t mr_crash_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void mr_crash_sleep_us(int64_t us)
{
    struct timespec span = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    nanosleep(&span, NULL);
}

static bool broker(const mr_crash_env *env, const char *verb)
{
    char command[1024];
    snprintf(command, sizeof command, "'%s' %s '%s' >>'%s/broker.log' 2>&1", env->broker_tool, verb,
             env->broker_dir, env->folder);
    return system(command) == 0;
}

bool mr_crash_broker_kill(const mr_crash_env *env)
{
    return broker(env, "kill");
}

bool mr_crash_broker_start(const mr_crash_env *env)
{
    return broker(env, "start");
}

bool mr_crash_broker_freeze(const mr_crash_env *env)
{
    return broker(env, "freeze");
}

bool mr_crash_broker_thaw(const mr_crash_env *env)
{
    return broker(env, "thaw");
}

static int remove_one(const char *path, const struct stat *facts, int kind, struct FTW *where)
{
    (void)facts;
    (void)kind;
    (void)where;
    remove(path);
    return 0;
}

void mr_crash_remove(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void mr_crash_show_blamed(const mr_crash_env *env)
{
    FILE *log = env->blamed[0] != '\0' ? fopen(env->blamed, "r") : NULL;
    if (log == NULL)
        return;
    static char lines[BLAMED_LINES][BLAMED_COLUMNS];
    size_t count = 0;
    char *line = NULL;
    size_t size = 0;
    for (; getline(&line, &size, log) >= 0; count++) {
        line[strcspn(line, "\n")] = '\0';
        snprintf(lines[count % BLAMED_LINES], BLAMED_COLUMNS, "%s", line);
    }
    free(line);
    fclose(log);
    for (size_t i = count > BLAMED_LINES ? count - BLAMED_LINES : 0; i < count; i++)
        printf("       %s\n", lines[i % BLAMED_LINES]);
}
