// SPDX-License-Identifier: MIT
#include "config/print.h"

#include <string.h>
#include <strings.h>

#include "config/config.h"
#include "config/units.h"

static void put(struct buf *out, const char *text)
{
    buf_append(out, text, strlen(text));
}

/* Words that YAML reads as something else, or that do not look like a word. */
static bool is_plain(const char *text)
{
    static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                               "_./$-";
    size_t n = strspn(text, safe);

    return n > 0 && text[n] == '\0' && text[0] != '-' && strcasecmp(text, "null") != 0;
}

void print_word(struct buf *out, const char *text)
{
    if (is_plain(text)) {
        put(out, text);
        return;
    }
    buf_append_u8(out, '"');
    for (const char *p = text; *p != '\0'; p++) {
        if ((unsigned char)*p < ' ') {
            buf_printf(out, "\\x%02x", (unsigned)*p);
            continue;
        }
        if (*p == '"' || *p == '\\') {
            buf_append_u8(out, '\\');
        }
        buf_append(out, p, 1);
    }
    buf_append_u8(out, '"');
}

static void print_strings(struct buf *out, const struct strings *list)
{
    put(out, "[");
    for (size_t i = 0; i < list->count; i++) {
        put(out, i == 0 ? "" : ", ");
        print_word(out, list->items[i]);
    }
    put(out, "]");
}

/* Arguments of a program may be secret, its path is not. */
static void print_exec(struct buf *out, const struct secret_ref *ref, enum print_secrets secrets)
{
    put(out, "{exec: ");
    if (secrets == PRINT_BARE) {
        print_strings(out, &ref->argv);
    } else {
        put(out, "[");
        print_word(out, ref->argv.items[0]);
        put(out, ref->argv.count > 1 ? ", ...]" : "]");
    }
    put(out, "}");
}

static void print_store(struct buf *out, const struct secret_ref *ref)
{
    put(out, "{store: ");
    print_word(out, ref->provider->name);
    put(out, ", id: ");
    print_word(out, ref->value);
    if (ref->field != NULL) {
        put(out, ", key: ");
        print_word(out, ref->field);
    }
    put(out, "}");
}

static void print_secret(struct buf *out, const struct secret_ref *ref, enum print_secrets secrets)
{
    switch (ref->kind) {
    case SECRET_NONE:
        put(out, "null");
        return;
    case SECRET_TEXT:
        if (secrets == PRINT_BARE) {
            print_word(out, ref->value);
        } else {
            put(out, "\"********\"");
        }
        return;
    case SECRET_ENV:
    case SECRET_FILE:
        put(out, ref->kind == SECRET_ENV ? "{env: " : "{file: ");
        print_word(out, ref->value);
        put(out, "}");
        return;
    case SECRET_EXEC:
        print_exec(out, ref, secrets);
        return;
    case SECRET_STORE:
        print_store(out, ref);
        return;
    case SECRET_KINDS:
        return;
    }
}

static void print_settings(struct buf *out, const struct settings *settings)
{
    put(out, "{");
    for (size_t i = 0; i < settings->count; i++) {
        put(out, i == 0 ? "" : ", ");
        print_word(out, settings->items[i].name);
        put(out, ": ");
        print_word(out, settings->items[i].value);
    }
    put(out, "}");
}

static void print_login(struct buf *out, const struct login_config *login,
                        enum print_secrets secrets)
{
    switch (login->kind) {
    case LOGIN_CLIENT:
        put(out, "client");
        return;
    case LOGIN_TENANT:
        put(out, "tenant");
        return;
    case LOGIN_FIXED:
        put(out, "{user: ");
        print_word(out, login->user);
        put(out, ", password: ");
        print_secret(out, &login->password, secrets);
        put(out, "}");
        return;
    }
}

