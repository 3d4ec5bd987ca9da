/* Goal: our S3 client works with an S3 that others wrote. Method: the conformance suite of the blob
 * port against moto's server, where a virtual environment has it (.ci/moto makes one). */
#include "tests/harness/blobs/conformance.h"
#include "tests/harness/blobs/server.h"

#include <criterion/criterion.h>
#include <stdio.h>

Test(blobs_moto, conforms, .timeout = 400)
{
    mr_test_s3 server;
    if (!mr_test_s3_start_moto(&server))
        cr_skip("no moto: .ci/moto installs it");
    for (size_t i = 0; mr_blob_check_at(i) != NULL; i++) {
        const mr_blob_check *check = mr_blob_check_at(i);
        char prefix[64], why[1600] = "";
        snprintf(prefix, sizeof prefix, "some/check-%zu", i);
        mr_blobs *blobs =
            mr_test_s3_open(&server, prefix, &(mr_blobs_options){.region = "us-east-1"});
        cr_expect(check->holds(blobs, why, sizeof why), "%s: %s", check->name, why);
        blobs->class->close(blobs);
    }
    mr_test_s3_stop(&server);
}
