#include "jobs/demo/demo.h"

#include "engine/ports/log.h"
#include "jobs/cli/command.h"
#include "jobs/demo/embedded.h"
#include "jobs/demo/flights.h"
#include "jobs/demo/performance.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAYS 3
#define HOURS_A_SECOND 10.0
#define PROPERTIES_MAX 32

typedef struct arguments {
    mr_demo_options options;
    const char *properties[2 * PROPERTIES_MAX + 1];
    uint32_t properties_count;
    bool is_help, is_sql;
} arguments;

static bool read_number(const char *text, double min, double max, const char *flag, double *to)
{
    char *end;
    *to = strtod(text, &end);
    if (end != text && *end == '\0' && *to >= min && *to <= max)
        return true;
    fprintf(stderr, "millrace demo: %s takes a number from %g to %g, not `%s`\n", flag, min, max,
            text);
    return false;
}

/* `text` is cut in two. */
static bool read_property(arguments *args, char *text)
{
    char *equals = strchr(text, '=');
    if (equals == NULL || args->properties_count == PROPERTIES_MAX) {
        fprintf(stderr, "millrace demo: -X takes NAME=VALUE, at most %d times\n", PROPERTIES_MAX);
        return false;
    }
    *equals = '\0';
    args->properties[2 * args->properties_count] = text;
    args->properties[2 * args->properties_count + 1] = equals + 1;
    args->properties_count++;
    args->options.properties = args->properties;
    return true;
}

static bool read_arguments(arguments *args, int argc, char **argv)
{
    static const struct option known[] = {{"days", required_argument, NULL, 'd'},
                                          {"speed", required_argument, NULL, 's'},
                                          {"kafka", required_argument, NULL, 'k'},
                                          {"keep", no_argument, NULL, 'K'},
                                          {"sql", no_argument, NULL, 'q'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    args->options = (mr_demo_options){.hours_a_second = HOURS_A_SECOND, .days = DAYS};
    double days = DAYS;
    bool is_good = true;
    int flag;
    optind = 1;
    while (is_good && (flag = getopt_long(argc, argv, "hX:", known, NULL)) != -1) {
        switch (flag) {
        case 'd': is_good = read_number(optarg, 1, MR_DEMO_DAYS_MAX, "--days", &days); break;
        case 's':
            is_good = read_number(optarg, 0, 1e6, "--speed", &args->options.hours_a_second);
            break;
        case 'k': args->options.kafka = optarg; break;
        case 'K': args->options.is_kept = true; break;
        case 'X': is_good = read_property(args, optarg); break;
        case 'q': args->is_sql = true; break;
        case 'h': args->is_help = true; break;
        default: is_good = false;
        }
    }
    args->options.days = (int)days;
    if (is_good && optind < argc) {
        fprintf(stderr, "millrace demo: unexpected `%s`\n", argv[optind]);
        is_good = false;
    }
    if (!is_good)
        fputs("see millrace demo --help\n", stderr);
    return is_good;
}

mr_exit mr_command_demo(int argc, char **argv)
{
    arguments args = {0};
    if (!read_arguments(&args, argc, argv))
        return MR_EXIT_USAGE;
    if (args.is_help) {
        mr_help_print_command(mr_command_find("demo"));
        return MR_EXIT_OK;
    }
    if (args.is_sql) {
        mr_demo_bytes text = mr_demo_embedded_job();
        fwrite(text.data, 1, text.length, stdout);
        return MR_EXIT_OK;
    }
    mr_error err;
    bool is_good = false;
    mr_status status = mr_demo_perform(&args.options, &is_good, &err);
    if (status == MR_OK)
        return is_good ? MR_EXIT_OK : MR_EXIT_FAILED;
    fprintf(stderr, "error[MR%04d]: %s\n", status, err.message);
    bool is_away = status == MR_E_KAFKA_UNREACHABLE || status == MR_E_KAFKA_TIMEOUT;
    return is_away ? MR_EXIT_BROKER : MR_EXIT_FAILED;
}
