// SPDX-License-Identifier: MIT
//
// scram_client: the client's role in one SCRAM-SHA-256 exchange (RFC 5802 section 5), towards a
// server that may be hostile. It goes well as
//
//     scram_client_first:     client-first out                    (SASLInitialResponse)
//     scram_client_challenge: server-first in; c->salt, c->iterations are set
//     scram_derive (scram.h): the keys from the password, off the loop; or keys that a client
//                             proved to us, with which no password is needed
//     scram_client_final:     client-final out                    (SASLResponse)
//     scram_client_verify:    server-final in; the server has proved that it knows the user
//
// A challenge fails with ERR_PROTOCOL. Verifying fails with ERR_PROTOCOL, with ERR_SERVER (28P01)
// where the server says no, or with ERR_CONNECTION where its signature is wrong: it is not the
// server that the password is for, and the connection must be closed. A failed machine is over.
// AuthenticationOk without AuthenticationSASLFinal is a lie: the caller asks for
// SCRAM_CLIENT_DONE. The caller allocates the machine for the login only. One thread.
#ifndef AUTH_SCRAM_CLIENT_H
#define AUTH_SCRAM_CLIENT_H

#include "auth/scram.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* FIRST -> CHALLENGE -> FINAL -> VERIFY -> DONE; CHALLENGE and VERIFY may go to FAILED. */
enum scram_client_state {
    SCRAM_CLIENT_FIRST,     /* client-first is to be made */
    SCRAM_CLIENT_CHALLENGE, /* waits for server-first */
    SCRAM_CLIENT_FINAL,     /* waits for keys */
    SCRAM_CLIENT_VERIFY,    /* waits for server-final */
    SCRAM_CLIENT_DONE,      /* both sides have proved themselves */
    SCRAM_CLIENT_FAILED
};

struct scram_client_options {
    struct slice user;    /* empty for PostgreSQL, which takes the startup packet's */
    struct slice nonce;   /* ours: scram_random_nonce, or a test vector's */
    struct slice binding; /* tls-server-end-point of the server's certificate; empty: no TLS */
    bool plus;            /* the server offers SCRAM-SHA-256-PLUS (scram_parse_offer) */
};

struct scram_client {
    enum scram_client_state state;
    uint32_t iterations;          /* from SCRAM_CLIENT_FINAL on; 1 to LIMIT_SCRAM_ITERATIONS */
    uint8_t salt_size;            /* bytes used of salt; at least 1 from SCRAM_CLIENT_FINAL on */
    uint8_t salt[SCRAM_SALT_MAX]; /* what the server's verifier was made with */
    /* private below */
    char flag;                           /* of the gs2 header: 'n', 'y' or 'p' */
    struct scram_binding binding;        /* used where flag is 'p' */
    struct buf nonce;                    /* ours; the server's too from SCRAM_CLIENT_FINAL on */
    struct buf exchange;                 /* AuthMessage as far as it has come */
    uint8_t server_signature[SCRAM_KEY]; /* expected in SCRAM_CLIENT_VERIFY */
};

/* Binds the channel where there is TLS and the server offers it; says 'y' where only we could. */
void scram_client_init(struct scram_client *c, const struct scram_client_options *options);

/* The name for SASLInitialResponse. */
const char *scram_client_mechanism(const struct scram_client *c);

void scram_client_first(struct scram_client *c, struct buf *out);
int scram_client_challenge(struct scram_client *c, struct slice in, struct err *err);
void scram_client_final(struct scram_client *c, const struct scram_keys *keys, struct buf *out);
int scram_client_verify(struct scram_client *c, struct slice in, struct err *err);
void scram_client_fini(struct scram_client *c);

#endif
