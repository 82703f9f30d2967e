// SPDX-License-Identifier: MIT
//
// verifier: the literals were made by PostgreSQL 15: CREATE ROLE … PASSWORD, then rolpassword.
#include "auth/verifier.h"

#include "base/alloc.h"
#include "expect.h"

#define ALICE slice_str("alice")

/* Password "secret". */
static const char scram_text[] =
    "SCRAM-SHA-256$4096:YYWG0FtEpDRLJ1FQFUfTdA==$SqBmvqKBSu4O9ZzpAKaw+CpXqm4ikhN3OxZgZv+fbks="
    ":jHHa5+1A8fjMs4PazmPdHhPaTzt23dpf2VNdJ10+yCE=";

/* The same password, of user alice. */
static const char md5_text[] = "md54a0a68b43b6cd5cf266fa02f196e2371";

/* Password "pässwörd Ⅳ", which is prepared to "pässwörd IV". */
static const char utf8_text[] =
    "SCRAM-SHA-256$4096:yRegi/y7i0vuoJEwqCRHDw==$v0i1FocpcE00WNhQzKTKQ4PpLZP6qm8w+Gbndqny3xk="
    ":33oiD4akzQacICR3FduGWPUwgDLK5tHyOfnpsCbBmu4=";

static struct verifier parsed(const char *text)
{
    struct verifier v;
    int rc = verifier_parse(&v, slice_str(text), NULL);

    ck_assert_int_eq(rc, 0);
    return v;
}

static bool passes(const char *text, const char *password)
{
    struct verifier v = parsed(text);
    bool yes = verifier_check_password(&v, ALICE, slice_str(password));

    verifier_fini(&v);
    return yes;
}

START_TEST(every_kind_passes_its_password_only)
{
    static const char *const texts[] = {"secret", md5_text, scram_text};

    for (size_t i = 0; i < 3; i++) {
        ck_assert(passes(texts[i], "secret"));
        ck_assert(!passes(texts[i], "secret "));
        ck_assert(!passes(texts[i], "Secret"));
        ck_assert(!passes(texts[i], ""));
        ck_assert(!passes(texts[i], texts[i] + 1));
    }
    ck_assert(!passes(md5_text, md5_text));
    ck_assert(!passes(scram_text, scram_text));
}
END_TEST

START_TEST(a_password_beyond_ascii_is_prepared)
{
    ck_assert(passes(utf8_text, "p\xc3\xa4ssw\xc3\xb6rd \xe2\x85\xa3"));
    ck_assert(passes(utf8_text, "p\xc3\xa4sswo\xcc\x88rd IV"));
    ck_assert(passes("p\xc3\xa4ss", "pa\xcc\x88ss"));
    ck_assert(!passes(utf8_text, "password IV"));
}
END_TEST

START_TEST(the_kind_is_seen_in_the_text)
{
    static const struct {
        const char *text;
        enum verifier_kind kind;
    } cases[] = {
        {"secret", VERIFIER_PLAIN},       {md5_text, VERIFIER_MD5},
        {scram_text, VERIFIER_SCRAM},     {"md5rocks", VERIFIER_PLAIN},
        {"SCRAM-SHA-1$", VERIFIER_PLAIN}, {"$", VERIFIER_PLAIN},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct verifier v = parsed(cases[i].text);
        ck_assert_int_eq(v.kind, cases[i].kind);
        verifier_fini(&v);
    }
}
END_TEST

START_TEST(printing_gives_the_text_back)
{
    static const char *const texts[] = {"secret", md5_text, scram_text};

    for (size_t i = 0; i < 3; i++) {
        struct verifier v = parsed(texts[i]);
        struct buf out = {0};
        verifier_print(&v, &out);
        expect_text(buf_slice(&out), texts[i]);
        buf_release_secret(&out);
        verifier_fini(&v);
    }
}
END_TEST

START_TEST(building_with_the_same_salt_gives_what_postgresql_made)
{
    struct verifier stored = parsed(utf8_text);
    struct verifier built;
    struct buf out = {0};

    verifier_build(&built, slice_str("p\xc3\xa4ssw\xc3\xb6rd \xe2\x85\xa3"),
                   slice_of(stored.scram.salt, stored.scram.salt_size), stored.scram.iterations);
    verifier_print(&built, &out);

    expect_text(buf_slice(&out), utf8_text);
    buf_release_secret(&out);
    verifier_fini(&built);
    verifier_fini(&stored);
}
END_TEST

#define KEYS                                                                                       \
    "SqBmvqKBSu4O9ZzpAKaw+CpXqm4ikhN3OxZgZv+fbks=:jHHa5+1A8fjMs4PazmPdHhPaTzt23dpf2VNdJ10+yCE="
