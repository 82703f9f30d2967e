// SPDX-License-Identifier: MIT
#include "base/list.h"

#include "testing.h"

struct item {
    char name;
    struct list node;
};

static struct list head;
static struct item a;
static struct item b;
static struct item c;

static void set_up(void)
{
    a.name = 'a';
    b.name = 'b';
    c.name = 'c';
    list_init(&head);
    list_init(&a.node);
    list_init(&b.node);
    list_init(&c.node);
}

/* The names in the list from head to tail, and its links checked on the way. */
static const char *names(struct list *list)
{
    static char text[8];
    size_t n = 0;

    list_each_safe (node, tmp, list) {
        ck_assert_ptr_eq(node->next->prev, node);
        ck_assert_ptr_eq(node->prev->next, node);
        ck_assert_uint_lt(n, sizeof text - 1);
        text[n++] = container_of(node, struct item, node)->name;
    }
    text[n] = '\0';
    return text;
}

START_TEST(a_new_list_is_empty)
{
    ck_assert(list_empty(&head));
    ck_assert_ptr_null(list_head(&head));
    ck_assert_ptr_null(list_tail(&head));
    ck_assert_ptr_null(list_pop_head(&head));
}
END_TEST

START_TEST(nodes_are_pushed_at_both_ends)
{
    list_push_tail(&head, &b.node);
    list_push_tail(&head, &c.node);
    list_push_head(&head, &a.node);

    ck_assert_str_eq(names(&head), "abc");
    ck_assert_ptr_eq(list_head(&head), &a.node);
    ck_assert_ptr_eq(list_tail(&head), &c.node);
}
END_TEST

START_TEST(popping_takes_the_head_out)
{
    list_push_tail(&head, &a.node);
    list_push_tail(&head, &b.node);

    ck_assert_ptr_eq(list_pop_head(&head), &a.node);

    ck_assert_str_eq(names(&head), "b");
    ck_assert(list_empty(&a.node));
}
END_TEST

START_TEST(a_node_is_removed_from_the_middle)
{
    list_push_tail(&head, &a.node);
    list_push_tail(&head, &b.node);
    list_push_tail(&head, &c.node);

    list_remove(&b.node);

    ck_assert_str_eq(names(&head), "ac");
}
END_TEST

START_TEST(removing_twice_is_removing_once)
{
    list_push_tail(&head, &a.node);
    list_push_tail(&head, &b.node);

    list_remove(&a.node);
    list_remove(&a.node);

    ck_assert_str_eq(names(&head), "b");
    ck_assert(list_empty(&a.node));
}
END_TEST

START_TEST(a_node_in_a_list_is_not_empty)
{
    ck_assert(list_empty(&a.node));

    list_push_tail(&head, &a.node);

    ck_assert(!list_empty(&a.node));
}
END_TEST

START_TEST(the_node_under_the_loop_may_be_removed)
{
    list_push_tail(&head, &a.node);
    list_push_tail(&head, &b.node);
    list_push_tail(&head, &c.node);

    list_each_safe (node, tmp, &head) {
        if (node != &c.node) {
            list_remove(node);
        }
    }

    ck_assert_str_eq(names(&head), "c");
}
END_TEST

START_TEST(splicing_moves_all_behind_the_tail)
{
    struct list from;
    list_init(&from);
    list_push_tail(&head, &a.node);
    list_push_tail(&from, &b.node);
    list_push_tail(&from, &c.node);

    list_splice_tail(&head, &from);

    ck_assert_str_eq(names(&head), "abc");
    ck_assert(list_empty(&from));
}
END_TEST

START_TEST(splicing_an_empty_list_changes_nothing)
{
    struct list from;
    list_init(&from);
    list_push_tail(&head, &a.node);

    list_splice_tail(&head, &from);

    ck_assert_str_eq(names(&head), "a");
    ck_assert(list_empty(&from));
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("base.list");
    TCase *tcase = tcase_create("list");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, a_new_list_is_empty);
    tcase_add_test(tcase, nodes_are_pushed_at_both_ends);
    tcase_add_test(tcase, popping_takes_the_head_out);
    tcase_add_test(tcase, a_node_is_removed_from_the_middle);
    tcase_add_test(tcase, removing_twice_is_removing_once);
    tcase_add_test(tcase, a_node_in_a_list_is_not_empty);
    tcase_add_test(tcase, the_node_under_the_loop_may_be_removed);
    tcase_add_test(tcase, splicing_moves_all_behind_the_tail);
    tcase_add_test(tcase, splicing_an_empty_list_changes_nothing);
    suite_add_tcase(suite, tcase);
    return suite;
}

TEST_MAIN(make_suite)
