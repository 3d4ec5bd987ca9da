/*
 * The engine without Kafka: bids from a file through the real worker into a blackhole sink.
 *
 *   bench_produce -o FILE -n COUNT
 *   bench_engine FILE [read|q0|filter|tumble|hop|session]..       default: all
 *
 *   read     lines are cut, nothing is decoded (one column is asked for: none)
 *   q0       SELECT auction, bidder, price, date_time
 *   filter   the same WHERE MOD(auction, 123) = 0
 *   tumble   COUNT(*) per auction in windows of 10 s, watermark 4 s behind
 *   hop      the same in windows of 10 s every 2 s
 *   session  COUNT(*) per bidder in sessions with a gap of 10 s
 *
 * Prints CPU nanoseconds an event (user + system) of each variant, best and median of 5 runs; -1
 * runs each once, for callgrind --toggle-collect=mr_worker_step. What the file reader itself takes
 * is what `read` takes.
 */
#include "bench/drivers/bids.h"
#include "connectors/formats/format.h"
#include "connectors/local/blackhole_sink.h"
#include "connectors/local/files/reader.h"
#include "connectors/memory/clock.h"
#include "connectors/memory/log.h"
#include "engine/base/assert.h"
#include "engine/run/worker/worker.h"
#include "operators/functions/resolve.h"
#include "operators/rows/filter.h"
#include "operators/window/session_aggregate.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define ROUNDS 5

typedef enum variant { READ = 0, Q0, FILTER, TUMBLE, HOP, SESSION, VARIANTS } variant;

static const char *const variant_names[VARIANTS] = {"read",   "q0",  "filter",
                                                    "tumble", "hop", "session"};

/* Columns of the table that a variant uses, in the order of FIELDS. */
enum { AUCTION = 0, DATE_TIME, BIDDER, PRICE, FIELDS };
static const char *const fields[FIELDS] = {"auction", "date_time", "bidder", "price"};

typedef struct job {
    mr_arena arena;
    mr_plan plan;
    mr_plan_source source;
    mr_plan_node node;
    mr_plan_sink sink;
    mr_origin input;
    mr_file_reader_config file;
    mr_reader_factory reader;
    mr_source_column columns[FIELDS];
    mr_codec_column decoded[FIELDS];
    uint32_t fields_count;
    mr_filter_config filter;
    mr_window_config window;
    mr_aggregate count;
    mr_type key_type;
} job;

static mr_type type_of(uint32_t field)
{
    return field == DATE_TIME ? mr_type_time(MR_TYPE_TIMESTAMP, 3) : mr_type_of(MR_TYPE_BIGINT);
}

static mr_status make_decoder(const void *config, mr_decoder **decoder, mr_error *err)
{
    const job *of = config;
    mr_format_use json = {.format = mr_format_find("json")};
    return mr_format_decoder_new(NULL, &json, of->decoded, of->fields_count, decoder, err);
}

static mr_status drop_all(mr_decoder *decoder, const mr_records *records, mr_vector *columns,
                          uint32_t *rows, uint32_t *rows_count, mr_row_errors *errors,
                          mr_arena *arena, mr_error *err)
{
    (void)decoder, (void)records, (void)columns, (void)rows, (void)errors, (void)arena, (void)err;
    *rows_count = 0;
    return MR_OK;
}

static void free_nothing(mr_decoder *decoder)
{
    (void)decoder;
}

static mr_status make_dropper(const void *config, mr_decoder **decoder, mr_error *err)
{
    static const mr_decoder_class class = {.decode = drop_all, .free = free_nothing};
    static mr_decoder dropper = {.class = &class};
    (void)config, (void)err;
    *decoder = &dropper;
    return MR_OK;
}

static const mr_expr *make_watermark(mr_resolver *resolver)
{
    mr_value delay = {.i64 = INT64_C(4000000)};
    mr_expr *args[] = {
        mr_make_column(resolver, DATE_TIME, type_of(DATE_TIME)),
        mr_make_constant(resolver, mr_type_not_null(mr_type_of(MR_TYPE_INTERVAL_SECOND)), delay)};
    return mr_make_call(resolver, "-", args, 2);
}

static const mr_expr *make_predicate(mr_resolver *resolver)
{
    mr_expr *mod[] = {mr_make_column(resolver, AUCTION, type_of(AUCTION)),
                      mr_make_int(resolver, 123)};
    mr_expr *equals[] = {mr_make_call(resolver, "MOD", mod, 2), mr_make_int(resolver, 0)};
    return mr_make_call(resolver, "=", equals, 2);
}

static void make_source(job *to, variant v, mr_resolver *resolver, const char *file)
{
    to->file.path = file;
    to->reader = (mr_reader_factory){
        .splits = mr_file_reader_splits, .open = mr_file_reader_open, .config = &to->file};
    to->fields_count = v == READ ? 0 : v == SESSION ? 3 : v >= TUMBLE ? 2 : FIELDS;
    for (uint32_t c = 0; c < to->fields_count; c++) {
        to->decoded[c] =
            (mr_codec_column){.path = &fields[c], .path_length = 1, .type = type_of(c)};
        to->columns[c] = (mr_source_column){.field = {fields[c], type_of(c)}, .index = c};
    }
    to->source = (mr_plan_source){.table = "bids",
                                  .reader = &to->reader,
                                  .make_value = v == READ ? make_dropper : make_decoder,
                                  .codec_config = to,
                                  .value_columns_count = to->fields_count,
                                  .columns_count = to->fields_count,
                                  .columns = to->columns,
                                  .time_column = v == READ ? -1 : DATE_TIME,
                                  .watermark = v == READ ? NULL : make_watermark(resolver),
                                  .guard = {.skew_max_ms = INT64_C(86400000)}};
}

