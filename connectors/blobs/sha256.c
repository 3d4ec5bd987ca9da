#include "connectors/blobs/sha256.h"

#include "engine/base/assert.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#define PIECE ((size_t)256 * 1024)

void mr_sha256(const void *bytes, size_t length, unsigned char digest[MR_SHA256_BYTES])
{
    int is_done = EVP_Digest(bytes, length, digest, NULL, EVP_sha256(), NULL);
    MR_ASSERT(is_done == 1);
}

void mr_hmac_sha256(const void *key, size_t key_length, const void *bytes, size_t length,
                    unsigned char digest[MR_SHA256_BYTES])
{
    const unsigned char *made =
        HMAC(EVP_sha256(), key, (int)key_length, bytes, length, digest, NULL);
    MR_ASSERT(made != NULL);
}

void mr_sha256_print(const unsigned char digest[MR_SHA256_BYTES], char to[MR_BLOB_DIGEST_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < MR_SHA256_BYTES; i++) {
        to[2 * i] = digits[digest[i] >> 4];
        to[2 * i + 1] = digits[digest[i] & 15];
    }
    to[2 * MR_SHA256_BYTES] = '\0';
}

mr_status mr_sha256_source(const mr_blob_source *source, char digest[MR_BLOB_DIGEST_SIZE],
                           mr_error *err)
{
    EVP_MD_CTX *sum = EVP_MD_CTX_new();
    char *piece = malloc(PIECE);
    MR_ASSERT(sum != NULL && piece != NULL);
    int is_good = EVP_DigestInit_ex(sum, EVP_sha256(), NULL);
    mr_status status = MR_OK;
    for (uint64_t at = 0; status == MR_OK && at < source->size;) {
        size_t length = source->size - at < PIECE ? (size_t)(source->size - at) : PIECE;
        status = source->read(source->context, at, piece, length, err);
        if (status == MR_OK)
            is_good &= EVP_DigestUpdate(sum, piece, length);
        at += length;
    }
    unsigned char bytes[MR_SHA256_BYTES];
    is_good &= EVP_DigestFinal_ex(sum, bytes, NULL);
    MR_ASSERT(is_good == 1);
    EVP_MD_CTX_free(sum);
    free(piece);
    if (status == MR_OK)
        mr_sha256_print(bytes, digest);
    return status;
}
