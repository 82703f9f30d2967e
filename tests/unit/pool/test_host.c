// SPDX-License-Identifier: MIT
#include "pool/host.h"

#include "testing.h"

/* Pools as a host sees them: claims that count how often they were told of room. */
struct claimant {
    struct host_claim claim;
    struct host *host;
    int told;
    bool takes; /* tries again when told */
    bool has;
};

static void on_room(struct host_claim *claim)
{
    struct claimant *c = container_of(claim, struct claimant, claim);

    c->told++;
    if (c->takes) {
        c->has = host_take(c->host, &c->claim);
    }
}

static struct claimant claimant_of(struct host *host, bool takes)
{
    return (struct claimant){.claim.on_room = on_room, .host = host, .takes = takes};
}

struct desk {
    struct host *hosts;
    struct host *host;
    struct budget budget;
};

static void begin(struct desk *d, uint32_t max)
{
    *d = (struct desk){0};
    atomic_store(&d->budget.max, max);
    d->host = host_find_or_add(&d->hosts, "main", &d->budget);
}

static void end(struct desk *d)
{
    host_free_all(&d->hosts);
}

static uint32_t used(const struct desk *d)
{
    return atomic_load(&d->budget.used);
}

/* Waits for a place where all are taken. */
static void starve(struct desk *d, struct claimant *c)
{
    atomic_store(&d->budget.used, atomic_load(&d->budget.max));
    ck_assert(!host_take(d->host, &c->claim));
}

START_TEST(a_host_is_made_once_per_name)
{
    struct desk d;
    struct budget other = {0};
    begin(&d, 0);

    ck_assert_ptr_eq(host_find_or_add(&d.hosts, "main", &other), d.host);

    ck_assert_ptr_eq(d.host->budget, &d.budget);
    ck_assert_ptr_ne(host_find_or_add(&d.hosts, "replica", &other), d.host);
    end(&d);
}
END_TEST

START_TEST(as_many_as_the_budget_holds_are_taken)
{
    struct desk d;
    begin(&d, 3);
    struct claimant c = claimant_of(d.host, false);
    list_init(&c.claim.node);

    for (int i = 0; i < 3; i++) {
        ck_assert(host_take(d.host, &c.claim));
    }

    ck_assert(!host_take(d.host, &c.claim));
    ck_assert_uint_eq(used(&d), 3);
    end(&d);
}
END_TEST

START_TEST(no_limit_is_no_limit)
{
    struct desk d;
    begin(&d, 0);
    struct claimant c = claimant_of(d.host, false);
    list_init(&c.claim.node);

    for (int i = 0; i < 1000; i++) {
        ck_assert(host_take(d.host, &c.claim));
    }

    ck_assert_uint_eq(used(&d), 1000);
    end(&d);
}
END_TEST

START_TEST(what_is_given_back_goes_to_who_waits_longest)
{
    struct desk d;
    begin(&d, 1);
    struct claimant first = claimant_of(d.host, true);
    struct claimant second = claimant_of(d.host, true);
    struct claimant third = claimant_of(d.host, true);
    list_init(&first.claim.node);
    list_init(&second.claim.node);
    list_init(&third.claim.node);
    ck_assert(host_take(d.host, &first.claim));
    ck_assert(!host_take(d.host, &second.claim));
    ck_assert(!host_take(d.host, &third.claim));

    host_give(d.host);
    ck_assert(second.has);
    ck_assert_int_eq(third.told, 0);
    host_give(d.host);

    ck_assert(third.has);
    ck_assert_uint_eq(used(&d), 1);
    host_give(d.host);
    end(&d);
}
END_TEST

START_TEST(one_that_is_told_and_needs_nothing_any_more_waits_no_longer)
{
    struct desk d;
    begin(&d, 1);
    struct claimant c = claimant_of(d.host, false);
    struct claimant holder = claimant_of(d.host, false);
    list_init(&c.claim.node);
    list_init(&holder.claim.node);
    ck_assert(host_take(d.host, &holder.claim));
    ck_assert(!host_take(d.host, &c.claim));

    host_give(d.host);

    ck_assert_int_eq(c.told, 1);
    ck_assert(list_empty(&d.host->starved));
    end(&d);
}
END_TEST