static const char *rule_word(enum rule_kind kind)
{
    switch (kind) {
    case RULE_PARAMETER:
        return "parameter";
    case RULE_USER:
        return "user";
    case RULE_DATABASE:
        return "database";
    case RULE_SNI:
        return "sni";
    case RULE_APPLICATION_NAME:
        return "application_name";
    case RULE_CERTIFICATE:
        return "certificate";
    }
    return "";
}

static void print_rules(struct buf *out, const struct resolve_rules *rules)
{
    put(out, "[");
    for (size_t i = 0; i < rules->count; i++) {
        buf_printf(out, "%s{%s: ", i == 0 ? "" : ", ", rule_word(rules->items[i].kind));
        print_word(out, rules->items[i].pattern);
        put(out, "}");
    }
    put(out, "]");
}

static void print_pairs(struct buf *out, const struct certificates *pairs)
{
    put(out, "[");
    for (size_t i = 0; i < pairs->count; i++) {
        buf_printf(out, "%s{certificate: ", i == 0 ? "" : ", ");
        print_word(out, pairs->items[i].certificate);
        put(out, ", key: ");
        print_word(out, pairs->items[i].key);
        put(out, "}");
    }
    put(out, "]");
}

static void print_int(struct buf *out, const struct key *key, int value)
{
    if (value == 0 && key->zero != NULL) {
        put(out, key->zero);
    } else {
        buf_printf(out, "%d", value);
    }
}

static void print_text(struct buf *out, const char *text)
{
    if (text == NULL) {
        put(out, "null");
    } else {
        print_word(out, text);
    }
}

void print_value(struct buf *out, const struct key *key, const void *from,
                 enum print_secrets secrets)
{
    switch (key->type) {
    case KEY_SECTION:
    case KEY_NAMED:
        return;
    case KEY_INT:
        print_int(out, key, *(const int *)from);
        return;
    case KEY_TIME:
        units_print_time(out, *(const int64_t *)from);
        return;
    case KEY_SIZE:
        units_print_size(out, *(const int64_t *)from);
        return;
    case KEY_BOOL:
        put(out, *(const bool *)from ? "true" : "false");
        return;
    case KEY_CHOICE:
        put(out, key->choices[*(const int *)from]);
        return;
    case KEY_TEXT:
    case KEY_NAME:
    case KEY_PATH:
        print_text(out, *(const char *const *)from);
        return;
    case KEY_STRINGS:
        print_strings(out, from);
        return;
    case KEY_SECRET:
        print_secret(out, from, secrets);
        return;
    case KEY_SETTINGS:
        print_settings(out, from);
        return;
    case KEY_LOGIN:
        print_login(out, from, secrets);
        return;
    case KEY_RULES:
        print_rules(out, from);
        return;
    case KEY_PAIRS:
        print_pairs(out, from);
        return;
    }
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Lists and maps are compared as they would be written. */
static bool same_print(const struct key *key, const void *a, const void *b)
{
    struct buf left = {0};
    struct buf right = {0};

    print_value(&left, key, a, PRINT_BARE);
    print_value(&right, key, b, PRINT_BARE);
    bool same = slice_eq(buf_slice(&left), buf_slice(&right));
    buf_release_secret(&left);
    buf_release_secret(&right);
    return same;
}

bool print_same(const struct key *key, const void *a, const void *b)
{
    switch (key->type) {
    case KEY_SECTION:
    case KEY_NAMED:
        return true;
    case KEY_INT:
    case KEY_CHOICE:
        return *(const int *)a == *(const int *)b;
    case KEY_TIME:
    case KEY_SIZE:
        return *(const int64_t *)a == *(const int64_t *)b;
    case KEY_BOOL:
        return *(const bool *)a == *(const bool *)b;
    case KEY_TEXT:
    case KEY_NAME:
    case KEY_PATH:
        return same_text(*(const char *const *)a, *(const char *const *)b);
    case KEY_STRINGS:
    case KEY_SECRET:
    case KEY_SETTINGS:
    case KEY_LOGIN:
    case KEY_RULES:
    case KEY_PAIRS:
        break;
    }
    return same_print(key, a, b);
}
