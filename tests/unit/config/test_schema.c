// SPDX-License-Identifier: MIT
//
// schema: the table agrees with itself.
#include "config/schema.h"
#include "config/suggest.h"

#include <limits.h>
#include <stdio.h>

#include "config/load.h"
#include "config/print.h"
#include "testing.h"

/* Where a row's value is in a configuration with an entry in each scope. */
static const void *member(const struct config *c, const struct key *key)
{
    const void *base[SCOPES] = {
        [SCOPE_TOP] = c,
        [SCOPE_SERVER] = &c->servers[0],
        [SCOPE_USER] = &c->users[0],
        [SCOPE_TENANT] = &c->defaults,
        [SCOPE_PROVIDER] = &c->secrets.providers[0],
    };

    return (const char *)base[key->scope] + key->offset;
}

START_TEST(a_default_prints_as_it_is_written)
{
    static const char text[] = "servers: {main: {}}\nusers: {a: {password: x}}\n"
                               "secrets: {providers: {files: {}}}\n";
    struct config_faults faults = {0};
    const struct config *c = NULL;

    ck_assert_int_eq(config_parse("f", slice_str(text), &c, &faults), 0);

    for (size_t i = 0; i < schema_key_count; i++) {
        const struct key *key = &schema_keys[i];
        struct buf out = {0};
        if (key->fallback != NULL && strcmp(key->path, "auth.query.sql") != 0) {
            print_value(&out, key, member(c, key), PRINT_HIDDEN);
            buf_append_u8(&out, 0);
            const char *printed = (const char *)out.p;
            bool quoted = printed[0] == '"' && key->fallback[0] != '"';
            size_t n = strlen(printed);
            ck_assert_msg(quoted ? strncmp(printed + 1, key->fallback, n - 2) == 0
                                 : strcmp(printed, key->fallback) == 0,
                          "%s: %s", key->path, printed);
        }
        buf_release(&out);
    }
    config_unref(c);
    config_faults_fini(&faults);
}
END_TEST

START_TEST(each_row_is_complete)
{
    for (size_t i = 0; i < schema_key_count; i++) {
        const struct key *key = &schema_keys[i];
        bool value = key->type != KEY_SECTION && key->type != KEY_NAMED;

        ck_assert_msg(key->help != NULL && key->help[strlen(key->help) - 1] == '.', "%s",
                      key->path);
        ck_assert_msg(!value || key->fallback != NULL || key->example != NULL, "%s", key->path);
        ck_assert_msg(key->type != KEY_CHOICE || key->choices != NULL, "%s", key->path);
        ck_assert_msg(key->type != KEY_INT || (key->max > 0 && key->max <= INT_MAX), "%s",
                      key->path);
        ck_assert_ptr_eq(schema_find(key->scope, key->path), key); /* and stands once */
    }
}
END_TEST

START_TEST(each_row_stands_in_a_section_before_it)
{
    for (size_t i = 0; i < schema_key_count; i++) {
        const struct key *key = &schema_keys[i];
        char section[64];
        size_t n = (size_t)(schema_leaf(key) - key->path);

        (void)snprintf(section, sizeof section, "%.*s", n == 0 ? 0 : (int)n - 1, key->path);
        const struct key *parent = schema_find(key->scope, section);
        ck_assert_msg(n == 0 || (parent != NULL && parent->type == KEY_SECTION && parent < key),
                      "%s", key->path);
        ck_assert(schema_in_section(key, key->scope, section));
    }
}
END_TEST

START_TEST(distance_counts_single_edits)
{
    ck_assert_int_eq(suggest_distance("port", "port"), 0);
    ck_assert_int_eq(suggest_distance("Port", "port"), 0);
    ck_assert_int_eq(suggest_distance("prot", "port"), 1);
    ck_assert_int_eq(suggest_distance("por", "port"), 1);
    ck_assert_int_eq(suggest_distance("", "port"), 4);
    ck_assert_int_eq(suggest_distance("kitten", "sitting"), 3);
}
END_TEST

START_TEST(only_a_near_key_of_the_section_is_suggested)
{
    ck_assert_str_eq(suggest_key(SCOPE_TENANT, "pool", "siez"), "size");
    ck_assert_str_eq(suggest_key(SCOPE_TENANT, "", "stategy"), "strategy");
    ck_assert_ptr_null(suggest_key(SCOPE_TENANT, "", "idle_timeout"));
    ck_assert_ptr_null(suggest_key(SCOPE_TOP, "", "frobnicate"));
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("config.schema");
    TCase *tc = tcase_create("schema");

    tcase_add_test(tc, a_default_prints_as_it_is_written);
    tcase_add_test(tc, each_row_is_complete);
    tcase_add_test(tc, each_row_stands_in_a_section_before_it);
    tcase_add_test(tc, distance_counts_single_edits);
    tcase_add_test(tc, only_a_near_key_of_the_section_is_suggested);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
