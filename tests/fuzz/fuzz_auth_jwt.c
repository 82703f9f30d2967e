// SPDX-License-Identifier: MIT
//
// fuzz_auth_jwt: key sets, which come from a file or over the network, and tokens, which come from
// strangers. No token is right: nobody here has the private key.
#include <assert.h>

#include "auth/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char keys_text[] = "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"ed\","
                                "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"},"
                                "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"ec\","
                                "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
                                "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}]}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct jwt_policy policy = {
        .issuer = "i", .audience = "a", .user_claim = "sub", .tenant_claim = "t", .leeway = 30};
    struct slice text = slice_of(data, size);
    struct jwt_claims claims;
    struct err err = {0};
    struct jwt_keys *keys = jwt_keys_parse(slice_str(keys_text), &err);

    assert(keys != NULL);
    (void)jwt_is_token(text);
    int rc = jwt_check(keys, text, &policy, 1700000000, &claims, &err);
    assert(rc == ERR_PASSWORD || rc == JWT_UNKNOWN_KEY);
    jwt_keys_unref(keys);
    jwt_keys_unref(jwt_keys_parse(text, &err));
    return 0;
}
