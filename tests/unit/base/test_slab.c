// SPDX-License-Identifier: MIT
#include "base/slab.h"

#include "testing.h"

#include <stdalign.h>

enum { MANY = 5000 }; /* more than one chunk of 40 bytes each */

struct object {
    char bytes[40];
};

static struct slab slab;

static void set_up(void)
{
    slab_init(&slab, sizeof(struct object));
}

static void tear_down(void)
{
    slab_fini(&slab);
}

static bool is_clear(const struct object *o)
{
    static const struct object zero;
    return memcmp(o, &zero, sizeof zero) == 0;
}

START_TEST(an_object_comes_cleared)
{
    struct object *o = slab_alloc(&slab);

    ck_assert(is_clear(o));
    slab_free(&slab, o);
}
END_TEST

START_TEST(a_recycled_object_comes_cleared)
{
    struct object *first = slab_alloc(&slab);
    memset(first, 0xff, sizeof *first);
    slab_free(&slab, first);

    struct object *second = slab_alloc(&slab);

    ck_assert(is_clear(second));
    slab_free(&slab, second);
}
END_TEST

START_TEST(objects_in_use_are_counted)
{
    struct object *first = slab_alloc(&slab);
    struct object *second = slab_alloc(&slab);
    ck_assert_uint_eq(slab.live, 2);

    slab_free(&slab, first);
    ck_assert_uint_eq(slab.live, 1);
    slab_free(&slab, second);

    ck_assert_uint_eq(slab.live, 0);
}
END_TEST

START_TEST(many_objects_do_not_overlap)
{
    static struct object *objects[MANY];

    for (int i = 0; i < MANY; i++) {
        objects[i] = slab_alloc(&slab);
        memset(objects[i], i % 251 + 1, sizeof *objects[i]);
    }

    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq((uint8_t)objects[i]->bytes[0], i % 251 + 1);
        ck_assert_int_eq((uint8_t)objects[i]->bytes[39], i % 251 + 1);
        slab_free(&slab, objects[i]);
    }
}
END_TEST

START_TEST(objects_are_aligned_for_any_type)
{
    struct slab odd;
    slab_init(&odd, 17);

    void *first = slab_alloc(&odd);
    void *second = slab_alloc(&odd);

    ck_assert_uint_eq((uintptr_t)first % alignof(max_align_t), 0);
    ck_assert_uint_eq((uintptr_t)second % alignof(max_align_t), 0);
    slab_free(&odd, first);
    slab_free(&odd, second);
    slab_fini(&odd);
}
END_TEST

START_TEST(an_object_may_be_larger_than_a_chunk)
{
    struct slab large;
    slab_init(&large, 100000);

    char *o = slab_alloc(&large);
    memset(o, 1, 100000);

    slab_free(&large, o);
    slab_fini(&large);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("base.slab");
    TCase *tcase = tcase_create("slab");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, an_object_comes_cleared);
    tcase_add_test(tcase, a_recycled_object_comes_cleared);
    tcase_add_test(tcase, objects_in_use_are_counted);
    tcase_add_test(tcase, many_objects_do_not_overlap);
    tcase_add_test(tcase, objects_are_aligned_for_any_type);
    tcase_add_test(tcase, an_object_may_be_larger_than_a_chunk);
    suite_add_tcase(suite, tcase);
    return suite;
}

TEST_MAIN(make_suite)
