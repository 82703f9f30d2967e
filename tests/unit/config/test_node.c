// SPDX-License-Identifier: MIT
#include "config/node.h"

#include "testing.h"

static struct arena arena;
static struct config_faults faults;

static void set_up(void)
{
    arena = (struct arena){0};
    faults = (struct config_faults){0};
}

static void tear_down(void)
{
    arena_fini(&arena);
    config_faults_fini(&faults);
}

static const struct node *parse(const char *text)
{
    return node_parse(&arena, slice_str(text), &faults);
}

START_TEST(nodes_know_where_they_stand)
{
    const struct node *root = parse("a: 1\n\nb:\n  - x\n  - 'y'\n");
    const struct node *list = node_get(root, "b");

    ck_assert_int_eq(root->kind, NODE_MAP);
    ck_assert_int_eq(root->entries[1].key->line, 3);
    ck_assert_int_eq(root->entries[1].key->column, 1);
    ck_assert_int_eq(list->kind, NODE_LIST);
    ck_assert_uint_eq(list->count, 2);
    ck_assert_int_eq(list->entries[1].value->line, 5);
    ck_assert_int_eq(list->entries[1].value->column, 5);
    ck_assert(list->entries[0].value->plain);
    ck_assert(!list->entries[1].value->plain);
    ck_assert_str_eq(list->entries[1].value->text, "y");
    ck_assert_ptr_null(list->entries[1].key);
}
END_TEST

START_TEST(columns_count_characters)
{
    const struct node *root = parse("{\"\xC3\xA4\": x, b: y}\n");

    ck_assert_int_eq(root->entries[1].key->column, 10);
}
END_TEST

START_TEST(an_alias_is_the_anchored_node)
{
    const struct node *root = parse("a: &x {k: v}\nb: *x\nc: &x 2\nd: *x\n");

    ck_assert_ptr_eq(node_get(root, "b"), node_get(root, "a"));
    ck_assert_ptr_eq(node_get(root, "d"), node_get(root, "c"));
    ck_assert_uint_eq(faults.count, 0);
}
END_TEST

START_TEST(an_empty_text_is_an_empty_map)
{
    const struct node *root = parse("");

    ck_assert_int_eq(root->kind, NODE_MAP);
    ck_assert_uint_eq(root->count, 0);
}
END_TEST

START_TEST(duplicates_are_told_and_kept)
{
    const struct node *root = parse("b: 1\na: 2\nb: 3\nb: 4\n");

    ck_assert_ptr_nonnull(root);
    ck_assert_uint_eq(faults.count, 2);
    ck_assert_int_eq(faults.items[0].line, 3);
    ck_assert_str_eq(faults.items[0].text, "key \"b\" stands twice, before in line 1");
    ck_assert_int_eq(faults.items[1].line, 4);
}
END_TEST

START_TEST(a_path_leads_as_far_as_it_goes)
{
    const struct node *root = parse("a: {b: {c: 1}}\n");
    const struct node *b = node_get(node_get(root, "a"), "b");

    ck_assert_str_eq(node_find(root, "a.b.c")->text, "1");
    ck_assert_ptr_null(node_find(root, "a.x.c"));
    ck_assert_ptr_eq(node_nearest(root, "a.b.x"), b);
    ck_assert_ptr_eq(node_nearest(root, "x.y"), root);
    ck_assert_ptr_eq(node_nearest(root, "a.b.c.d"), node_find(root, "a.b.c"));
    ck_assert_ptr_null(node_get(node_find(root, "a.b.c"), "d"));
    ck_assert_ptr_null(node_get(NULL, "d"));
}
END_TEST

START_TEST(null_is_what_yaml_says_it_is)
{
    const struct node *root = parse("{a: , b: ~, c: null, d: 'null', e: '', f: {}}\n");

    ck_assert(node_is_null(node_get(root, "a")));
    ck_assert(node_is_null(node_get(root, "b")));
    ck_assert(node_is_null(node_get(root, "c")));
    ck_assert(!node_is_null(node_get(root, "d")));
    ck_assert(!node_is_null(node_get(root, "e")));
    ck_assert(!node_is_null(node_get(root, "f")));
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("config.node");
    TCase *tc = tcase_create("node");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, nodes_know_where_they_stand);
    tcase_add_test(tc, columns_count_characters);
    tcase_add_test(tc, an_alias_is_the_anchored_node);
    tcase_add_test(tc, an_empty_text_is_an_empty_map);
    tcase_add_test(tc, duplicates_are_told_and_kept);
    tcase_add_test(tc, a_path_leads_as_far_as_it_goes);
    tcase_add_test(tc, null_is_what_yaml_says_it_is);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
