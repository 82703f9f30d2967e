// SPDX-License-Identifier: MIT
//
// The values that are maps or lists of their own: settings, login, rules that find a tenant.
#include "config/decode.h"

#include <stdlib.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "config/pattern.h"
#include "config/suggest.h"

static void remove_setting(struct setting *items, size_t *count, size_t at)
{
    memmove(&items[at], &items[at + 1], (*count - at - 1) * sizeof *items);
    (*count)--;
}

static size_t find_setting(const struct setting *items, size_t count, const char *name)
{
    size_t i = 0;

    while (i < count && strcasecmp(items[i].name, name) != 0) {
        i++;
    }
    return i;
}

static bool check_setting(struct decoder *d, const struct spot *spot, const struct node_entry *e)
{
    if (!pattern_is_setting(e->key->text) || strlen(e->key->text) > LIMIT_NAME) {
        decode_fault(d, spot, e->key, "\"%s\" cannot be a setting's name", e->key->text);
        return false;
    }
    return node_is_null(e->value) || decode_text(d, spot, e->value, "a text") != NULL;
}

/* Puts one setting over those inherited; null takes it out. */
static void merge_setting(struct decoder *d, const struct node_entry *e, struct setting *items,
                          size_t *count)
{
    size_t at = find_setting(items, *count, e->key->text);

    if (node_is_null(e->value)) {
        if (at < *count) {
            remove_setting(items, count, at);
        }
        return;
    }
    items[at] = (struct setting){
        .name = arena_string(d->arena, slice_str(e->key->text)),
        .value = arena_string(d->arena, slice_str(e->value->text)),
    };
    *count += at == *count ? 1 : 0;
}

/* Settings are few, but a hostile file may name very many: the search is quadratic. */
static bool too_many(struct decoder *d, const struct spot *spot, size_t count)
{
    if (count <= LIMIT_CONTEXT_SETTINGS / 2) {
        return false;
    }
    decode_fault(d, spot, spot->node, "more than %d settings", LIMIT_CONTEXT_SETTINGS / 2);
    return true;
}

void decode_settings(struct decoder *d, const struct spot *spot)
{
    struct settings *to = spot->to;
    const struct node *map = spot->node;
    size_t count = to->count;

    if (node_is_null(map)) {
        return;
    }
    if (map->kind != NODE_MAP) {
        decode_fault(d, spot, map, "must be a map from names to values");
        return;
    }
    if (too_many(d, spot, map->count)) {
        return;
    }
    struct setting *items = arena_alloc(d->arena, (count + map->count) * sizeof *items);
    if (count > 0) {
        memcpy(items, to->items, count * sizeof *items);
    }
    for (size_t i = 0; i < map->count; i++) {
        if (check_setting(d, spot, &map->entries[i])) {
            merge_setting(d, &map->entries[i], items, &count);
        }
    }
    if (!too_many(d, spot, count)) {
        *to = (struct settings){.items = count == 0 ? NULL : items, .count = count};
    }
}

static void read_login_user(struct decoder *d, const struct spot *spot, const struct node *node,
                            struct login_config *login)
{
    const char *text = decode_text(d, spot, node, "a user's name");
    struct problem problem;

    if (text == NULL) {
        return;
    }
    if (text[0] == '\0') {
        decode_fault(d, spot, node, "user must not be empty");
    } else if (!pattern_check(text, PLACE_TENANT, &problem)) {
        decode_fault(d, spot, node, "%s", problem.text);
    } else {
        login->user = arena_string(d->arena, slice_str(text));
    }
}

static void read_login_password(struct decoder *d, const struct spot *spot, const struct node *node,
                                struct login_config *login)
{
    char *path = x_printf("%s.password", decode_path(d, spot));

    decode_secret(d, path, node, &login->password);
    free(path);
}

static void decode_fixed_login(struct decoder *d, const struct spot *spot)
{
    struct login_config login = {.kind = LOGIN_FIXED};

    for (size_t i = 0; i < spot->node->count; i++) {
        const struct node_entry *e = &spot->node->entries[i];
        if (strcmp(e->key->text, "user") == 0) {
            read_login_user(d, spot, e->value, &login);
        } else if (strcmp(e->key->text, "password") == 0) {
            read_login_password(d, spot, e->value, &login);
        } else {
            decode_fault(d, spot, e->key, "unknown key \"%s\", only user and password",
                         e->key->text);
        }
    }
    if (node_get(spot->node, "user") == NULL) {
        decode_fault(d, spot, spot->node, "needs a user");
    }
    if (login.user != NULL) {
        *(struct login_config *)spot->to = login;
    }
}

void decode_login(struct decoder *d, const struct spot *spot)
{
    struct login_config *to = spot->to;

    if (spot->node->kind == NODE_MAP) {
        decode_fixed_login(d, spot);
        return;
    }
    const char *text = decode_text(d, spot, spot->node, "client, tenant, or a map with user");
    if (text == NULL) {
        return;
    }
    if (strcmp(text, "client") == 0) {
        *to = (struct login_config){.kind = LOGIN_CLIENT};
    } else if (strcmp(text, "tenant") == 0) {
        *to = (struct login_config){.kind = LOGIN_TENANT};
    } else {
        decode_fault(d, spot, spot->node, "\"%s\" is none of client, tenant, {user: NAME, ...}",
                     text);
    }
}

struct rule_name {
    const char *name;
    enum rule_kind kind;
    unsigned own; /* the placeholder that stands for what is left */
};

