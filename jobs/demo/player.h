/*
 * Player: tells the flights to Kafka when their time has come, so many hours of 2013 a second.
 *
 * An origin has a partition of its own. Thread: one.
 */
#ifndef MR_JOBS_DEMO_PLAYER_H
#define MR_JOBS_DEMO_PLAYER_H

#include "engine/ports/log.h"
#include "jobs/demo/flights.h"

typedef struct mr_demo_player {
    const mr_demo_flights *flights;
    const char *topic;
    double hours_a_second; /* 0: as fast as it goes */
    mr_log_writer *writer;
    int64_t began_us;
    uint32_t next;
    int64_t now_ms; /* 2013's */
} mr_demo_player;

MR_MUST_USE mr_status mr_demo_player_open(mr_demo_player *player, mr_log *log,
                                          const mr_demo_flights *flights, const char *topic,
                                          double hours_a_second, mr_error *err);

/* Tells all flights due by now (monotonic); the first call starts the time. Once the last is
 * told, all are delivered when this returns. */
MR_MUST_USE mr_status mr_demo_player_play(mr_demo_player *player, int64_t now_us, mr_error *err);

static inline bool mr_demo_player_is_done(const mr_demo_player *player)
{
    return player->next == player->flights->count;
}

void mr_demo_player_close(mr_demo_player *player);

#endif
