// SPDX-License-Identifier: MIT
//
// store_cache: against a store that counts how often it is asked.
#include "secret/store_cache.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "config/load.h"
#include "secret/fetch.h"
#include "secret/store.h"
#include "testing.h"

static char folder[64];
static const struct config *config;
static const struct secrets *secrets;

/* Prints $D/value and adds a byte to $D/asked; status 44 where there is no value, 3 where that is
 * "broken". */
static const char program[] = "echo >>$D/asked; sleep 0.1; grep -qsx broken $D/value && exit 3;"
                              " cat $D/value 2>/dev/null || exit 44";

static void set_up(void)
{
    struct config_faults faults = {0};
    struct buf errors = {0};

    (void)snprintf(folder, sizeof folder, "/tmp/test_cache.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(setenv("D", folder, 1), 0);
    char *text = x_printf("servers: {main: {}}\n"
                          "secrets: {cache: 1h, environment: [D], providers: {it: {type: exec,"
                          " command: [sh, -c, '%s']}}}\n",
                          program);
    ck_assert_int_eq(config_parse("/etc/t.yaml", slice_str(text), &config, &faults), 0);
    config_faults_fini(&faults);
    ck_assert_int_eq(fetch_secrets(config, &secrets, &errors), 0);
    free(text);
}

static void tear_down(void)
{
    char *command = x_printf("rm -r %s", folder);

    ck_assert_int_eq(system(command), 0);
    free(command);
    secrets_unref(secrets);
    config_unref(config);
}

static void put(const char *value)
{
    char *command = x_printf("echo %s >%s/value", value, folder);

    ck_assert_int_eq(system(command), 0);
    free(command);
}

static long asked(void)
{
    char *path = x_printf("%s/asked", folder);
    FILE *file = fopen(path, "r");
    long n = 0;

    while (file != NULL && fgetc(file) != EOF) {
        n++;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    free(path);
    return n;
}

static int get_of(uint32_t epoch, bool fresh, char *out, size_t cap)
{
    struct store_key key = {.id = "role", .epoch = epoch};
    struct err err = {0};
    char *secret = NULL;

    int rc = store_recall(secrets, config_provider(config, "it"), &key, fresh, &secret, &err);
    (void)snprintf(out, cap, "%s", secret == NULL ? "" : secret);
    secure_free(secret);
    return rc;
}

static int get(bool fresh, char *out, size_t cap)
{
    return get_of(0, fresh, out, cap);
}

START_TEST(a_value_is_asked_for_once)
{
    char value[32];

    put("one");
    ck_assert_int_eq(get(false, value, sizeof value), 0);
    put("two");
    ck_assert_int_eq(get(false, value, sizeof value), 0);

    ck_assert_str_eq(value, "one");
    ck_assert_int_eq(asked(), 1);
}
END_TEST

START_TEST(a_fresh_one_is_asked_for_but_not_all_the_time)
{
    char value[32];

    put("one");
    ck_assert_int_eq(get(false, value, sizeof value), 0);
    put("two");
    ck_assert_int_eq(get(true, value, sizeof value), 0);
    ck_assert_str_eq(value, "two");
    ck_assert_int_eq(get(true, value, sizeof value), 0);

    ck_assert_int_eq(asked(), 2);
}
END_TEST

static void *get_in_thread(void *data)
{
    ck_assert_int_eq(get(false, data, 32), 0);
    return NULL;
}

START_TEST(threads_that_want_one_value_ask_once)
{
    pthread_t threads[8];
    char values[8][32];

    put("one");
    for (size_t i = 0; i < 8; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, get_in_thread, values[i]), 0);
    }
    for (size_t i = 0; i < 8; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_str_eq(values[i], "one");
    }

    ck_assert_int_eq(asked(), 1);
}
END_TEST

START_TEST(what_was_read_serves_while_the_program_fails)
{
    char value[32];

    put("one");
    ck_assert_int_eq(get(false, value, sizeof value), 0);
    put("broken");
    ck_assert_int_eq(get(true, value, sizeof value), 0);

    ck_assert_str_eq(value, "one");
    ck_assert_int_eq(asked(), 2);
}
END_TEST

START_TEST(what_does_not_exist_is_not_remembered)
{
    char value[32];

    ck_assert_int_eq(get(false, value, sizeof value), ERR_NO_SECRET);
    put("one");

    ck_assert_int_eq(get(false, value, sizeof value), 0);
    ck_assert_str_eq(value, "one");
}
END_TEST

START_TEST(that_there_is_none_is_remembered_for_a_moment_by_those_who_were_refused)
{
    char value[32];

    ck_assert_int_eq(get(true, value, sizeof value), ERR_NO_SECRET);
    ck_assert_int_eq(get(true, value, sizeof value), ERR_NO_SECRET);

    ck_assert_int_eq(asked(), 1);
}
END_TEST

START_TEST(a_rotated_one_is_asked_for_at_once)
{
    char value[32];

    put("one");
    ck_assert_int_eq(get_of(1, true, value, sizeof value), 0);
    put("two");
    ck_assert_int_eq(get_of(2, false, value, sizeof value), 0);
    ck_assert_str_eq(value, "two");
    ck_assert_int_eq(get_of(1, false, value, sizeof value), 0); /* by one who does not know yet */

    ck_assert_int_eq(asked(), 2);
}
END_TEST

