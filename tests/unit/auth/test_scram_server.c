// SPDX-License-Identifier: MIT
//
// scram_server: the vector of RFC 7677 section 3, and hostile clients.
#include "auth/scram_server.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "expect.h"

#include <stdio.h>

#define CLIENT_NONCE "rOprNGfwEbeRWgbNEkqO"
#define SERVER_NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define FIRST        "n,,n=user,r=" CLIENT_NONCE
#define CHALLENGE    "r=" CLIENT_NONCE SERVER_NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
#define PROOF        "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define FINAL        "c=biws,r=" CLIENT_NONCE SERVER_NONCE "," PROOF
#define SIGNATURE    "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

/* Password "pencil", with the salt of the RFC's example. */
static const char verifier_text[] =
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
    ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

/* One exchange: the machine, what it answered last, and how it failed. */
struct fixture {
    struct verifier verifier;
    struct scram_server machine;
    struct buf out;
    struct err err;
};

static void start_with(struct fixture *f, bool plus, const char *binding)
{
    *f = (struct fixture){0};
    int rc = verifier_parse(&f->verifier, slice_str(verifier_text), NULL);
    ck_assert_int_eq(rc, 0);
    struct scram_server_options options = {.verifier = &f->verifier,
                                           .plus = plus,
                                           .binding = slice_str(binding),
                                           .nonce = slice_str(SERVER_NONCE)};
    scram_server_init(&f->machine, &options);
}

static void start(struct fixture *f)
{
    start_with(f, false, "");
}

static void end(struct fixture *f)
{
    scram_server_fini(&f->machine);
    verifier_fini(&f->verifier);
    buf_release(&f->out);
}

static int feed_first(struct fixture *f, struct slice in)
{
    buf_clear(&f->out);
    return scram_server_first(&f->machine, in, &f->out, &f->err);
}

static int feed_final(struct fixture *f, struct slice in)
{
    buf_clear(&f->out);
    return scram_server_final(&f->machine, in, &f->out, &f->err);
}

/* A client-first that is refused without an answer. */
static void refuse_first(bool plus, const char *binding, const char *in, const char *text)
{
    struct fixture f;

    start_with(&f, plus, binding);
    int rc = feed_first(&f, slice_str(in));
    ck_assert_msg(rc == ERR_PROTOCOL, "\"%s\" passed", in);
    ck_assert_str_eq(f.err.text, text);
    ck_assert_uint_eq(buf_size(&f.out), 0);
    ck_assert_int_eq(f.machine.state, SCRAM_SERVER_FAILED);
    end(&f);
}

static void refuse_final(const char *in, int code, const char *text)
{
    struct fixture f;

    start(&f);
    ck_assert_int_eq(feed_first(&f, slice_str(FIRST)), 0);
    int rc = feed_final(&f, slice_str(in));
    ck_assert_msg(rc == code, "\"%s\" gave %d", in, rc);
    ck_assert_str_eq(f.err.text, text);
    ck_assert_uint_eq(buf_size(&f.out), 0);
    ck_assert_int_eq(f.machine.state, SCRAM_SERVER_FAILED);
    end(&f);
}

START_TEST(the_vector_of_rfc_7677_holds)
{
    struct fixture f;
    start(&f);

    ck_assert_int_eq(feed_first(&f, slice_str(FIRST)), 0);
    expect_text(buf_slice(&f.out), CHALLENGE);
    ck_assert_int_eq(feed_final(&f, slice_str(FINAL)), 0);
    expect_text(buf_slice(&f.out), SIGNATURE);
    ck_assert_int_eq(f.machine.state, SCRAM_SERVER_DONE);
    end(&f);
}
END_TEST

START_TEST(success_gives_the_keys_that_the_password_gives)
{
    struct fixture f;
    struct scram_keys learnt, derived;
    start(&f);
    ck_assert_int_eq(feed_first(&f, slice_str(FIRST)), 0);
    ck_assert_int_eq(feed_final(&f, slice_str(FINAL)), 0);

    scram_server_keys(&f.machine, &learnt);
    scram_derive(slice_str("pencil"), slice_of(f.verifier.scram.salt, 16), 4096, &derived);

    ck_assert_mem_eq(learnt.client, derived.client, SCRAM_KEY);
    ck_assert_mem_eq(learnt.server, derived.server, SCRAM_KEY);
    end(&f);
}
END_TEST

