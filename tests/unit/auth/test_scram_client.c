// SPDX-License-Identifier: MIT
//
// scram_client: the vector of RFC 7677 section 3, and hostile servers.
#include "auth/scram_client.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "expect.h"

#include <stdio.h>

#define CLIENT_NONCE "rOprNGfwEbeRWgbNEkqO"
#define NONCE        CLIENT_NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define SALT         "W22ZaJ0SNY7soEsUEjb6gQ=="
#define CHALLENGE    "r=" NONCE ",s=" SALT ",i=4096"
#define FINAL        "c=biws,r=" NONCE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define SIGNATURE    "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

struct fixture {
    struct scram_client machine;
    struct buf out;
    struct err err;
};

/* A machine that waits for the server's challenge. */
static void start(struct fixture *f)
{
    struct scram_client_options options = {.user = slice_str("user"),
                                           .nonce = slice_str(CLIENT_NONCE)};

    *f = (struct fixture){0};
    scram_client_init(&f->machine, &options);
    scram_client_first(&f->machine, &f->out);
}

/* A machine that waits for the server's signature; its own final message is in out. */
static void start_final(struct fixture *f)
{
    struct scram_keys keys;

    start(f);
    int rc = scram_client_challenge(&f->machine, slice_str(CHALLENGE), &f->err);
    ck_assert_int_eq(rc, 0);
    scram_derive(slice_str("pencil"), slice_of(f->machine.salt, f->machine.salt_size),
                 f->machine.iterations, &keys);
    buf_clear(&f->out);
    scram_client_final(&f->machine, &keys, &f->out);
}

static void end(struct fixture *f)
{
    scram_client_fini(&f->machine);
    buf_release(&f->out);
}

static void refuse_challenge(const char *in, const char *text)
{
    struct fixture f;

    start(&f);
    int rc = scram_client_challenge(&f.machine, slice_str(in), &f.err);
    ck_assert_msg(rc == ERR_PROTOCOL, "\"%s\" gave %d", in, rc);
    ck_assert_str_eq(f.err.text, text);
    ck_assert_int_eq(f.machine.state, SCRAM_CLIENT_FAILED);
    end(&f);
}

static void refuse_signature(const char *in, int code, const char *text)
{
    struct fixture f;

    start_final(&f);
    int rc = scram_client_verify(&f.machine, slice_str(in), &f.err);
    ck_assert_msg(rc == code, "\"%s\" gave %d", in, rc);
    ck_assert_str_eq(f.err.text, text);
    ck_assert_int_eq(f.machine.state, SCRAM_CLIENT_FAILED);
    end(&f);
}

START_TEST(the_vector_of_rfc_7677_holds)
{
    struct fixture f;

    start(&f);
    expect_text(buf_slice(&f.out), "n,,n=user,r=" CLIENT_NONCE);
    ck_assert_str_eq(scram_client_mechanism(&f.machine), "SCRAM-SHA-256");
    end(&f);
    start_final(&f);
    expect_text(buf_slice(&f.out), FINAL);
    ck_assert_int_eq(scram_client_verify(&f.machine, slice_str(SIGNATURE), &f.err), 0);
    ck_assert_int_eq(f.machine.state, SCRAM_CLIENT_DONE);
    end(&f);
}
END_TEST

START_TEST(the_mechanism_follows_the_channel_and_the_offer)
{
    static const struct {
        const char *binding;
        bool plus;
        const char *mechanism;
        const char *first;
    } cases[] = {
        {"", false, "SCRAM-SHA-256", "n,,n=,r=abc"},
        {"", true, "SCRAM-SHA-256", "n,,n=,r=abc"},
        {"hash", false, "SCRAM-SHA-256", "y,,n=,r=abc"},
        {"hash", true, "SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,n=,r=abc"},
    };

    for (size_t i = 0; i < 4; i++) {
        struct scram_client_options options = {.nonce = slice_str("abc"),
                                               .binding = slice_str(cases[i].binding),
                                               .plus = cases[i].plus};
        struct fixture f = {0};
        scram_client_init(&f.machine, &options);
        ck_assert_str_eq(scram_client_mechanism(&f.machine), cases[i].mechanism);
        scram_client_first(&f.machine, &f.out);
        expect_text(buf_slice(&f.out), cases[i].first);
        end(&f);
    }
}
END_TEST

