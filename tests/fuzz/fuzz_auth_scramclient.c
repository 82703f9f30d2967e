// SPDX-License-Identifier: MIT
//
// fuzz_auth_scramclient: what a hostile server sends in a SCRAM exchange: server-first, a line
// feed, server-final; or its list of mechanisms. The keys are those of RFC 7677 section 3, so that
// a corpus can hold a true signature; the derivation is left out for speed.
#include <assert.h>

#include "auth/scram_client.h"
#include "base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ClientKey and ServerKey of the password "pencil" with the salt of the RFC's example. */
static const struct scram_keys keys = {
    .client = {0xa6, 0x0f, 0xc9, 0x23, 0xd6, 0x7e, 0x86, 0x44, 0xa9, 0x2d, 0x16,
               0xb9, 0x6e, 0xda, 0x5e, 0xf4, 0x65, 0x6b, 0x0c, 0x72, 0x5c, 0x48,
               0x43, 0x74, 0xbe, 0x25, 0x53, 0x55, 0x76, 0x99, 0x6e, 0x8b},
    .server = {0xc1, 0xf3, 0xcb, 0xc1, 0xc1, 0x3a, 0x9d, 0x35, 0xa1, 0x4c, 0x09,
               0x90, 0xee, 0xd9, 0x76, 0x29, 0xea, 0x22, 0x58, 0x63, 0xe5, 0x66,
               0xa4, 0x31, 0x4a, 0xb9, 0x9f, 0x3f, 0x00, 0xe5, 0xd9, 0xd5},
};

static void check_challenge(const struct scram_client *machine)
{
    assert(machine->salt_size >= 1 && machine->salt_size <= SCRAM_SALT_MAX);
    assert(machine->iterations >= 1 && machine->iterations <= LIMIT_SCRAM_ITERATIONS);
}

static void talk(struct scram_client *machine, struct slice in)
{
    struct buf out = {0};
    struct err err = {0};
    ptrdiff_t cut = slice_find(in, '\n');
    size_t n = cut < 0 ? in.n : (size_t)cut;

    scram_client_first(machine, &out);
    int rc = scram_client_challenge(machine, slice_head(in, n), &err);
    if (rc == 0) {
        check_challenge(machine);
        buf_clear(&out);
        scram_client_final(machine, &keys, &out);
        assert(buf_size(&out) <= LIMIT_PASSWORD_PACKET);
        rc = scram_client_verify(machine, slice_from(in, n + 1), &err);
    }
    assert(rc == 0 || (err.code == rc && err.text[0] != '\0'));
    assert((machine->state == SCRAM_CLIENT_DONE) == (rc == 0));
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scram_client machine;
    struct scram_offer offer;
    struct scram_client_options options = {.user = slice_str("user"),
                                           .nonce = slice_str("rOprNGfwEbeRWgbNEkqO")};

    scram_client_init(&machine, &options);
    talk(&machine, slice_of(data, size));
    scram_client_fini(&machine);
    (void)scram_parse_offer(slice_of(data, size), &offer, NULL);
    return 0;
}
