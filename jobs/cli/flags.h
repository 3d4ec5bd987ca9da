/*
 * What a command was asked to do: its arguments, parsed by the one table of flags.
 * Memory: points into argv.
 */
#ifndef MR_JOBS_CLI_FLAGS_H
#define MR_JOBS_CLI_FLAGS_H

#include <stdbool.h>
#include <stdint.h>

#define MR_FLAG_REPEATS_MAX 64

typedef enum mr_exit {
    MR_EXIT_OK = 0,
    MR_EXIT_FAILED = 1,
    MR_EXIT_USAGE = 2,
    MR_EXIT_JOB = 3,
    MR_EXIT_BROKER = 4,
    MR_EXIT_STATE = 5,
} mr_exit;

/* Which flags a command takes: bits. */
typedef enum mr_flag {
    MR_FLAG_NAME = 1 << 0,
    MR_FLAG_STATE_DIR = 1 << 1,
    MR_FLAG_BOUNDED = 1 << 2,
    MR_FLAG_RESET = 1 << 3,
    MR_FLAG_CREATE_TOPICS = 1 << 4,
    MR_FLAG_STATS = 1 << 5,
    MR_FLAG_FORMAT = 1 << 6,
    MR_FLAG_PROPERTY = 1 << 7,
    MR_FLAG_SETTING = 1 << 8,
    MR_FLAG_QUIET = 1 << 9,
    MR_FLAG_VERBOSE = 1 << 10,
    MR_FLAG_HELP = 1 << 11,
    MR_FLAG_FROM = 1 << 12,
    MR_FLAG_TO = 1 << 13,
    MR_FLAG_SUFFIX = 1 << 14,
    MR_FLAG_COMPARE = 1 << 15,
    MR_FLAG_AS = 1 << 16,
    MR_FLAG_YES = 1 << 17,
    MR_FLAG_FLEET = 1 << 18,
    MR_FLAG_KAFKA = 1 << 19,
    MR_FLAG_JOB = 1 << 20, /* no option: the first word names a job, the second is the file */
    MR_FLAG_STATE_LOSS = 1 << 21,
    MR_FLAG_MEMORY = 1 << 22,
    MR_FLAG_INSTANCE = 1 << 23,
    MR_FLAG_OUTPUT = 1 << 24,
    MR_FLAG_TAKE_OVER = 1 << 25,
} mr_flag;

typedef enum mr_stats_mode {
    MR_STATS_AUTO = 0, /* a status line on a terminal */
    MR_STATS_NDJSON,
    MR_STATS_PROMETHEUS, /* all metrics into a file, in Prometheus' text format */
    MR_STATS_OFF,
} mr_stats_mode;

/* Results on stdout. */
typedef enum mr_form {
    MR_FORM_TABLE = 0,
    MR_FORM_JSON,   /* one object */
    MR_FORM_NDJSON, /* an object a line */
} mr_form;

typedef struct mr_flags {
    uint32_t given;                              /* mr_flag bits */
    bool has_verb;                               /* the command's own word stood first */
    const char *file;                            /* "-": standard input; NULL: none */
    const char *job;                             /* with MR_FLAG_JOB; NULL: none */
    const char *name;                            /* --name */
    const char *state_dir;                       /* --state-dir */
    const char *instance;                        /* --instance-id */
    const char *format;                          /* --format */
    mr_form output;                              /* -o */
    mr_stats_mode stats;                         /* --stats */
    const char *stats_file;                      /* prometheus:FILE */
    const char *from, *to;                       /* --from, --to */
    const char *suffix;                          /* --outputs-suffix */
    const char *as;                              /* --as */
    const char *fleet, *kafka;                   /* --fleet, --kafka */
    const char *properties[MR_FLAG_REPEATS_MAX]; /* -X */
    uint32_t properties_count;
    const char *settings[MR_FLAG_REPEATS_MAX]; /* -D */
    uint32_t settings_count;
    char memory[64]; /* --memory as a setting, which `settings` points to */
} mr_flags;

typedef struct mr_flag_spec {
    mr_flag flag;
    const char *name;  /* "--name" */
    const char *value; /* "NAME"; NULL: takes none */
    const char *text;  /* for help; says the default */
    const char *also;  /* another spelling; NULL: none */
} mr_flag_spec;

/* All flags, in the order help prints them. */
const mr_flag_spec *mr_flag_specs(uint32_t *count);

/* Parses argv[first..]. `allowed`: bits. False: printed on stderr what is wrong. */
bool mr_flags_parse(mr_flags *flags, uint32_t allowed, const char *command, int argc, char **argv,
                    int first);

static inline bool mr_flags_has(const mr_flags *flags, mr_flag flag)
{
    return (flags->given & (uint32_t)flag) != 0;
}

#endif
