// SPDX-License-Identifier: MIT
#include "auth/name_match.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/glob.h"

bool name_regex_compile(regex_t *regex, const char *pattern, const struct rule_token *at,
                        struct rule_faults *faults)
{
    char why[200];
    int rc = regcomp(regex, pattern, REG_EXTENDED);

    if (rc != 0) {
        (void)regerror(rc, regex, why, sizeof why);
        rule_fault(faults, at, "not a regular expression: \"%s\": %s", pattern, why);
    }
    return rc == 0;
}

bool name_regex_match(const regex_t *regex, struct slice name, regmatch_t *hits, size_t count)
{
    regmatch_t whole[1];
    regmatch_t *at = count > 0 ? hits : whole;

    /* Not terminated: REG_STARTEND says where the text ends. */
    at[0] = (regmatch_t){.rm_so = 0, .rm_eo = (regoff_t)name.n};
    return regexec(regex, name.n == 0 ? "" : (const char *)name.p, count > 0 ? count : 1, at,
                   REG_STARTEND) == 0;
}

static struct name_match *add(struct name_list *list, enum name_kind kind, const char *text)
{
    list->items = x_realloc(list->items, (list->count + 1) * sizeof *list->items);
    struct name_match *match = &list->items[list->count++];

    *match = (struct name_match){.kind = kind};
    if (text != NULL) {
        match->text = x_strdup(text);
    }
    return match;
}

static void add_regex(struct name_list *list, const char *pattern, const struct rule_token *at,
                      struct rule_faults *faults)
{
    regex_t regex;

    if (name_regex_compile(&regex, pattern, at, faults)) {
        add(list, NAME_REGEX, NULL)->regex = regex;
    }
}

/* In both fields a slash begins a regular expression, in quotes too; keywords are never in quotes.
 */
static bool add_common(struct name_list *list, const struct rule_token *token,
                       struct rule_faults *faults)
{
    if (token->text[0] == '/') {
        add_regex(list, token->text + 1, token, faults);
    } else if (rule_token_is(token, "all")) {
        (void)add(list, NAME_ALL, NULL);
    } else {
        return false;
    }
    return true;
}

void name_list_databases(struct name_list *list, const struct rule_field *field,
                         struct rule_faults *faults)
{
    for (size_t i = 0; i < field->count; i++) {
        const struct rule_token *token = &field->tokens[i];
        if (add_common(list, token, faults)) {
            continue;
        }
        if (rule_token_is(token, "sameuser")) {
            (void)add(list, NAME_SAME_USER, NULL);
        } else if (rule_token_is(token, "samerole") || rule_token_is(token, "samegroup")) {
            (void)add(list, NAME_SAME_ROLE, NULL);
        } else if (rule_token_is(token, "replication")) {
            (void)add(list, NAME_REPLICATION, NULL);
        } else {
            (void)add(list, NAME_EXACT, token->text);
        }
    }
}

void name_list_users(struct name_list *list, const struct rule_field *field,
                     struct rule_faults *faults)
{
    for (size_t i = 0; i < field->count; i++) {
        const struct rule_token *token = &field->tokens[i];
        if (add_common(list, token, faults)) {
            continue;
        }
        if (!token->quoted && token->text[0] == '+') {
            (void)add(list, NAME_MEMBER, token->text + 1);
        } else {
            (void)add(list, NAME_EXACT, token->text);
        }
    }
}

void name_list_add_tenant(struct name_list *list, struct slice pattern, const struct rule_token *at,
                          struct rule_faults *faults)
{
    char *text = x_strndup(pattern);

    if (text[0] == '/') {
        add_regex(list, text + 1, at, faults);
    } else if (text[0] == '\0') {
        rule_fault(faults, at, "tenant= names no tenant");
    } else {
        (void)add(list, NAME_GLOB, text);
    }
    free(text);
}

void name_list_fini(struct name_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].text);
        if (list->items[i].kind == NAME_REGEX) {
            regfree(&list->items[i].regex);
        }
    }
    free(list->items);
    *list = (struct name_list){0};
}

bool name_list_asks_roles(const struct name_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].kind == NAME_MEMBER || list->items[i].kind == NAME_SAME_ROLE) {
            return true;
        }
    }
    return false;
}

static enum name_answer is_member(struct slice role, const struct role_list *roles)
{
    if (roles == NULL) {
        return NAME_UNKNOWN;
    }
    for (size_t i = 0; i < roles->count; i++) {
        if (slice_eq_str(role, roles->names[i])) {
            return NAME_YES;
        }
    }
    return NAME_NO;
}

static enum name_answer yes_if(bool is)
{
    return is ? NAME_YES : NAME_NO;
}

/* One entry against a name, which is the user's where it is not a database's. */
static enum name_answer match_one(const struct name_match *match, struct slice name,
                                  struct slice user, const struct role_list *roles)
{
    switch (match->kind) {
    case NAME_ALL:
        return NAME_YES;
    case NAME_EXACT:
        return yes_if(slice_eq_str(name, match->text));
    case NAME_GLOB:
        return yes_if(glob_match(slice_str(match->text), name));
    case NAME_REGEX:
        return yes_if(name_regex_match(&match->regex, name, NULL, 0));
    case NAME_MEMBER:
        return is_member(slice_str(match->text), roles);
    case NAME_SAME_USER:
        return yes_if(slice_eq(name, user));
    case NAME_SAME_ROLE:
        return is_member(name, roles);
    case NAME_REPLICATION:
        break;
    }
    return NAME_NO;
}

/* Yes where one fits for sure; unknown where one might. */
static enum name_answer match_any(const struct name_list *list, struct slice name,
                                  struct slice user, const struct role_list *roles)
{
    enum name_answer answer = NAME_NO;

    for (size_t i = 0; i < list->count; i++) {
        enum name_answer one = match_one(&list->items[i], name, user, roles);
        if (one == NAME_YES) {
            return NAME_YES;
        }
        answer = one == NAME_UNKNOWN ? NAME_UNKNOWN : answer;
    }
    return answer;
}

enum name_answer name_match_user(const struct name_list *list, struct slice user,
                                 const struct role_list *roles)
{
    return match_any(list, user, user, roles);
}

enum name_answer name_match_database(const struct name_list *list, struct slice database,
                                     struct slice user, const struct role_list *roles)
{
    return match_any(list, database, user, roles);
}

bool name_match_tenant(const struct name_list *list, struct slice tenant)
{
    return tenant.n > 0 && match_any(list, tenant, SLICE_EMPTY, NULL) == NAME_YES;
}
