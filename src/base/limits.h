// SPDX-License-Identifier: MIT
//
// limits: every fixed bound of the program in one place. What users may change is in
// config/schema.c.
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

enum {
    LIMIT_STARTUP_PACKET = 10000,    /* bytes, as PostgreSQL: MAX_STARTUP_PACKET_LENGTH */
    LIMIT_PASSWORD_PACKET = 65535,   /* bytes, as PostgreSQL: PG_MAX_AUTH_TOKEN_LENGTH */
    LIMIT_SASL_PACKET = 1024,        /* bytes, as PostgreSQL: PG_MAX_SASL_MESSAGE_LENGTH */
    LIMIT_NAME = 63,                 /* bytes of a role, database or tenant name: NAMEDATALEN - 1 */
    LIMIT_CONTEXT_SETTINGS = 64,     /* settings in one session context */
    LIMIT_SETTING_VALUE = 1 << 20,   /* bytes of one setting's value */
    LIMIT_SCRATCH = 64 * 1024,       /* bytes of a worker's read buffer */
    LIMIT_WHOLE_MESSAGE = 16 << 20,  /* bytes of a message that must be held whole */
    LIMIT_SCRAM_ITERATIONS = 1 << 20 /* a server that asks for more is refused */
};

#endif
