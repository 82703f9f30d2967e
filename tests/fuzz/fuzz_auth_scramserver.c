// SPDX-License-Identifier: MIT
//
// fuzz_auth_scramserver: what a hostile client sends in a SCRAM exchange. The first byte chooses
// the mechanism (bit 0) and whether we have a certificate (bit 1); then client-first, a line feed,
// client-final. The verifier is that of RFC 7677 section 3, so that a corpus can hold a true proof.
#include <assert.h>

#include "auth/scram_server.h"

#define VERIFIER                                                                                   \
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="     \
    ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whoever passes has shown a ClientKey that hashes to what is stored. */
static void check_keys(const struct scram_server *machine, const struct verifier *verifier)
{
    struct scram_keys keys;
    uint8_t stored[SCRAM_KEY];

    scram_server_keys(machine, &keys);
    digest_sha256(slice_of(keys.client, SCRAM_KEY), stored);
    assert(memcmp(stored, verifier->scram.stored_key, SCRAM_KEY) == 0);
}

static void talk(struct scram_server *machine, const struct verifier *verifier, struct slice in)
{
    struct buf out = {0};
    struct err err = {0};
    ptrdiff_t cut = slice_find(in, '\n');
    size_t n = cut < 0 ? in.n : (size_t)cut;

    int rc = scram_server_first(machine, slice_head(in, n), &out, &err);
    assert((rc == 0) == (buf_size(&out) > 0));
    if (rc == 0) {
        buf_clear(&out);
        rc = scram_server_final(machine, slice_from(in, n + 1), &out, &err);
        assert((rc == 0) == (buf_size(&out) > 0));
    }
    assert(rc == 0 || (err.code == rc && err.text[0] != '\0'));
    assert((machine->state == SCRAM_SERVER_DONE) == (rc == 0));
    if (rc == 0) {
        check_keys(machine, verifier);
    }
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scram_server machine;
    struct verifier verifier;

    if (size == 0) {
        return 0;
    }
    int rc = verifier_parse(&verifier, slice_str(VERIFIER), NULL);
    assert(rc == 0);
    struct scram_server_options options = {
        .verifier = &verifier,
        .plus = (data[0] & 1) != 0,
        .binding = slice_str((data[0] & 2) != 0 ? "certificate" : ""),
        .nonce = slice_str("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"),
    };
    scram_server_init(&machine, &options);
    talk(&machine, &verifier, slice_of(data + 1, size - 1));
    scram_server_fini(&machine);
    verifier_fini(&verifier);
    return 0;
}
