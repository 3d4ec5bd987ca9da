/*
 * The one table of commands: parser and help are made from it.
 */
#ifndef MR_JOBS_CLI_COMMAND_H
#define MR_JOBS_CLI_COMMAND_H

#include "jobs/cli/flags.h"

#include <stddef.h>

/* What of its surroundings a command looks at: bits. Help knows a text for each. */
typedef enum mr_surrounding {
    MR_READS_JOB = 1 << 0,      /* variables: settings, and those that a job's text names */
    MR_READS_BLOBS = 1 << 1,    /* credentials */
    MR_READS_COLOUR = 1 << 2,   /* whether colour is welcome */
    MR_WRITES_SCRATCH = 1 << 3, /* a folder that goes with the process */
    MR_KEEPS_JOB = 1 << 4,      /* local state of `run` */
    MR_KEEPS_FLEET = 1 << 5,    /* local state of a worker */
    MR_USES_BOARD = 1 << 6,     /* a fleet's jobs topic */
    MR_USES_STATE = 1 << 7,     /* a job's own topics */
} mr_surrounding;

typedef struct mr_command {
    const char *name;
    const char *group;     /* "Run" */
    const char *verb;      /* a word that may stand first: "dump"; NULL: none */
    const char *argument;  /* "FILE"; "[CODE]": may be left out; NULL: none */
    const char *summary;   /* one line */
    const char *details;   /* what help says besides */
    const char *arguments; /* what each word of `argument` is, a line each; NULL: there are none */
    const char *examples;
    const char *failed;      /* what exit code 1 may say, if not a failure alone; NULL: no more */
    const char *see;         /* other commands, and documents */
    uint32_t exits;          /* bits 1 << mr_exit; 0, 1 and 2 may come of any */
    uint32_t surroundings;   /* mr_surrounding bits */
    uint32_t flags;          /* mr_flag bits it takes */
    const mr_flag_spec *own; /* options of one that parses for itself, up to a name NULL */
    mr_exit (*run)(const mr_flags *flags);
    mr_exit (*run_raw)(int argc,
                       char **argv); /* parses for itself; argv[0] is the command's name */
} mr_command;

/* Parses and runs; the process's exit code. */
int mr_cli_main(int argc, char **argv);

const mr_command *mr_command_find(const char *name);
const mr_command *mr_commands(uint32_t *count);

/* Help of all, or the manual page of one command, on stdout. */
void mr_help_print(void);
void mr_help_print_command(const mr_command *command);
/* "config [dump] [FILE]" */
void mr_help_usage(const mr_command *command, char *to, size_t size);

/* The commands themselves. */
mr_exit mr_command_check(const mr_flags *flags);
mr_exit mr_command_explain(const mr_flags *flags);
mr_exit mr_command_run(const mr_flags *flags);
mr_exit mr_command_config(const mr_flags *flags);
mr_exit mr_command_explain_error(const mr_flags *flags);
mr_exit mr_command_checkpoints(int argc, char **argv);
mr_exit mr_command_checkpoint(const mr_flags *flags);
mr_exit mr_command_replay(const mr_flags *flags);
mr_exit mr_command_rewind(const mr_flags *flags);
mr_exit mr_command_fork(const mr_flags *flags);
mr_exit mr_command_worker(const mr_flags *flags);
mr_exit mr_command_submit(const mr_flags *flags);
mr_exit mr_command_list(const mr_flags *flags);
mr_exit mr_command_status(const mr_flags *flags);
mr_exit mr_command_stop(const mr_flags *flags);
mr_exit mr_command_drain(const mr_flags *flags);
mr_exit mr_command_diff(const mr_flags *flags);
mr_exit mr_command_upgrade(const mr_flags *flags);
mr_exit mr_command_delete(const mr_flags *flags);

#endif