static void make_node(job *to, variant v, mr_resolver *resolver)
{
    static const uint32_t by_auction[] = {AUCTION}, by_bidder[] = {BIDDER};
    to->key_type = type_of(v == SESSION ? BIDDER : AUCTION);
    to->filter.predicate = make_predicate(resolver);
    to->count = (mr_aggregate){.kind = MR_AGGREGATE_COUNT,
                               .argument = -1,
                               .filter = -1,
                               .result_type = mr_type_of(MR_TYPE_BIGINT)};
    to->window = (mr_window_config){.kind = v == HOP       ? MR_WINDOW_HOP
                                            : v == SESSION ? MR_WINDOW_SESSION
                                                           : MR_WINDOW_TUMBLE,
                                    .size_ms = 10000,
                                    .slide_ms = v == HOP ? 2000 : 10000,
                                    .keys_count = 1,
                                    .keys = v == SESSION ? by_bidder : by_auction,
                                    .key_types = &to->key_type,
                                    .aggregates_count = 1,
                                    .aggregates = &to->count};
    to->input = (mr_origin){.kind = MR_ORIGIN_SOURCE_ROWS};
    to->node = (mr_plan_node){
        .id = "bench", .class = &mr_filter_class, .inputs_count = 1, .inputs = &to->input};
    to->node.config = &to->filter;
    if (v >= TUMBLE) {
        to->node.class = v == SESSION ? &mr_session_aggregate_class : &mr_window_aggregate_class;
        to->node.config = &to->window;
    }
}

static void make_job(job *to, variant v, const char *file)
{
    *to = (job){0};
    mr_resolver resolver = {.arena = &to->arena, .context = &to->plan.expr};
    bool has_node = v >= FILTER;
    make_source(to, v, &resolver, file);
    make_node(to, v, &resolver);
    mr_origin_kind from = has_node ? MR_ORIGIN_NODE_ROWS : MR_ORIGIN_SOURCE_ROWS;
    to->sink = (mr_plan_sink){
        .table = "blackhole", .input = {.kind = from}, .open = mr_blackhole_sink_open};
    to->plan = (mr_plan){.job = "bench",
                         .version = 1,
                         .tasks_count = 1,
                         .guarantee = MR_NO_GUARANTEE,
                         .commit_interval_ms = 1000,
                         .transaction_timeout_ms = 10000,
                         .sources_count = 1,
                         .sources = &to->source,
                         .nodes_count = has_node ? 1 : 0,
                         .nodes = &to->node,
                         .sinks_count = 1,
                         .sinks = &to->sink};
}

static double cpu_ns(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1e9 +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) * 1e3;
}

/* CPU time an event. */
static double run_once(variant v, const char *file, mr_worker_stats *stats)
{
    job of;
    make_job(&of, v, file);
    mr_memory_options options = {0};
    mr_memory_cluster *cluster = mr_memory_cluster_new(&options);
    mr_log *log = mr_memory_log_new(cluster, NULL);
    mr_clock clock;
    mr_memory_clock_real(&clock);
    mr_budget budget = {0};
    mr_worker_config config = {.plan = &of.plan,
                               .log = log,
                               .clock = &clock,
                               .budget = &budget,
                               .instance_id = "bench",
                               .is_bounded = true};
    mr_worker *worker = mr_worker_new(&config);
    mr_error err;
    double start = cpu_ns();
    while (mr_worker_phase_of(worker) != MR_WORKER_FINISHED) {
        if (mr_worker_step(worker, &err) == MR_OK)
            continue;
        fprintf(stderr, "bench_engine: %s\n", err.message);
        exit(1);
    }
    double took = cpu_ns() - start;
    mr_worker_stats_get(worker, stats);
    mr_worker_free(worker);
    log->class->close(log);
    mr_memory_cluster_free(cluster);
    mr_arena_release(&of.arena);
    return took / (double)stats->records_in;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(variant v, const char *file, uint32_t rounds)
{
    double took[ROUNDS];
    mr_worker_stats stats;
    for (uint32_t r = 0; r < rounds; r++)
        took[r] = run_once(v, file, &stats);
    qsort(took, rounds, sizeof *took, by_value);
    printf("%-7s events=%llu rows_out=%llu late=%llu best_ns=%.1f median_ns=%.1f\n",
           variant_names[v], (unsigned long long)stats.records_in,
           (unsigned long long)stats.rows_out, (unsigned long long)stats.late, took[0],
           took[rounds / 2]);
}

static bool is_asked(variant v, int argc, char **argv)
{
    bool is_any = false;
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], variant_names[v]) == 0)
            return true;
        is_any = is_any || argv[i][0] != '-';
    }
    return !is_any;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: bench_engine FILE [-1] [read|q0|filter|tumble|hop]..\n");
        return 2;
    }
    uint32_t rounds = ROUNDS;
    for (int i = 2; i < argc; i++)
        if (strcmp(argv[i], "-1") == 0)
            rounds = 1;
    for (variant v = READ; v < VARIANTS; v++)
        if (is_asked(v, argc, argv))
            measure(v, argv[1], rounds);
    return 0;
}