START_TEST(a_mock_takes_the_same_steps_and_fails_with_the_same_answer)
{
    struct fixture f, known;
    start(&f);
    f.machine.mock = true;
    start(&known);

    ck_assert_int_eq(feed_first(&f, slice_str(FIRST)), 0);
    expect_text(buf_slice(&f.out), CHALLENGE);
    ck_assert_int_eq(feed_final(&f, slice_str(FINAL)), ERR_PASSWORD);
    ck_assert_int_eq(feed_first(&known, slice_str(FIRST)), 0);
    ck_assert_int_eq(
        feed_final(&known, slice_str("c=biws,r=" CLIENT_NONCE SERVER_NONCE
                                     ",p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")),
        ERR_PASSWORD);

    ck_assert_str_eq(f.err.text, known.err.text);
    ck_assert_uint_eq(buf_size(&f.out), 0);
    end(&f);
    end(&known);
}
END_TEST

START_TEST(an_unknown_user_is_challenged_like_a_known_one)
{
    struct verifier mock;
    struct scram_server machine;
    struct buf out = {0};
    verifier_mock(&mock, VERIFIER_SCRAM, slice_str("0123456789abcdef"), slice_str("nobody"));
    struct scram_server_options options = {.verifier = &mock, .nonce = slice_str(SERVER_NONCE)};

    scram_server_init(&machine, &options);
    int rc = scram_server_first(&machine, slice_str(FIRST), &out, NULL);

    ck_assert_int_eq(rc, 0);
    ck_assert_uint_eq(buf_size(&out), strlen(CHALLENGE));
    scram_server_fini(&machine);
    verifier_fini(&mock);
    buf_release(&out);
}
END_TEST

START_TEST(malformed_first_messages_are_refused)
{
    static const char flag[] = "malformed SCRAM message: unexpected channel-binding flag";
    static const char gs2[] = "malformed SCRAM message: incomplete gs2 header";
    static const char want_n[] = "malformed SCRAM message: attribute \"n\" expected";
    static const char want_r[] = "malformed SCRAM message: attribute \"r\" expected";
    static const char nonce[] = "malformed SCRAM message: invalid nonce";
    static const char comma[] = "malformed SCRAM message: it ends in a comma";
    static const char mandatory[] = "peer requires an unsupported SCRAM extension";

    refuse_first(false, "", "", "malformed SCRAM message: it is empty");
    refuse_first(false, "", "x,,n=,r=abc", flag);
    refuse_first(false, "", "n", gs2);
    refuse_first(false, "", "n,", gs2);
    refuse_first(false, "", "nn,n=,r=abc", gs2);
    refuse_first(false, "", "n,,", want_n);
    refuse_first(false, "", "n,,r=abc", want_n);
    refuse_first(false, "", "n,,n=user", want_r);
    refuse_first(false, "", "n,,n=user,", comma);
    refuse_first(false, "", "n,,n=user,r", want_r);
    refuse_first(false, "", "n,,n=user,r=", nonce);
    refuse_first(false, "", "n,,n=user,r=a b", nonce);
    refuse_first(false, "", "n,,n=user,r=a\x7f", nonce);
    refuse_first(false, "", "n,,n=user,r=\xc3\xa4", nonce);
    refuse_first(false, "", "n,,n=user,r=abc,", comma);
    refuse_first(false, "", "n,,n=user,r=abc,1=x",
                 "malformed SCRAM message: invalid attribute name");
    refuse_first(false, "", "n,,n=user,r=abc,x",
                 "malformed SCRAM message: attribute \"x\" expected");
    refuse_first(false, "", "n,,m=x,n=user,r=abc", mandatory);
    refuse_first(false, "", "n,,n=user,r=abc,m=x", mandatory);
    refuse_first(false, "", "n,a=bob,n=user,r=abc",
                 "client uses an authorization identity, which is not supported");
}
END_TEST

