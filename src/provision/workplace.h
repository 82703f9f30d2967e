// SPDX-License-Identifier: MIT
//
// workplace: the connections of one piece of work on a tenant, opened as they are needed, one for
// each database; and the lock of the tenant's name. Blocks; one thread at a time.
#ifndef PROVISION_WORKPLACE_H
#define PROVISION_WORKPLACE_H

#include "provision/script.h"
#include "provision/tenant_work.h"

enum { WORKPLACE_CONNECTIONS = 3 };

struct workplace {
    const struct tenant_request *request;
    struct report *report;
    struct place {
        PGconn *conn;
        const char *hosts; /* of the server it is to */
        char database[NAME_SIZE];
    } places[WORKPLACE_CONNECTIONS];
};

/* Scripts on the registry's database, the admin's database of the tenant's server, and a database
 * there. Where no connection can be had the report fails, and the script does nothing. */
struct script workplace_registry(struct workplace *w, const char *object);
struct script workplace_admin(struct workplace *w, const char *object);
struct script workplace_database(struct workplace *w, const char *database, const char *object);

/* Takes the tenant's name, or fails: another command has it. Held until workplace_close. */
void workplace_lock(struct workplace *w);

/* Ends the connection to a database, so that it can be dropped or copied. */
void workplace_leave(struct workplace *w, const char *database);
void workplace_close(struct workplace *w);

#endif
