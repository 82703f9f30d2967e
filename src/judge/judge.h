// SPDX-License-Identifier: MIT
//
// judge: is this the user's password? Asked of who knows, PAM or a directory (LDAP), as a rule
// says. Blocks, for seconds where the other side is slow: for the thread pool. A name that could
// change the meaning of what is asked is wrong without asking. Either may be left out of a build.
// Any thread.
#ifndef JUDGE_JUDGE_H
#define JUDGE_JUDGE_H

#include "auth/hba_service.h"
#include "base/err.h"

/* Seconds until a directory that says nothing is given up. */
#define JUDGE_PATIENCE 5

struct judge_question {
    const struct hba_service *service;
    const char *user;
    const char *password;
    const char *address; /* where the client is; "" for a Unix socket */
};

/* What this build can ask. */
bool judge_has_pam(void);
bool judge_has_ldap(void);

/* 0: it is. ERR_PASSWORD: it is not, or there is no such user. ERR_CONNECTION: nobody could be
 * asked. err says why, for the log. */
int judge_ask(const struct judge_question *question, struct err *err);

/* --- within the layer --- */
int judge_ask_pam(const struct judge_question *question, struct err *err);
int judge_ask_ldap(const struct judge_question *question, struct err *err);

#endif