START_TEST(a_nul_and_a_message_that_is_too_long_are_refused)
{
    struct fixture f;
    size_t n = LIMIT_PASSWORD_PACKET + 1;
    char *in = x_alloc(n);
    memset(in, 'x', n);
    memcpy(in, FIRST, strlen(FIRST));

    start(&f);
    ck_assert_int_eq(feed_first(&f, slice_of(in, n)), ERR_PROTOCOL);
    ck_assert_str_eq(f.err.text, "malformed SCRAM message: it is too long");
    end(&f);
    start(&f);
    ck_assert_int_eq(feed_first(&f, slice_of("n,,n=\0,r=abc", 12)), ERR_PROTOCOL);
    ck_assert_str_eq(f.err.text, "malformed SCRAM message: it contains a NUL");
    end(&f);
    free(in);
}
END_TEST

START_TEST(a_nonce_of_64_kb_is_refused)
{
    struct fixture f;
    size_t n = LIMIT_PASSWORD_PACKET;
    char *in = x_alloc(n);
    memset(in, 'x', n);
    memcpy(in, "n,,n=,r=", 8);

    start(&f);
    ck_assert_int_eq(feed_first(&f, slice_of(in, n)), ERR_PROTOCOL);
    ck_assert_str_eq(f.err.text, "malformed SCRAM message: invalid nonce");
    end(&f);
    start(&f);
    ck_assert_int_eq(feed_first(&f, slice_of(in, 8 + SCRAM_NONCE_MAX)), 0);
    end(&f);
    free(in);
}
END_TEST

START_TEST(optional_extensions_are_passed_over)
{
    struct fixture f;
    start(&f);

    ck_assert_int_eq(feed_first(&f, slice_str(FIRST ",x=1,Y=")), 0);
    expect_text(buf_slice(&f.out), CHALLENGE);
    /* They are part of what is signed, so that the proof of the vector no longer holds. */
    ck_assert_int_eq(feed_final(&f, slice_str("c=biws,r=" CLIENT_NONCE SERVER_NONCE ",z=2," PROOF)),
                     ERR_PASSWORD);
    end(&f);
}
END_TEST

