/* Values as text: what is written reads back as the same value, and agrees with the C library. */
#include "connectors/formats/text/base64.h"
#include "connectors/formats/text/number.h"
#include "connectors/formats/text/time.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void expect_round_trip(double value, bool is_float)
{
    char text[MR_NUMBER_TEXT_MAX + 1];
    size_t length =
        is_float ? mr_number_write_float(text, value) : mr_number_write_double(text, value);
    cr_assert_leq(length, MR_NUMBER_TEXT_MAX);
    text[length] = '\0';
    mr_number number;
    const char *behind = mr_number_scan(text, text + length, &number);
    cr_assert(behind == text + length, "%s is no JSON number", text);
    double back = 0;
    mr_number_fit fit =
        is_float ? mr_number_to_float(&number, &back) : mr_number_to_double(&number, &back);
    cr_assert_eq(fit, MR_NUMBER_FITS);
    cr_assert_eq(memcmp(&back, &value, sizeof value), 0, "%.17g written as %s", value, text);
    cr_assert(is_float || strtod(text, NULL) == value, "%s", text);
}

Test(text, writes_floating_point_that_reads_back_the_same)
{
    uint64_t state = 42;
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = next_random(&state);
        double value;
        float single;
        memcpy(&value, &bits, sizeof value);
        memcpy(&single, &bits, sizeof single);
        if (isfinite(value))
            expect_round_trip(value, false);
        if (isfinite(single))
            expect_round_trip((double)single, true);
        /* Prices and the like: few digits, where the short way is taken. */
        expect_round_trip((double)(int64_t)(bits % 1000000) / 100, false);
        expect_round_trip((double)(int64_t)(bits % 100000000000) / 1e6, false);
    }
}

Test(text, reads_long_numbers_as_the_c_library_does)
{
    uint64_t state = 7;
    for (int i = 0; i < 5000; i++) {
        char text[1400];
        size_t digits = 1 + next_random(&state) % 1200;
        for (size_t k = 0; k < digits; k++)
            text[k] = (char)('0' + next_random(&state) % 10);
        text[0] = '1';
        int exponent = (int)(next_random(&state) % 700) - 350 - (int)digits;
        snprintf(text + digits, 16, "e%d", exponent);
        double expected = strtod(text, NULL), value;
        mr_number number;
        cr_assert(mr_number_parse(text, strlen(text), &number));
        mr_number_fit fit = mr_number_to_double(&number, &value);
        cr_assert_eq(fit, isinf(expected) ? MR_NUMBER_TOO_LARGE : MR_NUMBER_FITS);
        cr_assert(isinf(expected) || value == expected, "%s", text);
    }
}

Test(text, reads_a_double_halfway_between_two_by_its_last_digit)
{
    /* 2^53 + 1 lies halfway; what stands 800 digits behind the point decides. */
    char text[900] = "9007199254740993.";
    memset(text + strlen(text), '0', 800);
    strcat(text, "1");
    double value;
    mr_number number;
    cr_assert(mr_number_parse(text, strlen(text), &number));
    cr_assert_eq(mr_number_to_double(&number, &value), MR_NUMBER_FITS);
    cr_expect_eq(value, 9007199254740994.0);
}

Test(text, writes_decimals_that_read_back_the_same)
{
    uint64_t state = 3;
    for (int i = 0; i < 20000; i++) {
        mr_i128 value = (mr_i128)(int64_t)next_random(&state) * (int64_t)(next_random(&state) >> 4);
        mr_i128 limit = 1, back = 0;
        for (int k = 0; k < 38; k++)
            limit *= 10;
        value %= limit;
        unsigned scale = (unsigned)(next_random(&state) % 39);
        char text[MR_NUMBER_TEXT_MAX];
        mr_number number;
        size_t length = mr_number_write_decimal(text, value, scale, i % 2 == 0);
        cr_assert_eq(mr_number_scan(text, text + length, &number), text + length);
        cr_assert_eq(mr_number_to_decimal(&number, 38, scale, &back), MR_NUMBER_FITS);
        cr_assert(back == value, "%.*s", (int)length, text);
    }
}

Test(text, agrees_with_the_c_library_on_every_day_of_ten_thousand_years)
{
    for (int32_t days = -719528; days <= 2932896; days++) {
        char text[MR_TIME_TEXT_MAX], expected[32];
        size_t length = mr_time_write_date(text, days);
        time_t seconds = (time_t)days * 86400;
        struct tm civil;
        gmtime_r(&seconds, &civil);
        snprintf(expected, sizeof expected, "%04d-%02d-%02d", civil.tm_year + 1900,
                 civil.tm_mon + 1, civil.tm_mday);
        int32_t back = 0;
        cr_assert(length == 10 && memcmp(text, expected, 10) == 0, "%s", expected);
        cr_assert(mr_time_parse_date(text, length, &back) && back == days, "%s", expected);
    }
}

Test(text, writes_timestamps_that_read_back_the_same)
{
    uint64_t state = 5;
    for (int i = 0; i < 20000; i++) {
        int64_t us = (int64_t)(next_random(&state) % 300000000000000000) - 60000000000000000;
        char text[MR_TIME_TEXT_MAX];
        size_t length = mr_time_write_timestamp(text, us, 'T', true);
        int64_t back = 0;
        cr_assert(mr_time_parse_timestamp(text, length, 'T', true, &back), "%.*s", (int)length,
                  text);
        cr_assert_eq(back, us, "%.*s", (int)length, text);
    }
}

Test(text, base64_reads_back_every_length)
{
    char bytes[64], text[128], back[64];
    for (size_t length = 0; length < sizeof bytes; length++) {
        for (size_t i = 0; i < length; i++)
            bytes[i] = (char)(i * 37 + length);
        mr_base64_encode(text, bytes, length);
        size_t decoded = 0;
        cr_assert(mr_base64_decode(back, text, mr_base64_encoded_length(length), &decoded));
        cr_assert(decoded == length && memcmp(back, bytes, length) == 0, "%zu", length);
    }
}