START_TEST(a_name_is_escaped)
{
    struct scram_client_options options = {.user = slice_str("a,b=c"), .nonce = slice_str("abc")};
    struct fixture f = {0};

    scram_client_init(&f.machine, &options);
    scram_client_first(&f.machine, &f.out);

    expect_text(buf_slice(&f.out), "n,,n=a=2Cb=3Dc,r=abc");
    end(&f);
}
END_TEST

START_TEST(a_nonce_that_is_not_ours_and_more_is_refused)
{
    static const char text[] = "invalid SCRAM response: nonce does not match";

    refuse_challenge("r=" CLIENT_NONCE ",s=" SALT ",i=4096", text);
    refuse_challenge("r=rOprNGfwEbeRWgbNEkq,s=" SALT ",i=4096", text);
    refuse_challenge("r=xOprNGfwEbeRWgbNEkqOabcdef,s=" SALT ",i=4096", text);
    refuse_challenge("r=,s=" SALT ",i=4096", "malformed SCRAM message: invalid nonce");
}
END_TEST

START_TEST(missing_and_unknown_attributes_are_refused)
{
    static const char want_r[] = "malformed SCRAM message: attribute \"r\" expected";
    static const char want_s[] = "malformed SCRAM message: attribute \"s\" expected";
    static const char want_i[] = "malformed SCRAM message: attribute \"i\" expected";
    static const char comma[] = "malformed SCRAM message: it ends in a comma";
    static const char mandatory[] = "peer requires an unsupported SCRAM extension";

    refuse_challenge("", "malformed SCRAM message: it is empty");
    refuse_challenge("r", want_r);
    refuse_challenge("e=other-error", want_r);
    refuse_challenge("s=" SALT ",i=4096", want_r);
    refuse_challenge("r=" NONCE, want_s);
    refuse_challenge("r=" NONCE ",", comma);
    refuse_challenge("r=" NONCE ",i=4096", want_s);
    refuse_challenge("r=" NONCE ",s=" SALT, want_i);
    refuse_challenge("r=" NONCE ",s=" SALT ",", comma);
    refuse_challenge("r=" NONCE ",s=" SALT ",s=" SALT ",i=4096", want_i);
    refuse_challenge(CHALLENGE ",", comma);
    refuse_challenge(CHALLENGE ",x=1", "malformed SCRAM message: unexpected attribute");
    refuse_challenge("m=x," CHALLENGE, mandatory);
    refuse_challenge("r=" NONCE ",m=x,s=" SALT ",i=4096", mandatory);
}
END_TEST