#define SALT "YYWG0FtEpDRLJ1FQFUfTdA=="

START_TEST(what_only_begins_like_scram_is_refused)
{
    static const char *const texts[] = {
        "SCRAM-SHA-256$",
        "SCRAM-SHA-256$4096",
        "SCRAM-SHA-256$4096:" SALT,
        "SCRAM-SHA-256$4096:" SALT "$",
        "SCRAM-SHA-256$4096:" SALT "$SqBmvqKBSu4O9ZzpAKaw+CpXqm4ikhN3OxZgZv+fbks=",
        "SCRAM-SHA-256$4096:" SALT "$" KEYS "=",
        "SCRAM-SHA-256$4096:" SALT "$" KEYS ":",
        "SCRAM-SHA-256$4096:" SALT "$AAAA:AAAA",
        "SCRAM-SHA-256$4096:$" KEYS,
        "SCRAM-SHA-256$4096:YYWG0FtEpDRLJ1FQFUfTdA$" KEYS,
        "SCRAM-SHA-256$4096:" SALT SALT "$" KEYS,
        "SCRAM-SHA-256$:" SALT "$" KEYS,
        "SCRAM-SHA-256$0:" SALT "$" KEYS,
        "SCRAM-SHA-256$-1:" SALT "$" KEYS,
        "SCRAM-SHA-256$4096 :" SALT "$" KEYS,
        "SCRAM-SHA-256$1048577:" SALT "$" KEYS,
        "SCRAM-SHA-256$4294967297:" SALT "$" KEYS,
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct verifier v;
        struct err err;
        int rc = verifier_parse(&v, slice_str(texts[i]), &err);
        ck_assert_msg(rc == ERR_INVALID_VALUE, "%s", texts[i]);
        ck_assert_str_eq(err.text, "malformed SCRAM verifier");
    }
}
END_TEST

START_TEST(empty_secrets_and_nul_bytes_are_refused)
{
    struct verifier v;
    struct err err;

    ck_assert_int_eq(verifier_parse(&v, SLICE_EMPTY, &err), ERR_INVALID_VALUE);
    ck_assert_str_eq(err.text, "password is empty");
    ck_assert_int_eq(verifier_parse(&v, slice_of("a\0b", 3), &err), ERR_INVALID_VALUE);
    ck_assert_str_eq(err.text, "password contains a NUL");
}
END_TEST

START_TEST(a_salt_may_have_64_bytes_and_no_more)
{
    uint8_t salt[SCRAM_SALT_MAX] = {7};
    struct verifier v, again;
    struct buf out = {0};

    verifier_build(&v, slice_str("secret"), slice_of(salt, sizeof salt), 3);
    verifier_print(&v, &out);
    int rc = verifier_parse(&again, buf_slice(&out), NULL);

    ck_assert_int_eq(rc, 0);
    ck_assert_uint_eq(again.scram.salt_size, SCRAM_SALT_MAX);
    ck_assert(verifier_check_password(&again, ALICE, slice_str("secret")));
    verifier_fini(&v);
    verifier_fini(&again);
    buf_release_secret(&out);
}
END_TEST

START_TEST(md5_answers_pass_for_plain_and_md5)
{
    static const char *const texts[] = {"secret", md5_text};
    static const char right[] = "md55f0388cdae34fff99488f7c4c4a91735";
    const uint8_t salt[MD5_SALT] = {1, 2, 3, 255};
    const uint8_t other[MD5_SALT] = {1, 2, 3, 254};

    for (size_t i = 0; i < 2; i++) {
        struct verifier v = parsed(texts[i]);
        char answer[MD5_WORD + 1];
        ck_assert_int_eq(verifier_answer_md5(&v, ALICE, salt, answer, NULL), 0);
        ck_assert_str_eq(answer, right);
        ck_assert(verifier_check_md5(&v, ALICE, salt, slice_str(right)));
        ck_assert(!verifier_check_md5(&v, ALICE, other, slice_str(right)));
        ck_assert(!verifier_check_md5(&v, ALICE, salt, slice_str("secret")));
        ck_assert(!verifier_check_md5(&v, ALICE, salt, slice_of(right, MD5_WORD - 1)));
        ck_assert(!verifier_check_md5(&v, ALICE, salt, slice_str(md5_text)));
        ck_assert(!verifier_check_md5(&v, ALICE, salt, SLICE_EMPTY));
        verifier_fini(&v);
    }
}
END_TEST