static const struct rule_name rule_names[] = {
    {"parameter", RULE_PARAMETER, 0},
    {"user", RULE_USER, PLACE_USER},
    {"database", RULE_DATABASE, PLACE_DATABASE},
    {"sni", RULE_SNI, 0},
    {"application_name", RULE_APPLICATION_NAME, PLACE_APPLICATION},
    {"certificate", RULE_CERTIFICATE, 0},
};

enum { RULE_NAMES = sizeof rule_names / sizeof rule_names[0] };

static const struct rule_name *find_rule(struct decoder *d, const struct spot *spot,
                                         const struct node *key)
{
    const char *meant = NULL;

    for (size_t i = 0; i < RULE_NAMES; i++) {
        if (strcmp(key->text, rule_names[i].name) == 0) {
            return &rule_names[i];
        }
        if (meant == NULL && suggest_is_slip(key->text, rule_names[i].name)) {
            meant = rule_names[i].name;
        }
    }
    decode_fault(d, spot, key, "unknown rule \"%s\"%s%s%s", key->text,
                 meant == NULL ? "" : ", did you mean \"", meant == NULL ? "" : meant,
                 meant == NULL ? "" : "\"?");
    return NULL;
}

/* What the start of a session already means by a name cannot also name its tenant. */
static bool is_session_parameter(const char *text)
{
    static const char *const names[] = {"user", "database", "options", "replication"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcasecmp(text, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool check_rule(const struct rule_name *rule, const char *text, struct problem *problem)
{
    switch (rule->kind) {
    case RULE_PARAMETER:
        if (pattern_is_setting(text) && !is_session_parameter(text)) {
            return true;
        }
        *problem = (struct problem){"cannot be the name of a parameter that names a tenant"};
        return false;
    case RULE_CERTIFICATE:
        if (strcmp(text, "cn") == 0 || strcmp(text, "san") == 0) {
            return true;
        }
        *problem = (struct problem){"cn, the certificate's common name, or san, the names of hosts "
                                    "in it, can name a tenant"};
        return false;
    case RULE_USER:
    case RULE_DATABASE:
    case RULE_SNI:
    case RULE_APPLICATION_NAME:
        break;
    }
    return pattern_check_rule(text, rule->own, problem);
}

static bool read_rule(struct decoder *d, const struct spot *spot, const struct node *node,
                      struct resolve_rule *to)
{
    struct problem problem;

    if (node->kind != NODE_MAP || node->count != 1) {
        decode_fault(d, spot, node, "a rule is one key and its pattern, as user: \"{tenant}\"");
        return false;
    }
    const struct rule_name *rule = find_rule(d, spot, node->entries[0].key);
    const char *text = decode_text(d, spot, node->entries[0].value, "a text");
    if (rule == NULL || text == NULL) {
        return false;
    }
    if (!check_rule(rule, text, &problem)) {
        decode_fault(d, spot, node->entries[0].value, "%s: %s", rule->name, problem.text);
        return false;
    }
    *to = (struct resolve_rule){.kind = rule->kind,
                                .pattern = arena_string(d->arena, slice_str(text))};
    return true;
}

void decode_rules(struct decoder *d, const struct spot *spot)
{
    const struct node *list = spot->node;
    struct resolve_rules *to = spot->to;
    size_t good = 0;

    if (list->kind != NODE_LIST) {
        decode_fault(d, spot, list, "must be a list of rules");
        return;
    }
    struct resolve_rule *items = arena_alloc(d->arena, list->count * sizeof *items);
    for (size_t i = 0; i < list->count; i++) {
        good += read_rule(d, spot, list->entries[i].value, &items[good]) ? 1 : 0;
    }
    *to = (struct resolve_rules){.items = good == 0 ? NULL : items, .count = good};
}

/* One of the two files of a pair. */
static bool read_pair_file(struct decoder *d, const struct spot *spot, const struct node *map,
                           const char *name, const char **to)
{
    const struct node *node = node_get(map, name);
    const char *text = node == NULL ? NULL : decode_text(d, spot, node, "a path");

    if (node == NULL) {
        decode_fault(d, spot, map, "needs a %s", name);
    }
    if (text == NULL) {
        return false;
    }
    if (text[0] == '\0') {
        decode_fault(d, spot, node, "%s must not be empty", name);
        return false;
    }
    *to = decode_file_path(d, text);
    return true;
}

static bool read_pair(struct decoder *d, const struct spot *spot, const struct node *map,
                      struct certificate_config *to)
{
    if (map->kind != NODE_MAP) {
        decode_fault(d, spot, map, "must be a map with certificate and key");
        return false;
    }
    for (size_t i = 0; i < map->count; i++) {
        const char *name = map->entries[i].key->text;
        if (strcmp(name, "certificate") != 0 && strcmp(name, "key") != 0) {
            decode_fault(d, spot, map->entries[i].key,
                         "unknown key \"%s\", only certificate and key", name);
            return false;
        }
    }
    bool certificate = read_pair_file(d, spot, map, "certificate", &to->certificate);
    return read_pair_file(d, spot, map, "key", &to->key) && certificate;
}

void decode_pairs(struct decoder *d, const struct spot *spot)
{
    const struct node *list = spot->node;
    struct certificates *to = spot->to;
    size_t good = 0;

    if (list->kind != NODE_LIST) {
        decode_fault(d, spot, list, "must be a list of maps with certificate and key");
        return;
    }
    struct certificate_config *items = arena_alloc(d->arena, list->count * sizeof *items);
    for (size_t i = 0; i < list->count; i++) {
        good += read_pair(d, spot, list->entries[i].value, &items[good]) ? 1 : 0;
    }
    *to = (struct certificates){.items = good == 0 ? NULL : items, .count = good};
}
