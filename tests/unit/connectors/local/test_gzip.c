/*
 * Goal: a compressed file comes back whole, or is refused.
 * Method: what gzip(1) made of a text, as it is and with something done to it.
 */
#include "connectors/local/gzip.h"

#include <criterion/criterion.h>
#include <string.h>

#define TEXT "flight\nflight\n"

static const unsigned char packed[29] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03,
                                         0x4b, 0xcb, 0xc9, 0x4c, 0xcf, 0x28, 0xe1, 0x4a, 0x83, 0x50,
                                         0x00, 0x46, 0x62, 0x87, 0x4b, 0x0e, 0x00, 0x00, 0x00};

Test(gzip, content_comes_back_behind_what_is_there)
{
    mr_buffer out = {0};
    mr_error err;
    mr_buffer_put(&out, "<", 1);
    cr_assert_eq(mr_gzip_inflate(packed, sizeof packed, 1000, &out, &err), MR_OK);
    cr_expect_eq(out.length, 1 + strlen(TEXT));
    cr_expect_arr_eq(out.data, "<" TEXT, out.length);
    mr_buffer_release(&out);
}

Test(gzip, refuses_every_shorter_file)
{
    for (size_t length = 0; length < sizeof packed; length++) {
        mr_buffer out = {0};
        mr_error err;
        cr_expect_eq(mr_gzip_inflate(packed, length, 1000, &out, &err), MR_E_ENVIRONMENT, "%zu",
                     length);
        mr_buffer_release(&out);
    }
}

Test(gzip, refuses_a_wrong_header_content_or_checksum)
{
    static const size_t places[] = {0, 12, 22, 26};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        unsigned char bytes[sizeof packed];
        memcpy(bytes, packed, sizeof packed);
        bytes[places[i]] ^= 0x55;
        mr_buffer out = {0};
        mr_error err;
        cr_expect_eq(mr_gzip_inflate(bytes, sizeof bytes, 1000, &out, &err), MR_E_ENVIRONMENT,
                     "byte %zu", places[i]);
        mr_buffer_release(&out);
    }
}

Test(gzip, refuses_more_than_it_may_take)
{
    mr_buffer out = {0};
    mr_error err;
    cr_expect_eq(mr_gzip_inflate(packed, sizeof packed, 13, &out, &err), MR_E_ENVIRONMENT);
    mr_buffer_clear(&out);
    cr_expect_eq(mr_gzip_inflate(packed, sizeof packed, 14, &out, &err), MR_OK);
    mr_buffer_release(&out);
}