START_TEST(md5_needs_more_than_scram_keys)
{
    const uint8_t salt[MD5_SALT] = {0};
    struct verifier v = parsed(scram_text);
    char answer[MD5_WORD + 1] = "";

    ck_assert_int_eq(verifier_answer_md5(&v, ALICE, salt, answer, NULL), ERR_PASSWORD);
    ck_assert(!verifier_check_md5(&v, ALICE, salt, slice_str(answer)));
    verifier_fini(&v);
}
END_TEST

START_TEST(a_mock_is_the_same_for_a_name_and_differs_between_names)
{
    struct slice secret = slice_str("0123456789abcdef");
    struct verifier a, again, b, other;
    uint8_t salt[SCRAM_SALT];

    verifier_mock(&a, VERIFIER_SCRAM, secret, slice_str("alice"));
    verifier_mock(&again, VERIFIER_SCRAM, secret, slice_str("alice"));
    verifier_mock(&b, VERIFIER_SCRAM, secret, slice_str("bob"));
    verifier_mock(&other, VERIFIER_SCRAM, slice_str("another process!"), slice_str("alice"));
    verifier_salt(secret, slice_str("alice"), salt);

    ck_assert_uint_eq(a.scram.iterations, 4096);
    ck_assert_uint_eq(a.scram.salt_size, SCRAM_SALT);
    ck_assert_mem_eq(&a.scram, &again.scram, sizeof a.scram);
    ck_assert_mem_eq(a.scram.salt, salt, SCRAM_SALT);
    ck_assert_mem_ne(a.scram.salt, b.scram.salt, SCRAM_SALT);
    ck_assert_mem_ne(a.scram.salt, other.scram.salt, SCRAM_SALT);
    verifier_fini(&a);
    verifier_fini(&again);
    verifier_fini(&b);
    verifier_fini(&other);
}
END_TEST

START_TEST(nothing_passes_a_mock)
{
    const uint8_t salt[MD5_SALT] = {1, 2, 3, 4};
    struct slice secret = slice_str("0123456789abcdef");
    struct verifier plain, md5;
    char answer[MD5_WORD + 1];

    verifier_mock(&plain, VERIFIER_PLAIN, secret, ALICE);
    verifier_mock(&md5, VERIFIER_MD5, secret, ALICE);

    ck_assert(md5_is_word(slice_str(md5.md5)));
    ck_assert(!verifier_check_password(&plain, ALICE, slice_str(plain.plain)));
    ck_assert(!verifier_check_password(&md5, ALICE, slice_str("secret")));
    ck_assert_int_eq(verifier_answer_md5(&plain, ALICE, salt, answer, NULL), 0);
    ck_assert(!verifier_check_md5(&plain, ALICE, salt, slice_str(answer)));
    ck_assert_int_eq(verifier_answer_md5(&md5, ALICE, salt, answer, NULL), 0);
    ck_assert(!verifier_check_md5(&md5, ALICE, salt, slice_str(answer)));
    verifier_fini(&plain);
    verifier_fini(&md5);
}
END_TEST

START_TEST(a_scram_verifier_marked_as_mock_passes_not_even_its_password)
{
    struct verifier v = parsed(scram_text);
    v.mock = true;

    ck_assert(!verifier_check_password(&v, ALICE, slice_str("secret")));
    verifier_fini(&v);
}
END_TEST

START_TEST(fini_clears_the_keys)
{
    static const struct verifier_scram cleared;
    struct verifier v = parsed(scram_text);

    verifier_fini(&v);

    ck_assert_mem_eq(&v.scram, &cleared, sizeof cleared);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("auth.verifier");
    TCase *tc = tcase_create("verifier");

    tcase_add_test(tc, every_kind_passes_its_password_only);
    tcase_add_test(tc, a_password_beyond_ascii_is_prepared);
    tcase_add_test(tc, the_kind_is_seen_in_the_text);
    tcase_add_test(tc, printing_gives_the_text_back);
    tcase_add_test(tc, building_with_the_same_salt_gives_what_postgresql_made);
    tcase_add_test(tc, what_only_begins_like_scram_is_refused);
    tcase_add_test(tc, empty_secrets_and_nul_bytes_are_refused);
    tcase_add_test(tc, a_salt_may_have_64_bytes_and_no_more);
    tcase_add_test(tc, md5_answers_pass_for_plain_and_md5);
    tcase_add_test(tc, md5_needs_more_than_scram_keys);
    tcase_add_test(tc, a_mock_is_the_same_for_a_name_and_differs_between_names);
    tcase_add_test(tc, nothing_passes_a_mock);
    tcase_add_test(tc, a_scram_verifier_marked_as_mock_passes_not_even_its_password);
    tcase_add_test(tc, fini_clears_the_keys);
    suite_add_tcase(suite, tc);
    return suite;
}

TEST_MAIN(make_suite)