START_TEST(malformed_final_messages_are_refused)
{
    static const char want_p[] = "malformed SCRAM message: attribute \"p\" expected";
    static const char proof[] = "malformed SCRAM message: invalid proof";
    static const char nonce[] = "invalid SCRAM response: nonce does not match";
#define HEAD "c=biws,r=" CLIENT_NONCE SERVER_NONCE

    refuse_final("", ERR_PROTOCOL, "malformed SCRAM message: it is empty");
    refuse_final("r=" CLIENT_NONCE SERVER_NONCE "," PROOF, ERR_PROTOCOL,
                 "malformed SCRAM message: attribute \"c\" expected");
    refuse_final("c=biws," PROOF, ERR_PROTOCOL,
                 "malformed SCRAM message: attribute \"r\" expected");
    refuse_final("c=biws,r=" CLIENT_NONCE "," PROOF, ERR_PROTOCOL, nonce);
    refuse_final("c=biws,r=" CLIENT_NONCE SERVER_NONCE "0," PROOF, ERR_PROTOCOL, nonce);
    refuse_final("c=biws,r=" SERVER_NONCE CLIENT_NONCE "," PROOF, ERR_PROTOCOL, nonce);
    refuse_final(HEAD, ERR_PROTOCOL, want_p);
    refuse_final(HEAD ",x=1", ERR_PROTOCOL, want_p);
    refuse_final(HEAD ",p=", ERR_PROTOCOL, proof);
    refuse_final(HEAD ",p=dHzb", ERR_PROTOCOL, proof);
    refuse_final(HEAD ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ", ERR_PROTOCOL, proof);
    refuse_final(HEAD ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVR=", ERR_PROTOCOL, proof);
    refuse_final(HEAD "," PROOF "AAAA", ERR_PROTOCOL, proof);
    refuse_final(HEAD "," PROOF ",x=1", ERR_PROTOCOL, proof);
    refuse_final(HEAD ",m=1," PROOF, ERR_PROTOCOL, "peer requires an unsupported SCRAM extension");
    refuse_final(HEAD ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVU=", ERR_PASSWORD,
                 "SASL authentication failed");
#undef HEAD
}
END_TEST

START_TEST(the_gs2_header_of_the_final_must_be_that_of_the_first)
{
    static const char failed[] = "SCRAM channel binding check failed";
    static const char tail[] = ",r=" CLIENT_NONCE SERVER_NONCE "," PROOF;
    char text[256];

    /* "y,,", "n,", nothing, "n,,x" */
    static const char *const values[] = {"eSws", "biw=", "", "biwseA=="};
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(text, sizeof text, "c=%s%s", values[i], tail);
        refuse_final(text, ERR_PROTOCOL, failed);
    }
}
END_TEST

START_TEST(a_downgrade_of_channel_binding_is_refused)
{
    static const char hash[] = "0123456789abcdef0123456789abcdef";

    refuse_first(false, hash, "y,,n=,r=abc",
                 "client supports SCRAM channel binding but thinks the server does not");
    refuse_first(true, hash, "y,,n=,r=abc",
                 "client selected SCRAM-SHA-256-PLUS without channel binding data");
    refuse_first(true, hash, "n,,n=,r=abc",
                 "client selected SCRAM-SHA-256-PLUS without channel binding data");
    refuse_first(false, hash, "p=tls-server-end-point,,n=,r=abc",
                 "client selected SCRAM-SHA-256 with channel binding data");
    refuse_first(false, "", "p=tls-server-end-point,,n=,r=abc",
                 "client selected SCRAM-SHA-256 with channel binding data");
    refuse_first(true, "", "p=tls-server-end-point,,n=,r=abc",
                 "client selected an invalid SASL authentication mechanism");
    refuse_first(true, hash, "p=tls-unique,,n=,r=abc", "unsupported SCRAM channel-binding type");
    refuse_first(true, hash, "p=tls-server-end-points,,n=,r=abc",
                 "malformed SCRAM message: incomplete gs2 header");
    refuse_first(true, hash, "p", "unsupported SCRAM channel-binding type");
}
END_TEST

START_TEST(a_client_without_channel_binding_may_come_over_tls)
{
    struct fixture f;
    start_with(&f, false, "0123456789abcdef0123456789abcdef");

    ck_assert_int_eq(feed_first(&f, slice_str(FIRST)), 0);
    ck_assert_int_eq(feed_final(&f, slice_str(FINAL)), 0);
    end(&f);
}
END_TEST

START_TEST(fini_clears_the_client_key)
{
    static const uint8_t cleared[SCRAM_KEY];
    struct fixture f;
    start(&f);
    ck_assert_int_eq(feed_first(&f, slice_str(FIRST)), 0);
    ck_assert_int_eq(feed_final(&f, slice_str(FINAL)), 0);

    end(&f);

    ck_assert_mem_eq(f.machine.client_key, cleared, SCRAM_KEY);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("auth.scram_server");
    TCase *tc = tcase_create("scram_server");

    tcase_add_test(tc, the_vector_of_rfc_7677_holds);
    tcase_add_test(tc, success_gives_the_keys_that_the_password_gives);
    tcase_add_test(tc, a_mock_takes_the_same_steps_and_fails_with_the_same_answer);
    tcase_add_test(tc, an_unknown_user_is_challenged_like_a_known_one);
    tcase_add_test(tc, malformed_first_messages_are_refused);
    tcase_add_test(tc, a_nul_and_a_message_that_is_too_long_are_refused);
    tcase_add_test(tc, a_nonce_of_64_kb_is_refused);
    tcase_add_test(tc, optional_extensions_are_passed_over);
    tcase_add_test(tc, malformed_final_messages_are_refused);
    tcase_add_test(tc, the_gs2_header_of_the_final_must_be_that_of_the_first);
    tcase_add_test(tc, a_downgrade_of_channel_binding_is_refused);
    tcase_add_test(tc, a_client_without_channel_binding_may_come_over_tls);
    tcase_add_test(tc, fini_clears_the_client_key);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
