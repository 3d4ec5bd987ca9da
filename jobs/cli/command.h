/*
 * The one table of commands: parser and help are made from it.
 */
#ifndef MR_JOBS_CLI_COMMAND_H
#define MR_JOBS_CLI_COMMAND_H

#include "jobs/cli/flags.h"

typedef struct mr_command {
    const char *name;
    const char *group;    /* "Run" */
    const char *verb;     /* a word that may stand first: "dump"; NULL: none */
    const char *argument; /* "FILE"; "[CODE]": may be left out; NULL: none */
    const char *summary;  /* one line */
    const char *details;  /* what help says besides */
    uint32_t flags;       /* mr_flag bits it takes */
    mr_exit (*run)(const mr_flags *flags);
    mr_exit (*run_raw)(int argc,
                       char **argv); /* parses for itself; argv[0] is the command's name */
} mr_command;

/* Parses and runs; the process's exit code. */
int mr_cli_main(int argc, char **argv);

const mr_command *mr_command_find(const char *name);
const mr_command *mr_commands(uint32_t *count);

/* Help of all, or of one command, on stdout. */
void mr_help_print(void);
void mr_help_print_command(const mr_command *command);

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
