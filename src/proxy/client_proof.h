// SPDX-License-Identifier: MIT
//
// client_proof: the exchange by which a client proves who it is, by the method that client_search
// found. client_proof.c is the machine, and the methods that ask the client nothing; proof_word.c
// those that take one word (password, md5, a token, and what PAM or a directory is asked),
// proof_sasl.c SCRAM. An unknown user walks the
// same steps to the same answer as a wrong password. What takes milliseconds, or blocks, is a task
// of the tenant that the client asks for, after which the callback comes. Embedded in the login,
// which must stay while client_proof_leave says so. One thread.
#ifndef PROXY_CLIENT_PROOF_H
#define PROXY_CLIENT_PROOF_H

#include "auth/scram_server.h"
#include "auth/verifier.h"
#include "net/task.h"
#include "proxy/client_method.h"
#include "proxy/client_token.h"

enum client_proof_result {
    CLIENT_PROOF_MORE = 0, /* send the output, wait for the client's answer */
    CLIENT_PROOF_DONE,     /* it is who it says */
    CLIENT_PROOF_WORKING   /* the callback will come */
};

enum client_proof_step {
    PROOF_PASSWORD,
    PROOF_SERVICE,
    PROOF_MD5,
    PROOF_SASL_INITIAL, /* also after an empty initial response */
    PROOF_SASL_FIRST,
    PROOF_SASL_FINAL,
    PROOF_OVER
};

struct client_proof {
    struct loop *loop;
    const struct realm *realm;
    const struct client_origin *origin;
    const struct client_method *method;
    struct client_identity *identity; /* what the client says; its keys are set, by a token more */
    struct buf *out;                  /* what it is told; the login's */
    void (*cb)(void *data, int result, const struct err *err);
    void (*gone)(void *data); /* after client_proof_leave: the task is back */
    void *data;
    /* private to client_proof.c and proof_*.c */
    enum client_proof_step step;
    struct verifier verifier; /* of the user, or a mock */
    bool owns_verifier;
    uint8_t salt[MD5_SALT];
    struct scram_server scram;
    bool scram_started;
    struct task task;
    void (*work)(struct client_proof *proof);                       /* the task, in a thread … */
    int (*after_work)(struct client_proof *proof, struct err *err); /* … and back on the loop */
    struct buf password; /* of the client, while it is checked */
    bool password_right;
    struct client_token token;
    int token_verdict;  /* 0: it is right */
    struct err refusal; /* why it is not, or PAM or a directory says no; for the log */
    char *owner;        /* of the client's process */
};

/* The first fields are set, the rest is cleared. Returns a result above, or a negative code: err is
 * what the client is told. */
int client_proof_start(struct client_proof *proof, struct err *err);

/* The body of a message of type WIRE_PASSWORD. */
int client_proof_take(struct client_proof *proof, struct slice body, struct err *err);

/* Bytes of the largest such message that it takes now. */
size_t client_proof_message_max(const struct client_proof *proof);

/* The login wants to go. True: `gone` comes, and nothing else, when it may; else it may now. */
bool client_proof_leave(struct client_proof *proof);

/* Clears all secrets. */
void client_proof_fini(struct client_proof *proof);

/* --- between client_proof.c and proof_*.c --- */

/* The end of the exchange: it is right, or is what every failure is. */
int client_proof_verdict(struct client_proof *proof, bool right, struct err *err);

/* A step in the thread pool; returns CLIENT_PROOF_WORKING. */
int client_proof_work(struct client_proof *proof, enum task_kind kind,
                      void (*work)(struct client_proof *proof),
                      int (*after)(struct client_proof *proof, struct err *err));

/* The kind of secret that the exchange works with; a mock for who is not known, or has none that
 * fits. */
void client_proof_choose_verifier(struct client_proof *proof, enum verifier_kind kind);

void proof_word_start_password(struct client_proof *proof);
void proof_word_start_service(struct client_proof *proof);
int proof_word_take_service(struct client_proof *proof, struct slice body, struct err *err);
/* False: the user has SCRAM's keys only, the caller takes the stronger way. */
bool proof_word_start_md5(struct client_proof *proof);
int proof_word_take_password(struct client_proof *proof, struct slice body, struct err *err);
int proof_word_take_md5(struct client_proof *proof, struct slice body, struct err *err);

void proof_sasl_start(struct client_proof *proof);
int proof_sasl_take_initial(struct client_proof *proof, struct slice body, struct err *err);
int proof_sasl_take_first(struct client_proof *proof, struct slice data, struct err *err);
int proof_sasl_take_final(struct client_proof *proof, struct slice data, struct err *err);

#endif