START_TEST(a_salt_that_is_no_base64_is_refused)
{
    static const char text[] = "malformed SCRAM message: invalid salt";

    refuse_challenge("r=" NONCE ",s=,i=4096", text);
    refuse_challenge("r=" NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ,i=4096", text);
    refuse_challenge("r=" NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ=,i=4096", text);
    refuse_challenge("r=" NONCE ",s=W22Z aJ0,i=4096", text);
    refuse_challenge("r=" NONCE ",s=====,i=4096", text);
}
END_TEST

START_TEST(iterations_out_of_range_are_refused)
{
    static const char *const counts[] = {
        "",           "0",          "00",         "04096",
        "-1",         "+1",         " 1",         "1 ",
        "0x10",       "4096.0",     "1e3",        "1048577",
        "2147483648", "4294967296", "4294967297", "18446744073709551617"};
    char text[256];

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        (void)snprintf(text, sizeof text, "r=%s,s=" SALT ",i=%s", NONCE, counts[i]);
        refuse_challenge(text, "malformed SCRAM message: invalid iteration count");
    }
}
END_TEST

START_TEST(iterations_within_the_limit_are_taken)
{
    struct fixture f;

    start(&f);
    ck_assert_int_eq(
        scram_client_challenge(&f.machine, slice_str("r=" NONCE ",s=" SALT ",i=1"), NULL), 0);
    ck_assert_uint_eq(f.machine.iterations, 1);
    end(&f);
    start(&f);
    ck_assert_int_eq(
        scram_client_challenge(&f.machine, slice_str("r=" NONCE ",s=" SALT ",i=1048576"), NULL), 0);
    ck_assert_uint_eq(f.machine.iterations, LIMIT_SCRAM_ITERATIONS);
    ck_assert_uint_eq(f.machine.salt_size, 16);
    end(&f);
}
END_TEST

/* A challenge of n bytes: `head`, then a filler. */
static int feed_long(const char *head, size_t n, struct err *err)
{
    struct fixture f;
    char *in = x_alloc(n);

    memset(in, 'A', n);
    memcpy(in, head, strlen(head));
    start(&f);
    int rc = scram_client_challenge(&f.machine, slice_of(in, n), err);
    end(&f);
    free(in);
    return rc;
}

START_TEST(a_nonce_and_a_salt_of_64_kb_are_refused)
{
    struct err err;

    ck_assert_int_eq(feed_long("r=" NONCE, 65536, &err), ERR_PROTOCOL);
    ck_assert_str_eq(err.text, "malformed SCRAM message: it is too long");
    ck_assert_int_eq(feed_long("r=" NONCE, 65535, &err), ERR_PROTOCOL);
    ck_assert_str_eq(err.text, "malformed SCRAM message: invalid nonce");
    ck_assert_int_eq(feed_long("r=" NONCE ",i=1,s=", 65535, &err), ERR_PROTOCOL);
    ck_assert_int_eq(feed_long("r=" NONCE ",s=", 65535, &err), ERR_PROTOCOL);
    ck_assert_str_eq(err.text, "malformed SCRAM message: attribute \"i\" expected");
}
END_TEST

START_TEST(a_salt_of_more_than_64_bytes_is_refused)
{
    char salt[89] = {0};
    char text[256];

    memset(salt, 'A', 88);
    (void)snprintf(text, sizeof text, "r=%s,s=%s,i=4096", NONCE, salt);
    refuse_challenge(text, "malformed SCRAM message: invalid salt");
}
END_TEST

START_TEST(a_wrong_signature_is_refused)
{
    static const char wrong[] = "server signature is wrong: server does not know the password";
    static const char invalid[] = "malformed SCRAM message: invalid server signature";
    static const char want_v[] = "malformed SCRAM message: attribute \"v\" expected";

    refuse_signature("v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", ERR_CONNECTION, wrong);
    refuse_signature("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G8=", ERR_CONNECTION, wrong);
    refuse_signature("v=", ERR_PROTOCOL, invalid);
    refuse_signature("v=6rri", ERR_PROTOCOL, invalid);
    refuse_signature("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4", ERR_PROTOCOL, invalid);
    refuse_signature(SIGNATURE "AAAA", ERR_PROTOCOL, invalid);
    refuse_signature(SIGNATURE ",x=1", ERR_PROTOCOL, invalid);
    refuse_signature("", ERR_PROTOCOL, "malformed SCRAM message: it is empty");
    refuse_signature("v", ERR_PROTOCOL, want_v);
    refuse_signature("r=abc", ERR_PROTOCOL, want_v);
    refuse_signature("m=x," SIGNATURE, ERR_PROTOCOL,
                     "peer requires an unsupported SCRAM extension");
}
END_TEST

START_TEST(an_error_of_the_server_is_told_without_its_odd_bytes)
{
    struct fixture f;

    refuse_signature("e=invalid-proof", ERR_SERVER,
                     "server refused the SCRAM exchange: invalid-proof");
    refuse_signature("e=\x1b[2J\n%s", ERR_SERVER, "server refused the SCRAM exchange: ?????\x3fs");
    start_final(&f);
    (void)scram_client_verify(&f.machine, slice_str("e=unknown-user"), &f.err);
    ck_assert_str_eq(err_sqlstate(&f.err), "28P01");
    end(&f);
}
END_TEST

START_TEST(fini_clears_what_was_expected)
{
    static const uint8_t cleared[SCRAM_KEY];
    struct fixture f;
    start_final(&f);

    end(&f);

    ck_assert_mem_eq(f.machine.server_signature, cleared, SCRAM_KEY);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("auth.scram_client");
    TCase *tc = tcase_create("scram_client");

    tcase_add_test(tc, the_vector_of_rfc_7677_holds);
    tcase_add_test(tc, the_mechanism_follows_the_channel_and_the_offer);
    tcase_add_test(tc, a_name_is_escaped);
    tcase_add_test(tc, a_nonce_that_is_not_ours_and_more_is_refused);
    tcase_add_test(tc, missing_and_unknown_attributes_are_refused);
    tcase_add_test(tc, a_salt_that_is_no_base64_is_refused);
    tcase_add_test(tc, iterations_out_of_range_are_refused);
    tcase_add_test(tc, iterations_within_the_limit_are_taken);
    tcase_add_test(tc, a_nonce_and_a_salt_of_64_kb_are_refused);
    tcase_add_test(tc, a_salt_of_more_than_64_bytes_is_refused);
    tcase_add_test(tc, a_wrong_signature_is_refused);
    tcase_add_test(tc, an_error_of_the_server_is_told_without_its_odd_bytes);
    tcase_add_test(tc, fini_clears_what_was_expected);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
