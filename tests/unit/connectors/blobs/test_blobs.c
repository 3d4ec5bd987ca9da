/* Goal: a folder is a blob store; addresses are read as written, bad ones refused with the reason.
 * Method: the conformance suite in a scratch folder; a table of addresses. */
#include "connectors/blobs/name.h"
#include "connectors/blobs/s3_address.h"
#include "tests/harness/blobs/conformance.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char root[64];

static void make_root(void)
{
    snprintf(root, sizeof root, "/tmp/millrace-blobs-XXXXXX");
    cr_assert_not_null(mkdtemp(root));
}

static void remove_root(void)
{
    char command[128];
    snprintf(command, sizeof command, "chmod -R u+rwx %s; rm -rf %s", root, root);
    cr_expect_eq(system(command), 0);
}

TestSuite(blob_file, .init = make_root, .fini = remove_root);

static mr_blobs *open_below(const char *folder)
{
    char address[256];
    mr_blobs *blobs;
    mr_error err = {0};
    snprintf(address, sizeof address, "file://%s/%s", root, folder);
    cr_assert_eq(mr_blobs_open(address, NULL, &blobs, &err), MR_OK, "%s", err.message);
    return blobs;
}

Test(blob_file, conforms)
{
    for (size_t i = 0; mr_blob_check_at(i) != NULL; i++) {
        const mr_blob_check *check = mr_blob_check_at(i);
        char folder[32], why[1600] = "";
        snprintf(folder, sizeof folder, "deep/check-%zu/", i);
        mr_blobs *blobs = open_below(folder);
        cr_expect(check->holds(blobs, why, sizeof why), "%s: %s", check->name, why);
        blobs->class->close(blobs);
    }
}

Test(blob_file, what_a_dead_process_left_is_no_blob_and_goes)
{
    mr_error err = {0};
    mr_blobs *blobs = open_below("s");
    cr_assert_eq(mr_test_blob_put(blobs, "a", "x", MR_BLOB_REPLACE, &err), MR_OK);
    blobs->class->close(blobs);
    char young[128], old[128];
    snprintf(young, sizeof young, "%s/s/.incoming/young", root);
    snprintf(old, sizeof old, "%s/s/.incoming/old", root);
    close(open(young, O_CREAT | O_WRONLY, 0666));
    close(open(old, O_CREAT | O_WRONLY, 0666));
    struct timespec times[2] = {{time(NULL) - 2 * 24 * 3600, 0}, {time(NULL) - 2 * 24 * 3600, 0}};
    cr_assert_eq(utimensat(AT_FDCWD, old, times, 0), 0);
    blobs = open_below("s");
    mr_status status;
    char *text = mr_test_blob_list(blobs, "", &status, &err);
    cr_expect_str_eq(text, "a:1");
    free(text);
    cr_expect_eq(access(young, F_OK), 0);
    cr_expect_neq(access(old, F_OK), 0);
    blobs->class->close(blobs);
}

Test(blob_file, what_the_system_refuses_is_named)
{
    mr_error err = {0};
    mr_blobs *blobs = open_below("");
    char path[128];
    snprintf(path, sizeof path, "%s/in-the-way", root);
    close(open(path, O_CREAT | O_WRONLY, 0666));
    mr_status status = mr_test_blob_put(blobs, "in-the-way/x", "x", MR_BLOB_REPLACE, &err);
    cr_expect_eq(status, MR_E_BLOB_STORE);
    cr_expect(strstr(err.message, "in-the-way") != NULL, "%s", err.message);
    blobs->class->close(blobs);
}

