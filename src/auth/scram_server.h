// SPDX-License-Identifier: MIT
//
// scram_server: the server's role in one SCRAM-SHA-256 exchange (RFC 5802 section 5), towards a
// client that may be hostile. It goes well as
//
//     scram_server_first: client-first in,  server-first out      (AuthenticationSASLContinue)
//     scram_server_final: client-final in,  server-final out      (AuthenticationSASLFinal)
//     scram_server_keys:  what the client proved to hold, for a login to the server behind
//
// and fails with ERR_PROTOCOL (what was sent is no SCRAM) or ERR_PASSWORD (the proof is wrong, or
// the user is a mock: one answer). A failed machine is over. The caller allocates it for the login
// only, and gives the nonce. A mock verifier takes the same steps. One thread.
//
// A client may send SASLInitialResponse without data (length -1): the caller then answers with an
// empty AuthenticationSASLContinue and feeds what comes next to scram_server_first.
#ifndef AUTH_SCRAM_SERVER_H
#define AUTH_SCRAM_SERVER_H

#include "auth/scram.h"
#include "auth/verifier.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* SCRAM_SERVER_FIRST -> SCRAM_SERVER_FINAL -> SCRAM_SERVER_DONE; both of the first -> _FAILED. */
enum scram_server_state {
    SCRAM_SERVER_FIRST, /* waits for client-first */
    SCRAM_SERVER_FINAL, /* waits for client-final */
    SCRAM_SERVER_DONE,  /* the client knows the password */
    SCRAM_SERVER_FAILED
};

struct scram_server_options {
    const struct verifier *verifier; /* of kind VERIFIER_SCRAM; copied */
    bool plus;            /* the client chose SCRAM-SHA-256-PLUS (scram_parse_mechanism) */
    struct slice binding; /* tls-server-end-point of our certificate; empty: PLUS not offered */
    struct slice nonce;   /* our half: scram_random_nonce, or a test vector's */
};

struct scram_server {
    enum scram_server_state state;
    /* private below */
    bool plus;
    bool mock;
    char flag;                     /* of the gs2 header: 'n', 'y' or 'p' */
    struct scram_binding binding;  /* n is 0 where PLUS was not offered */
    struct verifier_scram secret;  /* of the user */
    struct buf nonce;              /* our half first; the client's and ours from client-first on */
    struct buf exchange;           /* AuthMessage as far as it has come */
    uint8_t client_key[SCRAM_KEY]; /* valid in SCRAM_SERVER_DONE */
};

void scram_server_init(struct scram_server *s, const struct scram_server_options *options);
int scram_server_first(struct scram_server *s, struct slice in, struct buf *out, struct err *err);
int scram_server_final(struct scram_server *s, struct slice in, struct buf *out, struct err *err);

/* After success: a copy of the keys; the caller clears it. */
void scram_server_keys(const struct scram_server *s, struct scram_keys *keys);

void scram_server_fini(struct scram_server *s);

#endif
