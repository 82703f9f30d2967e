// SPDX-License-Identifier: MIT
//
// Passwords that are computed: the HMAC of the name and the epoch under a master key, in
// hexadecimal. Nothing is stored, and whoever has the key can tell every password; a new epoch
// makes a new password of one role. In epoch 0 the HMAC is over the name alone; else a NUL, which
// no name holds, and the number in decimal follow it.
#include <stdio.h>
#include <string.h>

#include "auth/digest.h"
#include "base/alloc.h"
#include "base/encode.h"
#include "secret/store_ops.h"

static int derive(const struct store_call *call, char **out, struct err *err)
{
    const char *key = store_own(call, &call->provider->key);
    uint8_t mac[DIGEST_SHA256];
    struct buf message = {0};

    (void)err; /* it cannot fail: the key was fetched with the configuration */
    buf_append_slice(&message, slice_str(call->key->id));
    if (call->key->epoch > 0) {
        buf_append_u8(&message, 0);
        buf_printf(&message, "%u", call->key->epoch);
    }
    digest_hmac(slice_str(key), buf_slice(&message), mac);
    *out = x_alloc(2 * sizeof mac + 1);
    hex_encode(slice_of(mac, sizeof mac), *out);
    secure_zero(mac, sizeof mac);
    buf_release(&message);
    return 0;
}

const struct store_ops store_derive_ops = {.type = "derive", .read = derive};
