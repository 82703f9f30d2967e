// SPDX-License-Identifier: MIT
#include "base/fair.h"

#include "testing.h"

struct item {
    struct list node;
    struct fair_lane *lane;
    char name;
};

static struct fair fair;
static struct item items[8];
static size_t count;

static void set_up(void)
{
    fair_init(&fair, 1);
    count = 0;
}

static struct item *push(const char *lane, char name)
{
    struct item *item = &items[count++];

    *item = (struct item){.name = name};
    item->lane = fair_push(&fair, slice_str(lane), &item->node);
    return item;
}

static struct item *take(void)
{
    struct list *node = fair_take(&fair);

    return node == NULL ? NULL : container_of(node, struct item, node);
}

/* The names in the order in which they are taken, each done at once. */
static const char *all(void)
{
    static char names[sizeof items / sizeof *items + 1];
    size_t n = 0;

    for (struct item *item = take(); item != NULL; item = take()) {
        fair_done(item->lane);
        names[n++] = item->name;
    }
    names[n] = '\0';
    return names;
}

START_TEST(lanes_take_turns_and_each_is_in_order)
{
    push("a", '1');
    push("a", '2');
    push("a", '3');
    push("b", '4');
    push("", '5');

    ck_assert_str_eq(all(), "14523");
    ck_assert(fair_empty(&fair));
}
END_TEST

START_TEST(a_lane_has_no_more_out_than_it_may)
{
    push("a", '1');
    push("a", '2');
    struct item *first = take();

    ck_assert(!fair_ready(&fair));
    ck_assert_ptr_null(take());
    fair_done(first->lane);
    ck_assert(fair_ready(&fair));
    ck_assert_str_eq(all(), "2");
}
END_TEST

START_TEST(who_is_removed_has_no_turn)
{
    struct item *first = push("a", '1');
    struct item *second = push("b", '2');
    push("b", '3');

    fair_remove(first->lane, &first->node);
    fair_remove(second->lane, &second->node);

    ck_assert_str_eq(all(), "3");
    ck_assert(fair_empty(&fair));
}
END_TEST

START_TEST(a_lane_lasts_as_long_as_something_is_out)
{
    push("a", '1');
    struct item *out = take();

    ck_assert(!fair_empty(&fair));
    push("a", '2');
    ck_assert_ptr_null(take());
    fair_done(out->lane);
    ck_assert_str_eq(all(), "2");
    ck_assert(fair_empty(&fair));
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("base.fair");
    TCase *tcase = tcase_create("fair");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, lanes_take_turns_and_each_is_in_order);
    tcase_add_test(tcase, a_lane_has_no_more_out_than_it_may);
    tcase_add_test(tcase, who_is_removed_has_no_turn);
    tcase_add_test(tcase, a_lane_lasts_as_long_as_something_is_out);
    suite_add_tcase(suite, tcase);
    return suite;
}

TEST_MAIN(make_suite)
