#include "bench/drivers/bids.h"

#include <string.h>
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

typedef struct bid {
    int64_t auction, bidder, price, time_ms;
    const char *channel;
    char url[96], extra[160];
} bid;

/* Most bids go to a few hot auctions and bidders, as Nexmark has it. */
static void next_bid(mr_bids *bids, bid *next)
{
    static const char *const channels[] = {"Google", "Facebook", "Baidu", "Apple"};
    uint64_t *state = &bids->random;
    int64_t i = bids->number++;
    uint64_t r = next_random(state);
    int64_t newest = 1000 + i / 16;
    next->auction = r % 100 < 50 ? newest / 100 * 100 : newest - (int64_t)(r / 100 % 100);
    next->bidder =
        r / 10000 % 100 < 75 ? newest / 100 * 100 + 1 : newest - (int64_t)(r >> 40) % 900;
    next->price = 100 + (int64_t)(next_random(state) % 9999900);
    next->time_ms = MR_BIDS_START_MS + i / (bids->each_ms > 0 ? bids->each_ms : 10);
    if (bids->disorder_ms > 0)
        next->time_ms -= (int64_t)(next_random(state) % (uint64_t)bids->disorder_ms);
    next->channel = channels[(r >> 20) % 4];
    char path[3][6];
    for (int k = 0; k < 3; k++)
        random_text(state, path[k], 5);
    random_text(state, next->extra, 122 + (size_t)(next_random(state) % 20));
    snprintf(next->url, sizeof next->url,
             "https://www.nexmark.com/%s/%s/%s/item.htm?query=1&channel_id=%llu", path[0], path[1],
             path[2], (unsigned long long)(r >> 32) % 1000000000);
}

static void print_time(int64_t time_ms, char text[24])
{
    time_t seconds = time_ms / 1000;
    struct tm civil;
    gmtime_r(&seconds, &civil);
    size_t length = strftime(text, 24, "%Y-%m-%d %H:%M:%S", &civil);
    snprintf(text + length, 24 - length, ".%03u", (unsigned)(time_ms % 1000) % 1000);
}

size_t mr_bids_next(mr_bids *bids, char *text)
{
    bid next;
    char time[24];
    next_bid(bids, &next);
    print_time(next.time_ms, time);
    return (size_t)snprintf(text, MR_BID_MAX,
                            "{\"auction\":%lld,\"bidder\":%lld,\"price\":%lld,\"channel\":\"%s\","
                            "\"url\":\"%s\",\"date_time\":\"%s\",\"extra\":\"%s\"}",
                            (long long)next.auction, (long long)next.bidder, (long long)next.price,
                            next.channel, next.url, time, next.extra);
}

size_t mr_bids_next_csv(mr_bids *bids, char *text)
{
    bid next;
    char time[24];
    next_bid(bids, &next);
    print_time(next.time_ms, time);
    return (size_t)snprintf(text, MR_BID_MAX, "%lld,%lld,%lld,%s,\"%s\",%s,%s",
                            (long long)next.auction, (long long)next.bidder, (long long)next.price,
                            next.channel, next.url, time, next.extra);
}

static char *put_long(char *at, int64_t value)
{
    uint64_t zigzag = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    for (; zigzag >= 0x80; zigzag >>= 7)
        *at++ = (char)(zigzag | 0x80);
    *at++ = (char)zigzag;
    return at;
}

static char *put_text(char *at, const char *text)
{
    size_t length = strlen(text);
    at = put_long(at, (int64_t)length);
    memcpy(at, text, length);
    return at + length;
}

size_t mr_bids_next_avro(mr_bids *bids, char *bytes)
{
    bid next;
    next_bid(bids, &next);
    char *at = put_long(bytes, next.auction);
    at = put_long(at, next.bidder);
    at = put_long(at, next.price);
    at = put_text(at, next.channel);
    at = put_text(at, next.url);
    at = put_long(at, next.time_ms);
    at = put_text(at, next.extra);
    return (size_t)(at - bytes);
}

static const char AVRO_SYNC[16] = "bids-of-the-mill";

void mr_bids_avro_begin(FILE *file)
{
    char head[1024] = "Obj\1";
    char *at = put_long(head + 4, 1);
    at = put_text(at, "avro.schema");
    at = put_text(at, "{\"type\":\"record\",\"name\":\"bid\",\"fields\":["
                      "{\"name\":\"auction\",\"type\":\"long\"},"
                      "{\"name\":\"bidder\",\"type\":\"long\"},"
                      "{\"name\":\"price\",\"type\":\"long\"},"
                      "{\"name\":\"channel\",\"type\":\"string\"},"
                      "{\"name\":\"url\",\"type\":\"string\"},"
                      "{\"name\":\"date_time\",\"type\":"
                      "{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}},"
                      "{\"name\":\"extra\",\"type\":\"string\"}]}");
    at = put_long(at, 0);
    memcpy(at, AVRO_SYNC, sizeof AVRO_SYNC);
    fwrite(head, 1, (size_t)(at - head) + sizeof AVRO_SYNC, file);
}

void mr_bids_avro_block(FILE *file, int64_t count, const char *bytes, size_t length)
{
    char head[24];
    char *at = put_long(put_long(head, count), (int64_t)length);
    fwrite(head, 1, (size_t)(at - head), file);
    fwrite(bytes, 1, length, file);
    fwrite(AVRO_SYNC, 1, sizeof AVRO_SYNC, file);
}
