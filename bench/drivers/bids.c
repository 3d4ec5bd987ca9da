#include "bench/drivers/bids.h"

#include <stdio.h>
#include <time.h>

static uint64_t next_random(uint64_t *state) /* splitmix64 */
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void random_text(uint64_t *state, char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        text[i] = (char)('a' + next_random(state) % 26);
    text[length] = '\0';
}

/* Most bids go to a few hot auctions and bidders, as Nexmark has it. */
size_t mr_bids_next(mr_bids *bids, char *text)
{
    static const char *const channels[] = {"Google", "Facebook", "Baidu", "Apple"};
    uint64_t *state = &bids->random;
    int64_t i = bids->number++;
    uint64_t r = next_random(state);
    int64_t newest = 1000 + i / 16;
    int64_t auction = r % 100 < 50 ? newest / 100 * 100 : newest - (int64_t)(r / 100 % 100);
    int64_t bidder =
        r / 10000 % 100 < 75 ? newest / 100 * 100 + 1 : newest - (int64_t)(r >> 40) % 900;
    int64_t price = 100 + (int64_t)(next_random(state) % 9999900);
    int64_t time_ms = MR_BIDS_START_MS + i / 10;
    if (bids->disorder_ms > 0)
        time_ms -= (int64_t)(next_random(state) % (uint64_t)bids->disorder_ms);
    const char *channel = channels[(r >> 20) % 4];
    char path[3][6], extra[160];
    for (int k = 0; k < 3; k++)
        random_text(state, path[k], 5);
    random_text(state, extra, 122 + (size_t)(next_random(state) % 20));
    time_t seconds = time_ms / 1000;
    struct tm civil;
    gmtime_r(&seconds, &civil);
    return (size_t)snprintf(
        text, MR_BID_MAX,
        "{\"auction\":%lld,\"bidder\":%lld,\"price\":%lld,\"channel\":\"%s\","
        "\"url\":\"https://www.nexmark.com/%s/%s/%s/item.htm?query=1&channel_id=%llu\","
        "\"date_time\":\"%04d-%02d-%02d %02d:%02d:%02d.%03d\",\"extra\":\"%s\"}",
        (long long)auction, (long long)bidder, (long long)price, channel, path[0], path[1], path[2],
        (unsigned long long)(r >> 32) % 1000000000, civil.tm_year + 1900, civil.tm_mon + 1,
        civil.tm_mday, civil.tm_hour, civil.tm_min, civil.tm_sec, (int)(time_ms % 1000), extra);
}
