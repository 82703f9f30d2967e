// SPDX-License-Identifier: MIT
//
// scram: the client and the server against each other, and what they share.
#include "auth/scram.h"

#include "auth/scram_client.h"
#include "auth/scram_server.h"
#include "testing.h"

/* How both sides of one exchange are set up, and what became of it. */
struct exchange {
    const struct verifier *verifier;
    const char *client_binding;
    const char *server_binding;
    bool plus;                     /* the client is told that PLUS is offered */
    const struct scram_keys *keys; /* what the client logs in with */
    int server_rc;                 /* of the step that the server ended with */
    int client_rc;                 /* of the client's verifying; 1 when it came to nothing */
    struct scram_keys learnt;      /* valid when server_rc is 0 */
};

static void talk(struct exchange *e, struct scram_client *client, struct scram_server *server)
{
    struct buf to_server = {0};
    struct buf to_client = {0};

    scram_client_first(client, &to_server);
    e->server_rc = scram_server_first(server, buf_slice(&to_server), &to_client, NULL);
    if (e->server_rc == 0) {
        int rc = scram_client_challenge(client, buf_slice(&to_client), NULL);
        ck_assert_int_eq(rc, 0);
        buf_clear(&to_server);
        buf_clear(&to_client);
        scram_client_final(client, e->keys, &to_server);
        e->server_rc = scram_server_final(server, buf_slice(&to_server), &to_client, NULL);
    }
    if (e->server_rc == 0) {
        scram_server_keys(server, &e->learnt);
        e->client_rc = scram_client_verify(client, buf_slice(&to_client), NULL);
    }
    buf_release(&to_server);
    buf_release(&to_client);
}

static void run(struct exchange *e)
{
    char client_nonce[SCRAM_NONCE + 1];
    char server_nonce[SCRAM_NONCE + 1];
    struct scram_client client;
    struct scram_server server;

    scram_random_nonce(client_nonce);
    scram_random_nonce(server_nonce);
    struct scram_client_options to_client = {
        .nonce = slice_str(client_nonce), .binding = slice_str(e->client_binding), .plus = e->plus};
    scram_client_init(&client, &to_client);
    struct scram_server_options to_server = {.verifier = e->verifier,
                                             .binding = slice_str(e->server_binding),
                                             .nonce = slice_str(server_nonce)};
    bool known = scram_parse_mechanism(slice_str(scram_client_mechanism(&client)), &to_server.plus);
    ck_assert(known);
    scram_server_init(&server, &to_server);
    e->client_rc = 1;
    talk(e, &client, &server);
    scram_client_fini(&client);
    scram_server_fini(&server);
}

