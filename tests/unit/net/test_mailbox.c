// SPDX-License-Identifier: MIT
#include "net/mailbox.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "loops.h"
#include "testing.h"

#define THREADS 8
#define MAILS   2000 /* of each thread */

struct office {
    struct loop loop;
    struct mailbox box;
    pthread_t owner;
    int delivered;
    int next[THREADS]; /* the number that is to come next of each thread */
    bool out_of_order;
    bool on_other_thread;
};

struct letter {
    struct mail mail;
    struct office *office;
    int sender;
    int number;
};

static void office_begin(struct office *o)
{
    *o = (struct office){.owner = pthread_self()};
    loops_begin(&o->loop);
    ck_assert_int_eq(mailbox_init(&o->box, &o->loop.uv), 0);
}

static void office_end(struct office *o)
{
    mailbox_close(&o->box);
    loops_end(&o->loop);
}

static void take(struct mail *mail)
{
    struct letter *l = container_of(mail, struct letter, mail);
    struct office *o = l->office;

    o->on_other_thread = o->on_other_thread || !pthread_equal(o->owner, pthread_self());
    o->out_of_order = o->out_of_order || l->number != o->next[l->sender];
    o->next[l->sender]++;
    o->delivered++;
    free(l);
}

static void post(struct office *o, int sender, int number)
{
    struct letter *l = x_alloc(sizeof *l);

    *l = (struct letter){.office = o, .sender = sender, .number = number};
    list_init(&l->mail.node);
    l->mail.deliver = take;
    mailbox_post(&o->box, &l->mail);
}

START_TEST(a_mail_is_delivered_by_the_loop_and_not_by_the_post)
{
    struct office o;
    office_begin(&o);

    post(&o, 0, 0);
    ck_assert_int_eq(o.delivered, 0);
    loops_until_is(&o.loop, &o.delivered, 1);

    ck_assert(!o.on_other_thread);
    office_end(&o);
}
END_TEST

struct sender {
    pthread_t thread;
    struct office *office;
    int number;
};

static void *send_many(void *data)
{
    struct sender *s = data;

    for (int i = 0; i < MAILS; i++) {
        post(s->office, s->number, i);
    }
    return NULL;
}

START_TEST(mail_of_many_threads_comes_once_in_each_senders_order_on_the_owners_thread)
{
    struct office o;
    struct sender senders[THREADS];
    office_begin(&o);

    for (int i = 0; i < THREADS; i++) {
        senders[i] = (struct sender){.office = &o, .number = i};
        ck_assert_int_eq(pthread_create(&senders[i].thread, NULL, send_many, &senders[i]), 0);
    }
    loops_until_is(&o.loop, &o.delivered, THREADS * MAILS);
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(senders[i].thread, NULL), 0);
    }

    ck_assert_int_eq(o.delivered, THREADS * MAILS);
    ck_assert(!o.out_of_order);
    ck_assert(!o.on_other_thread);
    office_end(&o);
}
END_TEST

static void take_and_answer(struct mail *mail)
{
    struct letter *l = container_of(mail, struct letter, mail);

    post(l->office, 0, 0);
    l->office->delivered++;
    free(l);
}

START_TEST(a_delivery_may_post_to_its_own_box)
{
    struct office o;
    office_begin(&o);
    struct letter *l = x_zalloc(sizeof *l);
    l->office = &o;
    list_init(&l->mail.node);
    l->mail.deliver = take_and_answer;

    mailbox_post(&o.box, &l->mail);
    loops_until_is(&o.loop, &o.delivered, 2);

    ck_assert(!o.out_of_order);
    office_end(&o);
}
END_TEST

START_TEST(closing_delivers_what_is_left)
{
    struct office o;
    office_begin(&o);

    post(&o, 0, 0);
    post(&o, 0, 1);
    mailbox_close(&o.box);

    ck_assert_int_eq(o.delivered, 2);
    loops_end(&o.loop);
}
END_TEST

/* Two loops on two threads that throw one ball to and fro. */
struct player {
    struct office office;
    struct player *other;
    int left; /* throws to come */
    bool over;
};

struct ball {
    struct mail mail;
    struct player *to;
};

static void catch_ball(struct mail *mail)
{
    struct ball *ball = container_of(mail, struct ball, mail);
    struct player *me = ball->to;

    ball->to = me->other;
    me->over = --me->left <= 0;
    mailbox_post(&ball->to->office.box, &ball->mail);
}

static void *play(void *data)
{
    struct player *me = data;

    loops_until_true(&me->office.loop, &me->over);
    return NULL;
}

static void drop_ball(struct mail *mail)
{
    (void)mail;
}

START_TEST(two_loops_can_send_one_mail_to_and_fro)
{
    struct player a = {.left = 3000};
    struct player b = {.left = 3000};
    struct ball ball = {.mail.deliver = catch_ball, .to = &b};
    pthread_t thread;
    office_begin(&a.office);
    office_begin(&b.office);
    a.other = &b;
    b.other = &a;
    list_init(&ball.mail.node);

    mailbox_post(&b.office.box, &ball.mail);
    ck_assert_int_eq(pthread_create(&thread, NULL, play, &b), 0);
    loops_until_true(&a.office.loop, &a.over);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);

    ck_assert(a.over && b.over);
    ball.mail.deliver = drop_ball; /* the last throw is still on its way */
    office_end(&a.office);
    office_end(&b.office);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("mailbox");
    TCase *all = tcase_create("all");

    tcase_add_test(all, a_mail_is_delivered_by_the_loop_and_not_by_the_post);
    tcase_add_test(all, mail_of_many_threads_comes_once_in_each_senders_order_on_the_owners_thread);
    tcase_add_test(all, a_delivery_may_post_to_its_own_box);
    tcase_add_test(all, closing_delivers_what_is_left);
    tcase_add_test(all, two_loops_can_send_one_mail_to_and_fro);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
