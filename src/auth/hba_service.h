// SPDX-License-Identifier: MIT
//
// hba_service: whom a rule's method pam or ldap asks whether a password is right, by PostgreSQL's
// options of those methods. Pure: what is asked, and how it is checked when the file is read; the
// asking is judge's part. Memory of the rule; immutable once made.
#ifndef AUTH_HBA_SERVICE_H
#define AUTH_HBA_SERVICE_H

#include <stdbool.h>

#include "auth/rulefile.h"

/* Texts are its own; NULL for what was not said. */
struct hba_service {
    bool ldap;         /* else PAM */
    char *pam_service; /* the name of its file in /etc/pam.d */
    char *server;      /* hosts, with blanks between them; none: those of base_dn's domain */
    char *scheme;      /* ldap or ldaps */
    int port;          /* 0: the scheme's */
    bool start_tls;    /* ldaptls */
    char *prefix;  /* the name to bind as: prefix, user, suffix; unless there is a base_dn … */
    char *suffix;  /* … */
    char *base_dn; /* … below which the user's entry is searched for, … */
    char *bind_dn; /* … as whom; NULL: as nobody, … */
    char *bind_password; /* … */
    char *attribute;     /* … by this one, "uid" where neither is said, … */
    char *filter;        /* … or this, in which $username stands for the user; … */
    int scope;           /* … as deep as the library's LDAP_SCOPE_… says */
};

struct hba_service *hba_service_new(bool ldap);
void hba_service_free(struct hba_service *service); /* NULL is allowed */

/* Takes an option; false where its name is none of these methods'. What is wrong is reported. */
bool hba_service_set(struct hba_service *service, struct slice name, const char *value,
                     const struct rule_token *token, struct rule_faults *faults);

/* All options are there: do they fit together? */
void hba_service_check(const struct hba_service *service, const struct rule_line *line,
                       struct rule_faults *faults);

#endif
