// SPDX-License-Identifier: MIT
//
// name_match: how rules name databases, users and tenants: by a keyword, as it is written, by
// membership of a role, by a pattern or by a regular expression (POSIX extended, not anchored).
// Made by the parser of a file, immutable then; any thread.
#ifndef AUTH_NAME_MATCH_H
#define AUTH_NAME_MATCH_H

#include <regex.h>

#include "auth/rulefile.h"

enum name_kind {
    NAME_ALL,
    NAME_EXACT,
    NAME_GLOB,
    NAME_REGEX,
    NAME_MEMBER,      /* +role: who is a member of that role */
    NAME_SAME_USER,   /* database: of the user's name */
    NAME_SAME_ROLE,   /* database: named like a role that the user is a member of */
    NAME_REPLICATION, /* database: physical replication, which has none */
};

struct name_match {
    enum name_kind kind;
    char *text;    /* EXACT, GLOB, MEMBER */
    regex_t regex; /* REGEX */
};

struct name_list {
    struct name_match *items;
    size_t count;
};

/* Roles by name. */
struct role_list {
    char *const *names;
    size_t count;
};

enum name_answer { NAME_NO, NAME_YES, NAME_UNKNOWN };

/* The tokens of a field as databases, or as users. Faults are reported. */
void name_list_databases(struct name_list *list, const struct rule_field *field,
                         struct rule_faults *faults);
void name_list_users(struct name_list *list, const struct rule_field *field,
                     struct rule_faults *faults);

/* One more: a tenant's pattern. `at` is the token that it stands in. */
void name_list_add_tenant(struct name_list *list, struct slice pattern, const struct rule_token *at,
                          struct rule_faults *faults);
void name_list_fini(struct name_list *list);

/* Does one of them ask for roles? */
bool name_list_asks_roles(const struct name_list *list);

enum name_answer name_match_user(const struct name_list *list, struct slice user,
                                 const struct role_list *roles);
enum name_answer name_match_database(const struct name_list *list, struct slice database,
                                     struct slice user, const struct role_list *roles);
bool name_match_tenant(const struct name_list *list, struct slice tenant);

/* Compiles what stands behind the '/' of a token. False with a fault. */
bool name_regex_compile(regex_t *regex, const char *pattern, const struct rule_token *at,
                        struct rule_faults *faults);

/* Does it match somewhere? `hits` are `count` places, or NULL. */
bool name_regex_match(const regex_t *regex, struct slice name, regmatch_t *hits, size_t count);

#endif