Test(blob_name, allows_parts_without_surprises)
{
    static const char *const good[] = {"a", "job/task-1/files/00ff", "%2E=x/y.z_-", "a.b/c..d"};
    static const char *const bad[] = {"",     "/a",       "a/",  "a//b", ".",
                                      "..",   "a/../b",   ".a",  "a/.b", "a b",
                                      "a\\b", "\xc3\xa4", "a?b", "a#b",  "a+b"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        cr_expect(mr_blob_name_is_good(good[i]), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_expect_not(mr_blob_name_is_good(bad[i]), "%s", bad[i]);
    char length[MR_BLOB_NAME_MAX + 2];
    memset(length, 'a', sizeof length);
    length[MR_BLOB_NAME_MAX + 1] = '\0';
    cr_expect_not(mr_blob_name_is_good(length));
    length[MR_BLOB_NAME_MAX] = '\0';
    cr_expect(mr_blob_name_is_good(length));
}

static void clear_environment(void)
{
    static const char *const names[] = {
        "AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY",
        "AWS_SESSION_TOKEN", "AWS_REGION",     "AWS_DEFAULT_REGION",    "AWS_ENDPOINT_URL_S3",
        "AWS_ENDPOINT_URL",  "AWS_CA_BUNDLE"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
}

TestSuite(blob_address, .init = clear_environment);

static const mr_blobs_options keys = {.access_key = "id", .secret_key = "secret"};

Test(blob_address, says_where_a_bucket_is)
{
    static const struct {
        const char *text, *origin, *base_path, *prefix, *region;
    } cases[] = {
        {"s3://bucket", "https://bucket.s3.us-east-1.amazonaws.com", "", "", "us-east-1"},
        {"s3://bucket/a/b/?region=eu-west-1", "https://bucket.s3.eu-west-1.amazonaws.com", "",
         "a/b/", "eu-west-1"},
        {"s3://my.bucket/a", "https://s3.us-east-1.amazonaws.com", "/my.bucket", "a/", "us-east-1"},
        {"s3://bucket?endpoint=http://127.0.0.1:9000/", "http://127.0.0.1:9000", "/bucket", "",
         "us-east-1"},
        {"s3://bucket/x?path-style=false&endpoint=https://s3.example.com",
         "https://bucket.s3.example.com", "", "x/", "us-east-1"},
        {"s3://bucket/x?path-style=true", "https://s3.us-east-1.amazonaws.com", "/bucket", "x/",
         "us-east-1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mr_s3_address address;
        mr_error err = {0};
        mr_status status = mr_s3_address_init(&address, cases[i].text, &keys, &err);
        cr_assert_eq(status, MR_OK, "%s", err.message);
        cr_expect_str_eq(address.origin, cases[i].origin);
        cr_expect_str_eq(address.base_path, cases[i].base_path);
        cr_expect_str_eq(address.prefix, cases[i].prefix);
        cr_expect_str_eq(address.region, cases[i].region);
        cr_expect_str_eq(address.host, strstr(cases[i].origin, "//") + 2);
        mr_s3_address_release(&address);
    }
}

Test(blob_address, refuses_bad_ones_with_the_reason)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"/tmp/x", "no blob store"},
        {"file://relative", "no blob store"},
        {"http://host/x", "no blob store"},
        {"s3://", "no name of a bucket"},
        {"s3://B/x", "no name of a bucket"},
        {"s3://bucket/a b", "prefix"},
        {"s3://bucket/../x", "prefix"},
        {"s3://bucket?access-key=me", "credentials come from the environment"},
        {"s3://bucket?region=a&region=b", "each once"},
        {"s3://bucket?region", "region"},
        {"s3://bucket?path-style=maybe", "true or false"},
        {"s3://bucket?endpoint=127.0.0.1:9000", "not http[s]://"},
        {"s3://bucket?endpoint=http://host/path", "not http[s]://"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mr_blobs *blobs = NULL;
        mr_error err = {0};
        mr_status status = mr_blobs_open(cases[i].text, &keys, &blobs, &err);
        cr_expect_eq(status, MR_E_BLOB_ADDRESS, "%s", cases[i].text);
        cr_expect(strstr(err.message, cases[i].words) != NULL, "%s: %s", cases[i].text,
                  err.message);
        cr_expect_null(blobs);
    }
}

Test(blob_address, reads_the_environment_as_others_do)
{
    mr_s3_address address;
    mr_error err = {0};
    cr_expect_eq(mr_s3_address_init(&address, "s3://bucket", &(mr_blobs_options){0}, &err),
                 MR_E_BLOB_ADDRESS);
    cr_expect(strstr(err.message, "AWS_ACCESS_KEY_ID") != NULL, "%s", err.message);
    setenv("AWS_ACCESS_KEY_ID", "from-env", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret-env", 1);
    setenv("AWS_SESSION_TOKEN", "token-env", 1);
    setenv("AWS_DEFAULT_REGION", "eu-north-1", 1);
    setenv("AWS_ENDPOINT_URL", "http://localhost:1", 1);
    cr_assert_eq(mr_s3_address_init(&address, "s3://bucket", &(mr_blobs_options){0}, &err), MR_OK);
    cr_expect_str_eq(address.access_key, "from-env");
    cr_expect_str_eq(address.secret_key, "secret-env");
    cr_expect_str_eq(address.session_token, "token-env");
    cr_expect_str_eq(address.region, "eu-north-1");
    cr_expect_str_eq(address.origin, "http://localhost:1");
    mr_s3_address_release(&address);
    setenv("AWS_REGION", "eu-south-1", 1);
    cr_assert_eq(mr_s3_address_init(&address, "s3://bucket?region=here", &keys, &err), MR_OK);
    cr_expect_str_eq(address.region, "here");
    cr_expect_str_eq(address.access_key, "id");
    cr_expect_null(address.session_token, "a token belongs to the keys it came with");
    mr_s3_address_release(&address);
}
