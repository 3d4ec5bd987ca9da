#include "jobs/cli/process.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void set(mr_metrics *metrics, const char *name, double value)
{
    mr_gauge_set(mr_metrics_gauge(metrics, name, NULL), value);
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

static void report_memory(mr_metrics *metrics)
{
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return;
    unsigned long long size, resident;
    if (fscanf(file, "%llu %llu", &size, &resident) == 2) {
        double page = (double)sysconf(_SC_PAGESIZE);
        set(metrics, "process_virtual_memory_bytes", (double)size * page);
        set(metrics, "process_resident_memory_bytes", (double)resident * page);
    }
    fclose(file);
}

/* The line `name value` of /proc/stat; 0: there is none. */
static double boot_time(void)
{
    FILE *file = fopen("/proc/stat", "re");
    char line[256];
    unsigned long long seconds = 0;
    while (file != NULL && seconds == 0 && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "btime ", 6) == 0)
            seconds = strtoull(line + 6, NULL, 10);
    if (file != NULL)
        fclose(file);
    return (double)seconds;
}

/* Field 22 of /proc/self/stat, counted behind the name, which may hold blanks. */
static void report_start(mr_metrics *metrics)
{
    FILE *file = fopen("/proc/self/stat", "re");
    if (file == NULL)
        return;
    char text[1024];
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    const char *at = strrchr(text, ')');
    for (int field = 2; at != NULL && field < 22; field++)
        at = strchr(at + 1, ' ');
    double boot = boot_time();
    if (at != NULL && boot > 0)
        set(metrics, "process_start_time_seconds",
            boot + strtod(at, NULL) / (double)sysconf(_SC_CLK_TCK));
}

static void report_files(mr_metrics *metrics)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        set(metrics, "process_max_fds", (double)limit.rlim_cur);
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL)
        return;
    double count = -1; /* the folder's own */
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(folder);
    set(metrics, "process_open_fds", count);
}

void mr_process_report(mr_metrics *metrics)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        set(metrics, "process_cpu_seconds_total",
            seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime));
    report_memory(metrics);
    report_start(metrics);
    report_files(metrics);
}
