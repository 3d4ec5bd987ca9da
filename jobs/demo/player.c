#include "jobs/demo/player.h"

#include "engine/batch/record.h"

#define MS_PER_HOUR 3600000.0
#define FLUSH_MS 10000
#define BURST 500u /* flights a call, so that the caller may do something else in between */

mr_status mr_demo_player_open(mr_demo_player *player, mr_log *log, const mr_demo_flights *flights,
                              const char *topic, double hours_a_second, mr_error *err)
{
    *player = (mr_demo_player){.flights = flights,
                               .topic = topic,
                               .hours_a_second = hours_a_second,
                               .now_ms = flights->items[0].told_ms};
    mr_writer_options options = {0};
    return log->class->open_writer(log, &options, &player->writer, err);
}

/* 2013's time. */
static int64_t clock_ms(mr_demo_player *player, int64_t now_us)
{
    if (player->began_us == 0)
        player->began_us = now_us;
    if (player->hours_a_second <= 0)
        return MR_TIME_MAX;
    double seconds = (double)(now_us - player->began_us) / 1e6;
    return player->flights->items[0].told_ms +
           (int64_t)(seconds * player->hours_a_second * MS_PER_HOUR);
}

mr_status mr_demo_player_play(mr_demo_player *player, int64_t now_us, mr_error *err)
{
    const mr_demo_flights *flights = player->flights;
    if (mr_demo_player_is_done(player))
        return MR_OK;
    int64_t now_ms = clock_ms(player, now_us);
    mr_status status = MR_OK;
    for (uint32_t n = 0; n < BURST && player->next < flights->count; n++) {
        const mr_demo_flight *flight = &flights->items[player->next];
        if (flight->told_ms > now_ms)
            break;
        mr_log_record record = {.key = mr_demo_origins[flight->origin],
                                .key_length = 3,
                                .value = flight->line,
                                .value_length = flight->length,
                                .timestamp_ms = MR_TIME_NONE};
        status = player->writer->class->produce(player->writer, player->topic,
                                                (int32_t)flight->origin, &record, 1, err);
        if (status != MR_OK)
            return status;
        player->now_ms = flight->told_ms;
        player->next++;
    }
    if (mr_demo_player_is_done(player))
        return player->writer->class->flush(player->writer, FLUSH_MS, err);
    if (player->hours_a_second > 0)
        player->now_ms = now_ms;
    return MR_OK;
}

void mr_demo_player_close(mr_demo_player *player)
{
    if (player->writer != NULL)
        player->writer->class->close(player->writer);
    player->writer = NULL;
}
