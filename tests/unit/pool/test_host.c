// SPDX-License-Identifier: MIT
#include "pool/host.h"

#include "loops.h"
#include "pool/pools.h"
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
    struct pools pools;
    struct host *host;
    struct budget budget;
};

static void begin(struct desk *d, uint32_t max)
{
    *d = (struct desk){0};
    atomic_store(&d->budget.max, max);
    d->host = host_find_or_add(&d->pools, "main", &d->budget);
}

static void end(struct desk *d)
{
    host_free_all(&d->pools.hosts);
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

    ck_assert_ptr_eq(host_find_or_add(&d.pools, "main", &other), d.host);

    ck_assert_ptr_eq(d.host->budget, &d.budget);
    ck_assert_ptr_ne(host_find_or_add(&d.pools, "replica", &other), d.host);
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
    atomic_store(&d.budget.pools, 2); /* a share is five */

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
    atomic_store(&d.budget.pools, 100);

    ck_assert(!host_wants_back(d.host, 1, false));
    ck_assert(host_wants_back(d.host, 2, false));
    host_withdraw(d.host, &c.claim);
    end(&d);
}
END_TEST

/* ---- two workers, on one loop ---- */

struct pair {
    struct loop loop;
    struct budget budget;
    struct crew crew;
    struct mailbox boxes[2];
    struct pools pools[2];
    struct host *hosts[2];
    struct claimant claimants[2];
};

static void begin_pair(struct pair *p, uint32_t max)
{
    *p = (struct pair){.crew.count = 2};
    loops_begin(&p->loop);
    atomic_store(&p->budget.max, max);
    for (uint32_t i = 0; i < 2; i++) {
        ck_assert_int_eq(mailbox_init(&p->boxes[i], &p->loop.uv), 0);
        p->crew.members[i] = (struct crew_member){.box = &p->boxes[i], .pools = &p->pools[i]};
        p->pools[i] = (struct pools){.crew = &p->crew, .worker = i};
        p->hosts[i] = host_find_or_add(&p->pools[i], "main", &p->budget);
        p->claimants[i] = claimant_of(p->hosts[i], true);
        list_init(&p->claimants[i].claim.node);
    }
}

static void end_pair(struct pair *p)
{
    for (uint32_t i = 0; i < 2; i++) {
        mailbox_close(&p->boxes[i]);
        host_free_all(&p->pools[i].hosts);
    }
    loops_end(&p->loop);
}

START_TEST(a_place_is_handed_to_the_worker_that_starves)
{
    struct pair p;
    begin_pair(&p, 1);
    ck_assert(host_take(p.hosts[0], &p.claimants[0].claim));
    ck_assert(!host_take(p.hosts[1], &p.claimants[1].claim));

    host_give(p.hosts[0]);
    ck_assert(!host_take(p.hosts[0], &p.claimants[0].claim)); /* it is on its way, not free */
    loops_until_is(&p.loop, &p.claimants[1].told, 1);

    ck_assert(p.claimants[1].has);
    ck_assert_uint_eq(atomic_load(&p.budget.used), 1);
    host_give(p.hosts[1]);
    loops_until_is(&p.loop, &p.claimants[0].told, 1);
    ck_assert(p.claimants[0].has);
    host_give(p.hosts[0]);
    ck_assert_uint_eq(atomic_load(&p.budget.used), 0);
    ck_assert_uint_eq(atomic_load(&p.budget.starving), 0);
    end_pair(&p);
}
END_TEST

START_TEST(workers_that_starve_take_turns)
{
    struct pair p;
    begin_pair(&p, 1);
    struct claimant more[2] = {claimant_of(p.hosts[0], true), claimant_of(p.hosts[0], true)};
    struct claimant holder = claimant_of(p.hosts[0], false);
    list_init(&holder.claim.node);
    ck_assert(host_take(p.hosts[0], &holder.claim));
    for (int i = 0; i < 2; i++) {
        list_init(&more[i].claim.node);
        ck_assert(!host_take(p.hosts[0], &more[i].claim));
    }
    ck_assert(!host_take(p.hosts[1], &p.claimants[1].claim));

    host_give(p.hosts[0]);
    loops_until_is(&p.loop, &p.claimants[1].told, 1);
    ck_assert_int_eq(more[0].told, 0);
    host_give(p.hosts[1]);
    loops_until_is(&p.loop, &more[0].told, 1);

    ck_assert_int_eq(more[1].told, 0);
    host_leave(p.hosts[0]);
    host_give(p.hosts[0]);
    ck_assert_uint_eq(atomic_load(&p.budget.used), 0);
    end_pair(&p);
}
END_TEST

START_TEST(a_place_that_nobody_needs_any_more_is_given_back)
{
    struct pair p;
    begin_pair(&p, 1);
    ck_assert(host_take(p.hosts[0], &p.claimants[0].claim));
    ck_assert(!host_take(p.hosts[1], &p.claimants[1].claim));
    host_leave(p.hosts[1]);

    host_give(p.hosts[0]);

    ck_assert_uint_eq(atomic_load(&p.budget.used), 0);
    end_pair(&p);
}
END_TEST

START_TEST(a_budget_that_grows_serves_who_starves)
{
    struct desk d;
    begin(&d, 1);
    struct claimant first = claimant_of(d.host, true);
    struct claimant second = claimant_of(d.host, true);
    list_init(&first.claim.node);
    list_init(&second.claim.node);
    ck_assert(host_take(d.host, &first.claim));
    ck_assert(!host_take(d.host, &second.claim));

    atomic_store(&d.budget.max, 2);
    host_retry(d.host);

    ck_assert(second.has);
    ck_assert_uint_eq(used(&d), 2);
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
    tcase_add_test(all, a_place_is_handed_to_the_worker_that_starves);
    tcase_add_test(all, workers_that_starve_take_turns);
    tcase_add_test(all, a_place_that_nobody_needs_any_more_is_given_back);
    tcase_add_test(all, a_budget_that_grows_serves_who_starves);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
