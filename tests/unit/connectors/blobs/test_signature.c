/* Goal: signatures are those of AWS. Method: the published vectors: requests of the Signature
 * Version 4 test suite, and the examples of S3's own description of signed headers. */
#include "connectors/blobs/signature.h"

#include <criterion/criterion.h>
#include <string.h>

#define NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define S3_HOST "examplebucket.s3.amazonaws.com"
#define S3_DATE "20130524T000000Z"

typedef struct vector {
    const char *name, *method, *path;
    mr_signed_pair query[4], headers[6]; /* up to a NULL name */
    const char *payload;                 /* NULL: none */
    bool is_s3;
    const char *signature;
} vector;

static const vector vectors[] = {
    {"get-vanilla",
     "GET",
     "/",
     {{0}},
     {{"Host", "example.amazonaws.com"}, {"X-Amz-Date", "20150830T123600Z"}},
     NULL,
     false,
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-vanilla-query-order-key-case",
     "GET",
     "/",
     {{"Param2", "value2"}, {"Param1", "value1"}},
     {{"Host", "example.amazonaws.com"}, {"X-Amz-Date", "20150830T123600Z"}},
     NULL,
     false,
     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {"get-unreserved",
     "GET",
     "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
     {{0}},
     {{"Host", "example.amazonaws.com"}, {"X-Amz-Date", "20150830T123600Z"}},
     NULL,
     false,
     "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
    {"get-utf8",
     "GET",
     "/%E1%88%B4",
     {{0}},
     {{"Host", "example.amazonaws.com"}, {"X-Amz-Date", "20150830T123600Z"}},
     NULL,
     false,
     "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
    {"get-header-value-trim",
     "GET",
     "/",
     {{0}},
     {{"Host", "example.amazonaws.com"},
      {"My-Header1", " value1"},
      {"My-Header2", " \"a   b   c\""},
      {"X-Amz-Date", "20150830T123600Z"}},
     NULL,
     false,
     "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {"post-vanilla",
     "POST",
     "/",
     {{0}},
     {{"Host", "example.amazonaws.com"}, {"X-Amz-Date", "20150830T123600Z"}},
     NULL,
     false,
     "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {"post-header-key-sort",
     "POST",
     "/",
     {{0}},
     {{"X-Amz-Date", "20150830T123600Z"},
      {"My-Header1", "value1"},
      {"Host", "example.amazonaws.com"}},
     NULL,
     false,
     "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
    {"S3: get object",
     "GET",
     "/test.txt",
     {{0}},
     {{"Host", S3_HOST},
      {"Range", "bytes=0-9"},
      {"x-amz-content-sha256", NOTHING},
      {"x-amz-date", S3_DATE}},
     NULL,
     true,
     "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
    {"S3: put object",
     "PUT",
     "/test%24file.text",
     {{0}},
     {{"Host", S3_HOST},
      {"Date", "Fri, 24 May 2013 00:00:00 GMT"},
      {"x-amz-date", S3_DATE},
      {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
      {"x-amz-content-sha256", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"}},
     "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
     true,
     "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
    {"S3: get bucket lifecycle",
     "GET",
     "/",
     {{"lifecycle", ""}},
     {{"Host", S3_HOST}, {"x-amz-content-sha256", NOTHING}, {"x-amz-date", S3_DATE}},
     NULL,
     true,
     "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
    {"S3: list objects",
     "GET",
     "/",
     {{"prefix", "J"}, {"max-keys", "2"}},
     {{"Host", S3_HOST}, {"x-amz-content-sha256", NOTHING}, {"x-amz-date", S3_DATE}},
     NULL,
     true,
     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
};

static size_t count_of(const mr_signed_pair *pairs, size_t max)
{
    size_t count = 0;
    while (count < max && pairs[count].name != NULL)
        count++;
    return count;
}

Test(blob_signature, is_the_published_one)
{
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        const vector *v = &vectors[i];
        mr_signature_request request = {
            .method = v->method,
            .path = v->path,
            .query = v->query,
            .query_count = count_of(v->query, 4),
            .headers = v->headers,
            .headers_count = count_of(v->headers, 6),
            .payload_digest = v->payload != NULL ? v->payload : NOTHING,
            .time = v->is_s3 ? S3_DATE : "20150830T123600Z",
            .region = "us-east-1",
            .service = v->is_s3 ? "s3" : "service",
            .access_key = v->is_s3 ? "AKIAIOSFODNN7EXAMPLE" : "AKIDEXAMPLE",
            .secret_key = v->is_s3 ? "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
                                   : "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};
        mr_buffer made = {0};
        mr_signature_sign(&request, &made);
        const char *signature = strstr(made.data, "Signature=");
        cr_assert_not_null(signature);
        cr_expect_str_eq(signature + strlen("Signature="), v->signature, "%s: %s", v->name,
                         made.data);
        mr_buffer_release(&made);
    }
}

Test(blob_signature, names_who_signed_what)
{
    const mr_signed_pair headers[] = {{"x-amz-date", S3_DATE},
                                      {"Range", "bytes=0-9"},
                                      {"Host", S3_HOST},
                                      {"x-amz-content-sha256", NOTHING}};
    mr_signature_request request = {.method = "GET",
                                    .path = "/test.txt",
                                    .headers = headers,
                                    .headers_count = 4,
                                    .payload_digest = NOTHING,
                                    .time = S3_DATE,
                                    .region = "us-east-1",
                                    .service = "s3",
                                    .access_key = "AKIAIOSFODNN7EXAMPLE",
                                    .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};
    mr_buffer made = {0};
    mr_signature_sign(&request, &made);
    cr_expect_str_eq(
        made.data,
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
    mr_buffer_release(&made);
}

Test(blob_signature, encodes_all_but_the_unreserved)
{
    mr_buffer text = {0};
    mr_signature_encode(&text, "a/b c+d%e~f\xc3\xa4", true);
    mr_buffer_put_u8(&text, ' ');
    mr_signature_encode(&text, "a/b", false);
    mr_buffer_put_u8(&text, '\0');
    cr_expect_str_eq(text.data, "a/b%20c%2Bd%25e~f%C3%A4 a%2Fb");
    mr_buffer_release(&text);
}