/* A small generator of its own, so that a failure can be had again. */
static uint32_t next(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/* A password of 1 to 40 characters: ASCII, Latin, Hebrew, compatibility forms, invisible ones, or
 * bytes that are no UTF-8. */
static size_t random_password(uint32_t *seed, char *out)
{
    static const char *const odd[] = {"\xc3\xa4",     "\xd7\x90",         "\xe2\x85\xa3",
                                      "\xc2\xad",     "\xef\xb7\xba",     "\xcc\x88",
                                      "\xe3\x80\x80", "\xf0\x9f\x84\x81", "\xff"};
    size_t n = 0;

    for (uint32_t left = 1 + next(seed) % 40; left > 0; left--) {
        if (next(seed) % 3 == 0) {
            const char *text = odd[next(seed) % (sizeof odd / sizeof *odd)];
            memcpy(out + n, text, strlen(text));
            n += strlen(text);
        } else {
            out[n++] = (char)(0x20 + next(seed) % 95);
        }
    }
    return n;
}

START_TEST(both_roles_agree_on_any_password)
{
    uint32_t seed = 20240607;

    for (int i = 0; i < 500; i++) {
        char text[200];
        struct slice password = slice_of(text, random_password(&seed, text));
        uint8_t salt[SCRAM_SALT_MAX];
        memset(salt, (int)(next(&seed) & 255), sizeof salt);
        struct slice used = slice_of(salt, 1 + next(&seed) % sizeof salt);
        uint32_t iterations = 1 + next(&seed) % 8;
        struct verifier verifier;
        struct scram_keys keys;
        verifier_build(&verifier, password, used, iterations);
        scram_derive(password, used, iterations, &keys);
        struct exchange e = {.verifier = &verifier, .keys = &keys};

        run(&e);

        ck_assert_int_eq(e.server_rc, 0);
        ck_assert_int_eq(e.client_rc, 0);
        ck_assert_mem_eq(&e.learnt, &keys, sizeof keys);
        verifier_fini(&verifier);
    }
}
END_TEST

/* A verifier for "pencil" and the keys of `password` for it. */
static void prepare(struct verifier *verifier, const char *password, struct scram_keys *keys)
{
    static const char salt[] = "salt";

    verifier_build(verifier, slice_str("pencil"), slice_str(salt), 5);
    scram_derive(slice_str(password), slice_str(salt), 5, keys);
}

START_TEST(a_wrong_password_fails)
{
    struct verifier verifier;
    struct scram_keys keys;
    prepare(&verifier, "Pencil", &keys);
    struct exchange e = {.verifier = &verifier, .keys = &keys};

    run(&e);

    ck_assert_int_eq(e.server_rc, ERR_PASSWORD);
    verifier_fini(&verifier);
}
END_TEST

START_TEST(keys_learnt_from_a_client_log_in_elsewhere)
{
    struct verifier verifier;
    struct scram_keys keys;
    prepare(&verifier, "pencil", &keys);
    struct exchange first = {.verifier = &verifier, .keys = &keys};
    run(&first);
    struct exchange second = {.verifier = &verifier, .keys = &first.learnt};

    run(&second);

    ck_assert_int_eq(first.server_rc, 0);
    ck_assert_int_eq(second.server_rc, 0);
    ck_assert_int_eq(second.client_rc, 0);
    verifier_fini(&verifier);
}
END_TEST

START_TEST(a_server_that_holds_only_the_stored_key_is_found_out)
{
    struct verifier verifier;
    struct scram_keys keys;
    prepare(&verifier, "pencil", &keys);
    verifier.scram.server_key[0] ^= 1;
    struct exchange e = {.verifier = &verifier, .keys = &keys};

    run(&e);

    ck_assert_int_eq(e.server_rc, 0);
    ck_assert_int_eq(e.client_rc, ERR_CONNECTION);
    verifier_fini(&verifier);
}
END_TEST

START_TEST(channel_binding_holds_when_both_see_one_certificate)
{
    static const struct {
        const char *client;
        const char *server;
        bool plus;
        int rc;
    } cases[] = {
        {"certificate", "certificate", true, 0},
        {"certificate", "certificatE", true, ERR_PROTOCOL},
        {"certificate", "certificat", true, ERR_PROTOCOL},
        {"certificate", "certificate", false, ERR_PROTOCOL}, /* the offer was taken out */
        {"certificate", "", false, 0},
        {"", "certificate", true, 0},
        {"certificate", "", true, ERR_PROTOCOL},
    };
    struct verifier verifier;
    struct scram_keys keys;
    prepare(&verifier, "pencil", &keys);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct exchange e = {.verifier = &verifier,
                             .client_binding = cases[i].client,
                             .server_binding = cases[i].server,
                             .plus = cases[i].plus,
                             .keys = &keys};
        run(&e);
        ck_assert_msg(e.server_rc == cases[i].rc, "case %zu gave %d", i, e.server_rc);
        ck_assert_int_eq(e.client_rc, cases[i].rc == 0 ? 0 : 1);
    }
    verifier_fini(&verifier);
}
END_TEST

START_TEST(offers_are_read_to_their_end)
{
    struct scram_offer offer;

    ck_assert_int_eq(
        scram_parse_offer(slice_of("SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0", 34), &offer, NULL), 0);
    ck_assert(offer.scram && offer.plus);
    ck_assert_int_eq(scram_parse_offer(slice_of("X\0SCRAM-SHA-256\0", 17), &offer, NULL), 0);
    ck_assert(offer.scram && !offer.plus);
    ck_assert_int_eq(scram_parse_offer(slice_of("OAUTHBEARER\0", 13), &offer, NULL), 0);
    ck_assert(!offer.scram && !offer.plus);
    ck_assert_int_eq(scram_parse_offer(slice_of("SCRAM-SHA-256", 14), &offer, NULL), ERR_PROTOCOL);
    ck_assert_int_eq(scram_parse_offer(SLICE_EMPTY, &offer, NULL), ERR_PROTOCOL);
}
END_TEST

START_TEST(nonces_differ_and_are_valid)
{
    char a[SCRAM_NONCE + 1];
    char b[SCRAM_NONCE + 1];

    scram_random_nonce(a);
    scram_random_nonce(b);

    ck_assert_uint_eq(strlen(a), SCRAM_NONCE);
    ck_assert_str_ne(a, b);
    ck_assert_ptr_null(strchr(a, ','));
}
END_TEST

START_TEST(binding_data_that_is_too_long_counts_as_none)
{
    uint8_t data[SCRAM_BINDING_MAX + 1] = {1};

    ck_assert_uint_eq(scram_binding_of(slice_of(data, SCRAM_BINDING_MAX)).n, SCRAM_BINDING_MAX);
    ck_assert_uint_eq(scram_binding_of(slice_of(data, sizeof data)).n, 0);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("auth.scram");
    TCase *tc = tcase_create("scram");

    tcase_add_test(tc, both_roles_agree_on_any_password);
    tcase_add_test(tc, a_wrong_password_fails);
    tcase_add_test(tc, keys_learnt_from_a_client_log_in_elsewhere);
    tcase_add_test(tc, a_server_that_holds_only_the_stored_key_is_found_out);
    tcase_add_test(tc, channel_binding_holds_when_both_see_one_certificate);
    tcase_add_test(tc, offers_are_read_to_their_end);
    tcase_add_test(tc, nonces_differ_and_are_valid);
    tcase_add_test(tc, binding_data_that_is_too_long_counts_as_none);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
