// SPDX-License-Identifier: MIT
//
// hba: which method must a client use, by the rules of a file in the format of pg_hba.conf. Rules
// are asked in order, the first that fits decides, and where none fits nobody gets in. What
// PostgreSQL reads is read the same way; what cannot be done here (ident, gss, host names, …) is a
// fault of the file, and so is every line that is not understood: a rule is never passed over.
//
// Beyond PostgreSQL: the option tenant=PATTERN,… at the end of a line holds the rule to those
// tenants ('*' stands for any bytes; "/…" is a regular expression); it fits no client that names
// none. Regular expressions are POSIX extended ones.
//
// Membership of roles is not known here: hba_find says when an answer hangs on it, and is asked
// again with the roles. Immutable once made; any thread.
#ifndef AUTH_HBA_H
#define AUTH_HBA_H

#include "auth/hba_service.h"
#include "auth/name_match.h"
#include "auth/rulefile.h"

enum hba_method {
    HBA_REJECT,
    HBA_TRUST,
    HBA_PASSWORD,
    HBA_MD5,
    HBA_SCRAM,
    HBA_CERT,
    HBA_PEER,
    HBA_PAM,
    HBA_LDAP
};

enum hba_clientcert { HBA_CERT_ANY, HBA_CERT_VERIFY_CA, HBA_CERT_VERIFY_FULL };

struct hba_rule {
    enum hba_method method;
    enum hba_clientcert clientcert;    /* what its TLS certificate must be, beside the method */
    const char *map;                   /* of pg_ident.conf; NULL: names must be the same */
    const struct hba_service *service; /* of pam and ldap: whom to ask; else NULL */
    const char *file;                  /* where the rule stands */
    int line;
};

enum hba_transport { HBA_OVER_UNIX, HBA_OVER_TCP, HBA_OVER_TLS };

/* What is known of a client. */
struct hba_facts {
    enum hba_transport transport;
    uint8_t ip_size; /* 4 or 16; 0 over a Unix socket */
    uint8_t ip[16];
    struct slice user;     /* without the tenant's part */
    struct slice database; /* likewise */
    struct slice tenant;   /* empty: none was named */
    bool physical_replication;
    const struct role_list *roles; /* that the user is a member of; NULL: not asked yet */
};

enum hba_verdict { HBA_NO_RULE, HBA_FOUND, HBA_NEEDS_ROLES };

/* Addresses of this machine, for samehost and samenet. */
struct hba_interface {
    uint8_t size; /* 4 or 16 */
    uint8_t ip[16];
    uint8_t mask[16];
};

struct hba_options {
    const struct hba_interface *interfaces;
    size_t interface_count;
    bool can_ask_roles; /* else +role, samerole and samegroup are faults */
    bool has_pam;       /* else the method is a fault; likewise: */
    bool has_ldap;
};

struct hba;

/* Reads the file; NULL where there was a fault. */
struct hba *hba_load(const char *path, const struct rule_source *source,
                     const struct hba_options *options, struct rule_faults *faults);
void hba_free(struct hba *hba); /* NULL is allowed */

/* *rule is set for HBA_FOUND, and lives as long as the hba. */
enum hba_verdict hba_find(const struct hba *hba, const struct hba_facts *facts,
                          const struct hba_rule **rule);

/* Whether any rule asks for this method. */
bool hba_uses(const struct hba *hba, enum hba_method method);

/* Whether any rule names this map that `known` does not know; its fault is reported. */
void hba_check_maps(const struct hba *hba, bool (*known)(const void *data, const char *map),
                    const void *data, struct rule_faults *faults);

#endif