START_TEST(a_place_on_its_way_back_is_taken_by_nobody_and_promised_to_one)
{
    struct desk d;
    begin(&d, 1);
    struct claimant holder = claimant_of(d.host, false);
    struct claimant first = claimant_of(d.host, true);
    struct claimant second = claimant_of(d.host, true);
    list_init(&holder.claim.node);
    list_init(&first.claim.node);
    list_init(&second.claim.node);
    ck_assert(host_take(d.host, &holder.claim));

    host_give_later(d.host);
    ck_assert(!host_take(d.host, &first.claim));
    ck_assert(!host_is_short(d.host));
    ck_assert(!host_take(d.host, &second.claim));
    ck_assert(host_is_short(d.host));
    ck_assert_int_eq(first.told, 0);
    host_given(d.host);

    ck_assert(first.has);
    ck_assert(!second.has);
    ck_assert_uint_eq(used(&d), 1);
    host_withdraw(d.host, &second.claim);
    end(&d);
}
END_TEST

START_TEST(one_that_asks_again_keeps_its_turn)
{
    struct desk d;
    begin(&d, 1);
    struct claimant first = claimant_of(d.host, true);
    struct claimant second = claimant_of(d.host, true);
    list_init(&first.claim.node);
    list_init(&second.claim.node);
    starve(&d, &first);
    starve(&d, &second);

    ck_assert(!host_take(d.host, &first.claim));
    host_give(d.host);

    ck_assert(first.has);
    ck_assert(!second.has);
    host_withdraw(d.host, &second.claim);
    end(&d);
}
END_TEST

START_TEST(where_nobody_starves_nothing_is_wanted_back)
{
    struct desk d;
    begin(&d, 10);

    ck_assert(!host_wants_back(d.host, 10, true));

    end(&d);
}
END_TEST

START_TEST(while_somebody_starves_what_is_idle_or_above_the_share_is_wanted_back)
{
    struct desk d;
    begin(&d, 10);
    struct claimant c = claimant_of(d.host, false);
    list_init(&c.claim.node);
    starve(&d, &c);
    d.host->pools = 2; /* a share is five */

    ck_assert(host_wants_back(d.host, 1, true));
    ck_assert(host_wants_back(d.host, 6, false));
    ck_assert(!host_wants_back(d.host, 5, false));
    host_withdraw(d.host, &c.claim);
    end(&d);
}
END_TEST

START_TEST(a_share_is_never_less_than_one)
{
    struct desk d;
    begin(&d, 2);
    struct claimant c = claimant_of(d.host, false);
    list_init(&c.claim.node);
    starve(&d, &c);
    d.host->pools = 100;

    ck_assert(!host_wants_back(d.host, 1, false));
    ck_assert(host_wants_back(d.host, 2, false));
    host_withdraw(d.host, &c.claim);
    end(&d);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("host");
    TCase *all = tcase_create("all");

    tcase_add_test(all, a_host_is_made_once_per_name);
    tcase_add_test(all, as_many_as_the_budget_holds_are_taken);
    tcase_add_test(all, no_limit_is_no_limit);
    tcase_add_test(all, what_is_given_back_goes_to_who_waits_longest);
    tcase_add_test(all, one_that_is_told_and_needs_nothing_any_more_waits_no_longer);
    tcase_add_test(all, a_place_on_its_way_back_is_taken_by_nobody_and_promised_to_one);
    tcase_add_test(all, one_that_asks_again_keeps_its_turn);
    tcase_add_test(all, where_nobody_starves_nothing_is_wanted_back);
    tcase_add_test(all, while_somebody_starves_what_is_idle_or_above_the_share_is_wanted_back);
    tcase_add_test(all, a_share_is_never_less_than_one);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
