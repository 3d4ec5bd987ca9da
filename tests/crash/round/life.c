#include "tests/crash/round/life.h"

#include "engine/base/assert.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_US 200

static void map_page(mr_crash_life *life)
{
    int file = open(life->page_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    MR_ASSERT(file >= 0);
    int failed = ftruncate(file, sizeof *life->page);
    MR_ASSERT(failed == 0);
    life->page = mmap(NULL, sizeof *life->page, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    MR_ASSERT(life->page != MAP_FAILED);
    close(file);
}

static void set_up(mr_crash_life *life, const mr_crash_env *env, const char *name)
{
    *life = (mr_crash_life){0};
    snprintf(life->page_path, sizeof life->page_path, "%s/%s.page", env->folder, name);
    snprintf(life->log_path, sizeof life->log_path, "%s/%s.log", env->folder, name);
    map_page(life);
}

static void spawn(mr_crash_life *life, char *const args[])
{
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, life->log_path,
                                     O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
    extern char **environ;
    int failed = posix_spawn(&life->pid, args[0], &files, NULL, args, environ);
    MR_ASSERT(failed == 0);
    posix_spawn_file_actions_destroy(&files);
}

void mr_crash_life_start(mr_crash_life *life, const mr_crash_env *env, const char *name,
                         const mr_crash_worker_options *options)
{
    set_up(life, env, name);
    mr_crash_worker_options mine = *options;
    mine.page = life->page_path;
    mr_arena arena = {0};
    char *args[MR_CRASH_WORKER_ARGS_MAX];
    mr_crash_worker_args(&mine, env->program, &arena, args);
    spawn(life, args);
    mr_arena_release(&arena);
}

void mr_crash_life_spawn(mr_crash_life *life, const mr_crash_env *env, const char *name,
                         char *const args[])
{
    set_up(life, env, name);
    spawn(life, args);
}

bool mr_crash_life_is_on(mr_crash_life *life)
{
    if (life->pid == 0)
        return false;
    if (waitpid(life->pid, &life->exit_status, WNOHANG) == 0)
        return true;
    life->pid = 0;
    return false;
}

bool mr_crash_life_await(mr_crash_life *life, mr_worker_phase phase, int64_t timeout_ms)
{
    int64_t until = mr_crash_now_ms() + timeout_ms;
    while (atomic_load(&life->page->phase) != (unsigned)phase) {
        if (!mr_crash_life_is_on(life) || mr_crash_now_ms() > until)
            return atomic_load(&life->page->phase) == (unsigned)phase;
        mr_crash_sleep_us(LOOK_US);
    }
    return true;
}

bool mr_crash_life_await_commits(mr_crash_life *life, uint64_t commits, int64_t timeout_ms)
{
    int64_t until = mr_crash_now_ms() + timeout_ms;
    while (atomic_load(&life->page->commits) < commits) {
        if (!mr_crash_life_is_on(life) || mr_crash_now_ms() > until)
            return false;
        mr_crash_sleep_us(LOOK_US);
    }
    return true;
}

bool mr_crash_life_await_end(mr_crash_life *life, int exit_code, int64_t timeout_ms)
{
    int64_t until = mr_crash_now_ms() + timeout_ms;
    while (mr_crash_life_is_on(life)) {
        if (mr_crash_now_ms() > until)
            return false;
        mr_crash_sleep_us(LOOK_US * 10);
    }
    return WIFEXITED(life->exit_status) && WEXITSTATUS(life->exit_status) == exit_code;
}

void mr_crash_life_signal(const mr_crash_life *life, int signal)
{
    if (life->pid > 0)
        kill(life->pid, signal);
}

bool mr_crash_life_freeze(mr_crash_life *life)
{
    int status;
    if (life->pid == 0)
        return false;
    kill(life->pid, SIGSTOP);
    if (waitpid(life->pid, &status, WUNTRACED) == life->pid && WIFSTOPPED(status))
        return true;
    life->exit_status = status;
    life->pid = 0;
    return false;
}

void mr_crash_life_kill(mr_crash_life *life)
{
    if (life->pid == 0)
        return;
    kill(life->pid, SIGKILL);
    waitpid(life->pid, &life->exit_status, 0);
    life->pid = 0;
}

bool mr_crash_life_has_refused(const mr_crash_life *life)
{
    int status = atomic_load(&life->page->status);
    bool is_aborted =
        life->pid == 0 && WIFSIGNALED(life->exit_status) && WTERMSIG(life->exit_status) == SIGABRT;
    return is_aborted || (status > MR_E_STATE && status < MR_E_KAFKA);
}

void mr_crash_life_end(mr_crash_life *life)
{
    mr_crash_life_kill(life);
    if (life->page != NULL)
        munmap(life->page, sizeof *life->page);
    life->page = NULL;
}

void mr_crash_life_describe(const mr_crash_life *life, char *text, size_t size)
{
    const mr_crash_page *page = life->page;
    int status = atomic_load(&page->status);
    size_t length =
        (size_t)snprintf(text, size,
                         "phase %s%s, %" PRIuFAST64 " commits, %" PRIuFAST64 " aborts, %" PRIuFAST64
                         " restores, %" PRIuFAST64 " records in",
                         mr_worker_phase_name((mr_worker_phase)atomic_load(&page->phase)),
                         atomic_load(&page->has_open_epoch) ? " with an open epoch" : "",
                         atomic_load(&page->commits), atomic_load(&page->aborts),
                         atomic_load(&page->restores), atomic_load(&page->records_in));
    if (length >= size)
        return;
    if (status != 0)
        snprintf(text + length, size - length, ": MR%d %s", status, page->message);
    else if (life->pid == 0 && WIFSIGNALED(life->exit_status))
        snprintf(text + length, size - length, ": signal %d", WTERMSIG(life->exit_status));
}