START_TEST(what_is_written_is_read)
{
    struct store_key key = {.id = "role"};
    struct err err = {0};
    char value[32];

    put("one");
    ck_assert_int_eq(get(false, value, sizeof value), 0);
    put("two");
    ck_assert_int_eq(store_write(secrets, config_provider(config, "it"), &key, "x", &err), 0);

    ck_assert_int_eq(get(false, value, sizeof value), 0);
    ck_assert_str_eq(value, "two");
}
END_TEST

/* A store of which every answer is scripted. */
struct scripted {
    const char *value; /* what it tells, or NULL */
    int code;          /* … or how it fails */
    int64_t rest;      /* for how long it wants to be left alone */
    sem_t *asked;      /* posted when it was asked, and then it waits for … */
    sem_t *go;         /* NULL: it answers at once */
    int count;         /* how often it was asked */
};

static int answer(const void *data, char **out, int64_t *rest, struct err *err)
{
    struct scripted *it = *(struct scripted *const *)data;

    it->count++;
    if (it->go != NULL) {
        (void)sem_post(it->asked);
        (void)sem_wait(it->go);
    }
    *rest = it->rest;
    if (it->value == NULL) {
        return err_set(err, it->code, "scripted");
    }
    *out = x_strdup(it->value);
    return 0;
}

/* What the memory tells of one secret, which is good for no time: a value, or "". */
static const char *recall(struct store_cache *cache, struct scripted *it, const char *id)
{
    static _Thread_local char value[32];
    const struct store_key key = {.id = id};
    const struct store_question question = {
        .provider = config_provider(config, "it"), .key = &key, .ask = answer, .data = &it};
    struct err err = {0};
    char *secret = NULL;

    (void)store_cache_read(cache, &question, &secret, &err);
    (void)snprintf(value, sizeof value, "%s", secret == NULL ? "" : secret);
    secure_free(secret);
    return value;
}

START_TEST(a_value_that_is_unfit_takes_no_value_away)
{
    struct store_cache *cache = store_cache_new();
    struct scripted it = {.value = "one", .code = ERR_CONFIG};

    ck_assert_str_eq(recall(cache, &it, "role"), "one");
    it.value = NULL;

    ck_assert_str_eq(recall(cache, &it, "role"), "one");
    ck_assert_int_eq(it.count, 2);
    store_cache_unref(cache);
}
END_TEST

START_TEST(what_is_gone_is_forgotten)
{
    struct store_cache *cache = store_cache_new();
    struct scripted it = {.value = "one", .code = ERR_NO_SECRET};

    ck_assert_str_eq(recall(cache, &it, "role"), "one");
    it.value = NULL;

    ck_assert_str_eq(recall(cache, &it, "role"), "");
    store_cache_unref(cache);
}
END_TEST

START_TEST(a_store_that_is_down_is_left_alone)
{
    struct store_cache *cache = store_cache_new();
    struct scripted it = {.value = "one", .code = ERR_STORE_DOWN};

    ck_assert_str_eq(recall(cache, &it, "role"), "one");
    it.value = NULL;
    ck_assert_str_eq(recall(cache, &it, "role"), "one");
    ck_assert_str_eq(recall(cache, &it, "role"), "one");
    ck_assert_str_eq(recall(cache, &it, "other"), "");

    ck_assert_int_eq(it.count, 2);
    store_cache_unref(cache);
}
END_TEST

/* In a thread that asks while the store does not answer. */
struct held {
    struct store_cache *cache;
    struct scripted *it;
    char value[32];
};

static void *recall_in_thread(void *data)
{
    struct held *held = data;

    (void)snprintf(held->value, sizeof held->value, "%s", recall(held->cache, held->it, "role"));
    return NULL;
}

START_TEST(what_was_good_serves_while_a_store_does_not_answer)
{
    struct store_cache *cache = store_cache_new();
    struct scripted it = {.value = "one"};
    struct held held = {.cache = cache, .it = &it};
    sem_t asked;
    sem_t go;
    pthread_t thread;

    ck_assert_int_eq(sem_init(&asked, 0, 0), 0);
    ck_assert_int_eq(sem_init(&go, 0, 0), 0);
    ck_assert_str_eq(recall(cache, &it, "role"), "one");
    it = (struct scripted){.value = "two", .asked = &asked, .go = &go};
    ck_assert_int_eq(pthread_create(&thread, NULL, recall_in_thread, &held), 0);
    ck_assert_int_eq(sem_wait(&asked), 0);

    ck_assert_str_eq(recall(cache, &it, "role"), "one");

    ck_assert_int_eq(sem_post(&go), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_str_eq(held.value, "two");
    ck_assert_int_eq(it.count, 1);
    store_cache_unref(cache);
    (void)sem_destroy(&asked);
    (void)sem_destroy(&go);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("secret.store_cache");
    TCase *tc = tcase_create("store_cache");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, a_value_is_asked_for_once);
    tcase_add_test(tc, that_there_is_none_is_remembered_for_a_moment_by_those_who_were_refused);
    tcase_add_test(tc, a_rotated_one_is_asked_for_at_once);
    tcase_add_test(tc, a_fresh_one_is_asked_for_but_not_all_the_time);
    tcase_add_test(tc, threads_that_want_one_value_ask_once);
    tcase_add_test(tc, what_was_read_serves_while_the_program_fails);
    tcase_add_test(tc, what_does_not_exist_is_not_remembered);
    tcase_add_test(tc, what_is_written_is_read);
    tcase_add_test(tc, a_value_that_is_unfit_takes_no_value_away);
    tcase_add_test(tc, what_is_gone_is_forgotten);
    tcase_add_test(tc, a_store_that_is_down_is_left_alone);
    tcase_add_test(tc, what_was_good_serves_while_a_store_does_not_answer);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
