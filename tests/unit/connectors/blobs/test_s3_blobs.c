/* Goal: S3 is a blob store, also when it fails now and then. Method: the conformance suite on a
 * small S3 that checks every signature with code of its own, and faults that it plays. */
#include "tests/harness/blobs/conformance.h"
#include "tests/harness/blobs/server.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static mr_test_s3 server;

static void start(void)
{
    cr_assert(mr_test_s3_start(&server, NULL));
}

static void stop(void)
{
    mr_test_s3_stop(&server);
}

TestSuite(blob_s3, .init = start, .fini = stop, .timeout = 500);

static void expect_put(mr_blobs *blobs, const char *name, mr_status wanted, mr_recovery recovery,
                       const char *words)
{
    mr_error err = {0};
    mr_status status = mr_test_blob_put(blobs, name, "text", MR_BLOB_REPLACE, &err);
    cr_expect_eq(status, wanted, "MR%d %s", status, err.message);
    cr_expect_eq(err.recovery, recovery, "%s", err.message);
    cr_expect(wanted == MR_OK || strstr(err.message, words) != NULL, "%s", err.message);
}

Test(blob_s3, conforms)
{
    for (size_t i = 0; mr_blob_check_at(i) != NULL; i++) {
        const mr_blob_check *check = mr_blob_check_at(i);
        char prefix[64], why[1600] = "";
        snprintf(prefix, sizeof prefix, "some/check-%zu", i);
        mr_blobs *blobs = mr_test_s3_open(&server, i % 2 == 0 ? prefix : prefix + 5, NULL);
        cr_expect(check->holds(blobs, why, sizeof why), "%s: %s", check->name, why);
        blobs->class->close(blobs);
    }
}

Test(blob_s3, tries_again_what_passes)
{
    uint64_t tries = 0;
    mr_blobs *blobs = mr_test_s3_open(&server, "p", &(mr_blobs_options){.tries_observed = &tries});
    static const struct {
        int status;
        const char *code;
    } faults[] = {{503, "SlowDown"}, {500, "InternalError"},  {429, "TooMany"},
                  {0, ""},           {400, "RequestTimeout"}, {1, ""}};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        tries = 0;
        mr_test_s3_fail(&server, faults[i].status, 3, faults[i].code);
        expect_put(blobs, "a", MR_OK, MR_RECOVERY_STOP, "");
        cr_expect_geq(tries, 3, "%d: %d tries", faults[i].status, (int)tries);
    }
    blobs->class->close(blobs);
}

Test(blob_s3, an_answer_cut_off_starts_the_get_anew)
{
    mr_blobs *blobs = mr_test_s3_open(&server, "p", NULL);
    expect_put(blobs, "a", MR_OK, MR_RECOVERY_STOP, "");
    mr_test_s3_fail(&server, 2, 2, "");
    mr_error err = {0};
    mr_status status;
    char *text = mr_test_blob_get(blobs, "a", &status, &err);
    cr_assert_not_null(text, "%s", err.message);
    cr_expect_str_eq(text, "text");
    free(text);
    blobs->class->close(blobs);
}

Test(blob_s3, gives_up_with_the_reason)
{
    uint64_t tries = 0;
    mr_blobs *blobs = mr_test_s3_open(
        &server, "p", &(mr_blobs_options){.tries_max = 4, .tries_observed = &tries});
    mr_test_s3_fail(&server, 503, 100, "SlowDown");
    expect_put(blobs, "a", MR_E_BLOB_STORE, MR_RECOVERY_RETRY, "PUT bench/p/a: 503 SlowDown");
    cr_expect_eq(tries, 4);
    mr_test_s3_fail(&server, 0, 100, "");
    expect_put(blobs, "a", MR_E_BLOB_STORE, MR_RECOVERY_RETRY, "PUT bench/p/a: ");
    mr_test_s3_fail(&server, 400, 1, "EntityTooLarge");
    tries = 0;
    expect_put(blobs, "a", MR_E_BLOB_STORE, MR_RECOVERY_STOP, "400 EntityTooLarge as asked");
    cr_expect_eq(tries, 1, "what stays is not tried again");
    blobs->class->close(blobs);
    mr_test_s3_stop(&server);
    blobs = mr_test_s3_open(&server, "p", &(mr_blobs_options){.tries_max = 2});
    expect_put(blobs, "a", MR_E_BLOB_STORE, MR_RECOVERY_RETRY, "onnect");
    blobs->class->close(blobs);
}

Test(blob_s3, wrong_credentials_are_refused_at_once)
{
    uint64_t tries = 0;
    static const struct {
        const char *access, *secret, *region, *words;
    } wrong[] = {{"AKIDTEST", "another", NULL, "403 SignatureDoesNotMatch"},
                 {"SOMEBODY", NULL, NULL, "403 InvalidAccessKeyId"},
                 {NULL, NULL, "us-east-1", "403 InvalidAccessKeyId"}};
    for (size_t i = 0; i < 3; i++) {
        mr_blobs_options options = {.access_key = wrong[i].access,
                                    .secret_key = wrong[i].secret,
                                    .region = wrong[i].region,
                                    .tries_observed = &tries};
        tries = 0;
        mr_blobs *blobs = mr_test_s3_open(&server, "p", &options);
        expect_put(blobs, "a", MR_E_BLOB_DENIED, MR_RECOVERY_STOP, wrong[i].words);
        cr_expect_eq(tries, 1);
        blobs->class->close(blobs);
    }
}

Test(blob_s3, a_session_token_goes_along_signed)
{
    mr_test_s3_stop(&server);
    cr_assert(mr_test_s3_start(&server, (const char *const[]){"--token", "t/o+k=en", NULL}));
    mr_blobs *blobs = mr_test_s3_open(&server, "p", NULL);
    expect_put(blobs, "a", MR_E_BLOB_DENIED, MR_RECOVERY_STOP, "InvalidToken");
    blobs->class->close(blobs);
    blobs = mr_test_s3_open(&server, "p",
                            &(mr_blobs_options){.access_key = "AKIDTEST",
                                                .secret_key = "secret/with+signs=",
                                                .session_token = "t/o+k=en"});
    expect_put(blobs, "a", MR_OK, MR_RECOVERY_STOP, "");
    blobs->class->close(blobs);
}

Test(blob_s3, a_missing_bucket_is_no_missing_blob)
{
    char address[256];
    snprintf(address, sizeof address, "s3://other/p?endpoint=%s&region=eu-test-1", server.url);
    mr_blobs_options options = {.access_key = "AKIDTEST", .secret_key = "secret/with+signs="};
    mr_blobs *blobs;
    mr_error err = {0};
    cr_assert_eq(mr_blobs_open(address, &options, &blobs, &err), MR_OK, "%s", err.message);
    mr_status status;
    cr_expect_null(mr_test_blob_get(blobs, "a", &status, &err));
    cr_expect_eq(status, MR_E_BLOB_STORE);
    cr_expect(strstr(err.message, "NoSuchBucket") != NULL, "%s", err.message);
    char *text = mr_test_blob_list(blobs, "", &status, &err);
    cr_expect_eq(status, MR_E_BLOB_STORE);
    free(text);
    blobs->class->close(blobs);
}
