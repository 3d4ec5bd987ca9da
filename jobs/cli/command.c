#include "jobs/cli/command.h"

#include "engine/base/assert.h"
#include "jobs/sql/suggest.h"

#include <stdio.h>
#include <string.h>

#define COMMANDS_MAX 64

static int unknown(const char *name)
{
    const char *names[COMMANDS_MAX];
    uint32_t count;
    const mr_command *commands = mr_commands(&count);
    MR_ASSERT(count <= COMMANDS_MAX);
    for (uint32_t i = 0; i < count; i++)
        names[i] = commands[i].name;
    const char *nearest = mr_suggest(name, names, count);
    fprintf(stderr, "millrace: unknown command `%s`", name);
    if (nearest != NULL)
        fprintf(stderr, "; did you mean `%s`?", nearest);
    fprintf(stderr, "\nTry: millrace --help\n");
    return MR_EXIT_USAGE;
}

static int run_command(const mr_command *command, int argc, char **argv)
{
    if (command->run_raw != NULL)
        return (int)command->run_raw(argc - 1, argv + 1);
    mr_flags flags;
    bool has_verb = command->verb != NULL && argc > 2 && strcmp(argv[2], command->verb) == 0;
    if (!mr_flags_parse(&flags, command->flags, command->name, argc, argv, has_verb ? 3 : 2))
        return MR_EXIT_USAGE;
    flags.has_verb = has_verb;
    if (mr_flags_has(&flags, MR_FLAG_HELP)) {
        mr_help_print_command(command);
        return MR_EXIT_OK;
    }
    if (command->argument != NULL && command->argument[0] != '[' && flags.file == NULL) {
        fprintf(stderr, "millrace %s: %s is missing\nTry: millrace %s --help\n", command->name,
                command->argument, command->name);
        return MR_EXIT_USAGE;
    }
    if (command->argument == NULL && flags.file != NULL) {
        fprintf(stderr, "millrace %s: no argument is expected: %s\nTry: millrace %s --help\n",
                command->name, flags.file, command->name);
        return MR_EXIT_USAGE;
    }
    return (int)command->run(&flags);
}

int mr_cli_main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "--help";
    if (strcmp(name, "--version") == 0 || strcmp(name, "version") == 0) {
        printf("millrace " MR_VERSION "\n");
        return MR_EXIT_OK;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        const mr_command *command = argc > 2 ? mr_command_find(argv[2]) : NULL;
        if (argc > 2 && command == NULL)
            return unknown(argv[2]);
        if (command != NULL)
            mr_help_print_command(command);
        else
            mr_help_print();
        return argc > 1 ? MR_EXIT_OK : MR_EXIT_USAGE;
    }
    const mr_command *command = mr_command_find(name);
    return command != NULL ? run_command(command, argc, argv) : unknown(name);
}
