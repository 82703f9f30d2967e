// SPDX-License-Identifier: MIT
#include "pool/backend_login.h"

#include <stdlib.h>
#include <string.h>

#include "auth/scram_server.h"
#include "auth/verifier.h"
#include "base/alloc.h"
#include "loops.h"
#include "pool/backend.h"
#include "pool/credential.h"
#include "script.h"
#include "testing.h"
#include "wire/build.h"
#include "wire/frame.h"
#include "wire/startup.h"

/* A login and what the test, as the server, has to do with it. */
struct desk {
    struct loop loop;
    struct credential credential;
    struct backend_login *login;
    struct buf in; /* bytes for the login, what it left of the time before first */
    struct err err;
    int calls; /* of the callback */
    int result;
};

static void on_step(void *data, int result, const struct err *err)
{
    struct desk *d = data;

    d->calls++;
    d->result = result;
    if (err != NULL) {
        d->err = *err;
    }
}

static void begin_with(struct desk *d, const char *secret, const struct context *startup)
{
    *d = (struct desk){0};
    loops_begin(&d->loop);
    credential_set_secret(&d->credential, secret);
    struct backend_target target = {
        .user = "app", .database = "shop", .credential = &d->credential, .startup = startup};
    d->login = backend_login_new(&d->loop, &target, on_step, d);
}

/* The startup packet is sent and forgotten. */
static void begin(struct desk *d, const char *secret)
{
    begin_with(d, secret, NULL);
    backend_login_sent(d->login);
}

static void begin_with_keys(struct desk *d, const struct scram_keys *keys)
{
    *d = (struct desk){0};
    loops_begin(&d->loop);
    credential_set_keys(&d->credential, keys);
    struct backend_target target = {
        .user = "app", .database = "shop", .credential = &d->credential};
    d->login = backend_login_new(&d->loop, &target, on_step, d);
    backend_login_sent(d->login);
}

static void end(struct desk *d)
{
    backend_login_free(d->login);
    credential_fini(&d->credential);
    buf_release(&d->in);
    loops_end(&d->loop);
}

static int feed(struct desk *d)
{
    size_t consumed = 0;

    d->err = (struct err){0};
    int rc = backend_login_feed(d->login, buf_slice(&d->in), &consumed, &d->err);
    buf_consume(&d->in, consumed);
    return rc;
}

static int feed_auth(struct desk *d, uint32_t request, struct slice data)
{
    build_auth(&d->in, request, data);
    return feed(d);
}

/* What a server says once the password was right. */
static void greet(struct buf *out)
{
    build_parameter_status(out, slice_str("server_version"), slice_str("15.3"));
    build_parameter_status(out, slice_str("TimeZone"), slice_str("UTC"));
    build_backend_key(out, 4711, slice_str("key!"));
    build_ready(out, 'I');
}

/* The body of the one message that the login wants to be sent. */
static struct slice output(const struct desk *d)
{
    struct slice out = backend_login_output(d->login);
    struct frame frame;

    ck_assert_int_eq(frame_peek(out, &frame), FRAME_OK);
    ck_assert_uint_eq(frame.type, WIRE_PASSWORD);
    ck_assert_uint_eq(frame.size, out.n);
    return frame_body(out, &frame);
}

/* ---- the startup packet ---- */

static void assert_startup(struct slice packet, const char *const *pairs)
{
    struct startup startup;
    struct slice rest;
    struct slice name;
    struct slice value;
    struct err err;

    ck_assert_int_eq(startup_parse(packet, &startup, &err), 1);
    ck_assert_int_eq(startup.kind, STARTUP_SESSION);
    ck_assert_uint_eq(startup.size, packet.n);
    rest = startup.body;
    for (size_t i = 0; pairs[i] != NULL; i += 2) {
        ck_assert_int_eq(startup_next(&rest, &name, &value, &err), 1);
        ck_assert_slice_str(name, pairs[i]);
        ck_assert_slice_str(value, pairs[i + 1]);
    }
    ck_assert_int_eq(startup_next(&rest, &name, &value, &err), 0);
}

START_TEST(the_startup_packet_names_user_and_database)
{
    static const char *const pairs[] = {"user", "app", "database", "shop", NULL};
    struct desk d;
    begin_with(&d, NULL, NULL);

    assert_startup(backend_login_output(d.login), pairs);

    end(&d);
}
END_TEST

START_TEST(a_dedicated_connection_carries_its_settings_in_the_startup_packet)
{
    static const char *const pairs[] = {"user",       "app",  "database", "shop",
                                        "app.tenant", "acme", NULL};
    struct context_table table;
    struct context_setting setting = {slice_str("app.tenant"), slice_str("acme"), true};
    struct desk d;
    context_table_init(&table);
    struct context *context = context_intern(&table, &table, &setting, 1);
    begin_with(&d, NULL, context);

    assert_startup(backend_login_output(d.login), pairs);

    end(&d);
    context_unref(&table, context);
    context_table_fini(&table);
}
END_TEST

/* ---- no password, plain, md5 ---- */

START_TEST(a_server_that_trusts_needs_no_secret)
{
    struct desk d;
    begin(&d, NULL);
    build_auth(&d.in, WIRE_AUTH_OK, SLICE_EMPTY);
    greet(&d.in);

    ck_assert_int_eq(feed(&d), BACKEND_LOGIN_DONE);

    ck_assert_uint_eq(backend_login_output(d.login).n, 0);
    ck_assert_uint_eq(buf_size(&d.in), 0);
    end(&d);
}
END_TEST

START_TEST(key_and_parameters_are_the_backends_after_the_login)
{
    struct desk d;
    struct backend *b = x_zalloc(sizeof *b);
    struct buf should = {0};
    begin(&d, NULL);
    build_auth(&d.in, WIRE_AUTH_OK, SLICE_EMPTY);
    greet(&d.in);
    build_parameter_status(&should, slice_str("server_version"), slice_str("15.3"));
    build_parameter_status(&should, slice_str("TimeZone"), slice_str("UTC"));
    ck_assert_int_eq(feed(&d), BACKEND_LOGIN_DONE);

    backend_login_take(d.login, b);

    ck_assert_uint_eq(b->pid, 4711);
    ck_assert_slice_str(b->key, "key!");
    ck_assert(slice_eq(buf_slice(&b->parameters.messages), buf_slice(&should)));
    parameters_release(&b->parameters);
    buf_release(&should);
    free(b);
    end(&d);
}
END_TEST

START_TEST(a_login_split_at_any_byte_ends_well)
{
    struct buf bytes = {0};
    build_auth(&bytes, WIRE_AUTH_CLEARTEXT, SLICE_EMPTY);
    build_auth(&bytes, WIRE_AUTH_OK, SLICE_EMPTY);
    greet(&bytes);

    for (size_t at = 0; at < bytes.len; at++) {
        struct desk d;
        begin(&d, "secret");
        buf_append(&d.in, bytes.p, at);
        ck_assert_int_eq(feed(&d), BACKEND_LOGIN_MORE);
        buf_append(&d.in, bytes.p + at, bytes.len - at);
        ck_assert_int_eq(feed(&d), BACKEND_LOGIN_DONE);
        end(&d);
    }
    buf_release(&bytes);
}
END_TEST

START_TEST(a_plain_password_is_sent_where_the_server_asks_for_it)
{
    struct desk d;
    begin(&d, "secret");

    ck_assert_int_eq(feed_auth(&d, WIRE_AUTH_CLEARTEXT, SLICE_EMPTY), BACKEND_LOGIN_MORE);

    ck_assert(slice_eq(output(&d), slice_of("secret", 7)));
    end(&d);
}
END_TEST

START_TEST(an_md5_request_is_answered_with_the_salted_hash)
{
    char stored[MD5_WORD + 1];
    char word[MD5_WORD + 1];
    struct desk d;
    ck_assert_int_eq(md5_store(slice_str("secret"), slice_str("app"), stored), 0);
    ck_assert_int_eq(md5_answer(stored, (const uint8_t *)"salt", word), 0);
    begin(&d, _i == 0 ? "secret" : stored); /* either is enough */

    ck_assert_int_eq(feed_auth(&d, WIRE_AUTH_MD5, slice_str("salt")), BACKEND_LOGIN_MORE);

    ck_assert(slice_eq(output(&d), slice_of(word, sizeof word)));
    end(&d);
}
END_TEST

START_TEST(without_a_password_a_server_that_asks_for_one_is_an_error_of_the_configuration)
{
    static const uint32_t requests[] = {WIRE_AUTH_CLEARTEXT, WIRE_AUTH_MD5, WIRE_AUTH_SASL};
    struct desk d;
    begin(&d, NULL);
    struct slice data =
        requests[_i] == WIRE_AUTH_MD5 ? slice_str("salt") : slice_of("SCRAM-SHA-256\0", 15);

    ck_assert_int_eq(feed_auth(&d, requests[_i], data), ERR_CONNECTION);

    ck_assert_str_eq(d.err.text, "server asks for a password for role \"app\", and none is known");
    ck_assert_str_ne(d.err.hint, "");
    end(&d);
}
END_TEST

#define SCRAM_SECRET                                                                               \
    "SCRAM-SHA-256$1:c2FsdHNhbHRzYWx0c2FsdA==$"                                                    \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

START_TEST(a_verifier_cannot_answer_what_needs_the_password)
{
    static const uint32_t requests[] = {WIRE_AUTH_CLEARTEXT, WIRE_AUTH_MD5};
    struct desk d;
    begin(&d, SCRAM_SECRET);

    ck_assert_int_lt(feed_auth(&d, requests[_i], slice_str("salt")), 0);

    ck_assert_ptr_nonnull(strstr(d.err.text, "wrong password type"));
    end(&d);
}
END_TEST

/* ---- SCRAM ---- */

/* The server's side of the exchange. */
struct scram_side {
    struct verifier verifier;
    struct scram_server machine;
    char nonce[SCRAM_NONCE + 1];
};

static void scram_begin(struct scram_side *s, const char *password)
{
    verifier_build(&s->verifier, slice_str(password), slice_str("saltsaltsaltsalt"), 16);
    scram_random_nonce(s->nonce);
    struct scram_server_options options = {.verifier = &s->verifier, .nonce = slice_str(s->nonce)};
    scram_server_init(&s->machine, &options);
}

static void scram_end(struct scram_side *s)
{
    scram_server_fini(&s->machine);
    verifier_fini(&s->verifier);
}

static int offer_scram(struct desk *d)
{
    static const char mechanisms[] = "SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0";

    return feed_auth(d, WIRE_AUTH_SASL, slice_of(mechanisms, sizeof mechanisms));
}

/* Takes client-first and gives the challenge to the login. */
static int challenge(struct desk *d, struct scram_side *s)
{
    struct buf answer = {0};
    struct cursor c = cursor_of(output(d));

    ck_assert_slice_str(cursor_cstr(&c), "SCRAM-SHA-256");
    ck_assert_uint_eq(cursor_be32(&c), c.left.n);
    ck_assert_int_eq(scram_server_first(&s->machine, c.left, &answer, &d->err), 0);
    backend_login_sent(d->login);
    int rc = feed_auth(d, WIRE_AUTH_SASL_CONTINUE, buf_slice(&answer));
    buf_release(&answer);
    return rc;
}

/* Takes client-final and gives the server's proof. */
static int prove(struct desk *d, struct scram_side *s)
{
    struct buf answer = {0};

    ck_assert_int_eq(scram_server_final(&s->machine, output(d), &answer, &d->err), 0);
    backend_login_sent(d->login);
    int rc = feed_auth(d, WIRE_AUTH_SASL_FINAL, buf_slice(&answer));
    buf_release(&answer);
    return rc;
}

START_TEST(scram_with_a_plain_password_derives_the_keys_off_the_loop)
{
    struct scram_side s;
    struct desk d;
    begin(&d, "secret");
    scram_begin(&s, "secret");

    ck_assert_int_eq(offer_scram(&d), BACKEND_LOGIN_MORE);
    ck_assert_int_eq(challenge(&d, &s), BACKEND_LOGIN_MORE);
    ck_assert_uint_eq(backend_login_output(d.login).n, 0);
    loops_until_is(&d.loop, &d.calls, 1);
    ck_assert_int_eq(d.result, BACKEND_LOGIN_MORE);
    ck_assert_int_eq(prove(&d, &s), BACKEND_LOGIN_MORE);
    build_auth(&d.in, WIRE_AUTH_OK, SLICE_EMPTY);
    greet(&d.in);

    ck_assert_int_eq(feed(&d), BACKEND_LOGIN_DONE);
    ck_assert_int_eq(d.calls, 1);
    scram_end(&s);
    end(&d);
}
END_TEST

START_TEST(scram_with_keys_that_a_client_proved_needs_no_password)
{
    struct scram_side s;
    struct scram_keys keys;
    struct desk d;
    scram_derive(slice_str("secret"), slice_str("saltsaltsaltsalt"), 16, &keys);
    begin_with_keys(&d, &keys);
    scram_begin(&s, "secret");

    ck_assert_int_eq(offer_scram(&d), BACKEND_LOGIN_MORE);
    ck_assert_int_eq(challenge(&d, &s), BACKEND_LOGIN_MORE);
    ck_assert_int_eq(prove(&d, &s), BACKEND_LOGIN_MORE);
    build_auth(&d.in, WIRE_AUTH_OK, SLICE_EMPTY);
    greet(&d.in);

    ck_assert_int_eq(feed(&d), BACKEND_LOGIN_DONE);
    ck_assert_int_eq(d.calls, 0);
    scram_end(&s);
    end(&d);
}
END_TEST

START_TEST(a_verifier_without_keys_cannot_log_in_by_scram)
{
    struct scram_side s;
    struct desk d;
    begin(&d, SCRAM_SECRET);
    scram_begin(&s, "secret");

    ck_assert_int_eq(offer_scram(&d), BACKEND_LOGIN_MORE);

    ck_assert_int_eq(challenge(&d, &s), ERR_CONNECTION);
    ck_assert_ptr_nonnull(strstr(d.err.text, "no client of it has logged in yet"));
    scram_end(&s);
    end(&d);
}
END_TEST

START_TEST(a_server_that_does_not_prove_itself_is_left)
{
    struct scram_side s;
    struct scram_keys keys;
    struct desk d;
    scram_derive(slice_str("secret"), slice_str("saltsaltsaltsalt"), 16, &keys);
    memset(keys.server, 0, sizeof keys.server); /* what the server says will not fit */
    begin_with_keys(&d, &keys);
    scram_begin(&s, "secret");
    ck_assert_int_eq(offer_scram(&d), BACKEND_LOGIN_MORE);
    ck_assert_int_eq(challenge(&d, &s), BACKEND_LOGIN_MORE);

    ck_assert_int_eq(prove(&d, &s), ERR_CONNECTION);

    scram_end(&s);
    end(&d);
}
END_TEST

START_TEST(authentication_ok_in_the_middle_of_scram_is_a_lie)
{
    struct scram_side s;
    struct scram_keys keys;
    struct desk d;
    scram_derive(slice_str("secret"), slice_str("saltsaltsaltsalt"), 16, &keys);
    begin_with_keys(&d, &keys);
    scram_begin(&s, "secret");
    ck_assert_int_eq(offer_scram(&d), BACKEND_LOGIN_MORE);
    if (_i == 1) {
        ck_assert_int_eq(challenge(&d, &s), BACKEND_LOGIN_MORE);
    }

    ck_assert_int_eq(feed_auth(&d, WIRE_AUTH_OK, SLICE_EMPTY), ERR_CONNECTION);

    ck_assert_str_eq(d.err.text, "server did not prove that it knows the password");
    scram_end(&s);
    end(&d);
}
END_TEST

START_TEST(a_nonce_of_64_kb_is_refused)
{
    struct scram_keys keys = {{0}, {0}};
    struct buf first = {0};
    struct desk d;
    begin_with_keys(&d, &keys);
    ck_assert_int_eq(offer_scram(&d), BACKEND_LOGIN_MORE);
    struct slice ours = slice_from(output(&d), sizeof "SCRAM-SHA-256" + 4);
    ptrdiff_t at = slice_find(ours, 'r');
    buf_append(&first, "r=", 2);
    buf_append_slice(&first, slice_from(ours, (size_t)at + 2));
    memset(buf_reserve(&first, 60000), 'x', 60000);
    buf_commit(&first, 60000);
    buf_printf(&first, ",s=c2FsdA==,i=4096");

    ck_assert_int_eq(feed_auth(&d, WIRE_AUTH_SASL_CONTINUE, buf_slice(&first)), ERR_PROTOCOL);

    buf_release(&first);
    end(&d);
}
END_TEST

START_TEST(a_server_that_asks_for_endless_iterations_is_refused)
{
    struct scram_keys keys = {{0}, {0}};
    struct buf first = {0};
    struct desk d;
    begin_with_keys(&d, &keys);
    ck_assert_int_eq(offer_scram(&d), BACKEND_LOGIN_MORE);
    struct slice ours = slice_from(output(&d), sizeof "SCRAM-SHA-256" + 4);
    ptrdiff_t at = slice_find(ours, 'r');
    buf_append(&first, "r=", 2);
    buf_append_slice(&first, slice_from(ours, (size_t)at + 2));
    buf_printf(&first, "more,s=c2FsdA==,i=2000000000");

    ck_assert_int_eq(feed_auth(&d, WIRE_AUTH_SASL_CONTINUE, buf_slice(&first)), ERR_PROTOCOL);

    buf_release(&first);
    end(&d);
}
END_TEST

START_TEST(a_login_freed_while_its_keys_are_derived_is_never_heard_of_again)
{
    struct scram_side s;
    struct desk d;
    begin(&d, "secret");
    scram_begin(&s, "secret");
    ck_assert_int_eq(offer_scram(&d), BACKEND_LOGIN_MORE);
    ck_assert_int_eq(challenge(&d, &s), BACKEND_LOGIN_MORE);

    scram_end(&s);
    end(&d); /* the loop runs dry behind it */

    ck_assert_int_eq(d.calls, 0);
}
END_TEST

START_TEST(an_unknown_mechanism_is_refused)
{
    struct desk d;
    begin(&d, "secret");

    ck_assert_int_eq(feed_auth(&d, WIRE_AUTH_SASL, slice_of("OAUTHBEARER\0", 13)), ERR_CONNECTION);

    end(&d);
}
END_TEST

/* ---- hostile servers ---- */

START_TEST(any_message_that_has_no_place_in_a_login_ends_it)
{
    for (int type = 1; type < 256; type++) {
        struct desk d;
        if (strchr("RENvSKZ", type) != NULL) {
            continue;
        }
        begin(&d, "secret");
        build_empty(&d.in, (uint8_t)type);
        ck_assert_int_eq(feed(&d), ERR_PROTOCOL);
        end(&d);
    }
}
END_TEST

START_TEST(ready_for_query_before_authentication_ends_the_login)
{
    struct desk d;
    begin(&d, "secret");
    script_server(&d.in, "ZI");

    ck_assert_int_eq(feed(&d), ERR_PROTOCOL);

    ck_assert_str_eq(d.err.text, "server is ready without authentication");
    end(&d);
}
END_TEST

START_TEST(an_authentication_request_out_of_place_ends_the_login)
{
    static const uint32_t late[] = {WIRE_AUTH_OK, WIRE_AUTH_CLEARTEXT, WIRE_AUTH_MD5,
                                    WIRE_AUTH_SASL};
    struct desk d;
    begin(&d, "secret");
    ck_assert_int_eq(feed_auth(&d, WIRE_AUTH_OK, SLICE_EMPTY), BACKEND_LOGIN_MORE);

    ck_assert_int_eq(feed_auth(&d, late[_i], slice_of("SCRAM-SHA-256\0", 15)), ERR_PROTOCOL);

    ck_assert_uint_eq(backend_login_output(d.login).n, 0);
    end(&d);
}
END_TEST

START_TEST(a_sasl_exchange_cannot_begin_in_the_middle)
{
    static const uint32_t requests[] = {WIRE_AUTH_SASL_CONTINUE, WIRE_AUTH_SASL_FINAL};
    struct desk d;
    begin(&d, "secret");

    ck_assert_int_eq(feed_auth(&d, requests[_i], slice_str("r=x,s=c2FsdA==,i=1")), ERR_PROTOCOL);

    end(&d);
}
END_TEST

START_TEST(a_sasl_exchange_begins_only_once)
{
    struct desk d;
    begin(&d, "secret");
    ck_assert_int_eq(offer_scram(&d), BACKEND_LOGIN_MORE);

    ck_assert_int_lt(offer_scram(&d), 0);

    end(&d);
}
END_TEST

START_TEST(a_method_that_is_not_known_is_named)
{
    struct desk d;
    begin(&d, "secret");

    ck_assert_int_eq(feed_auth(&d, 7, SLICE_EMPTY), ERR_CONNECTION);

    ck_assert_str_eq(d.err.text, "server asks for authentication method 7, which is not supported");
    end(&d);
}
END_TEST

START_TEST(an_impossible_length_ends_the_login)
{
    static const uint32_t lengths[] = {0, 3, 65536, 0x7fffffffU, 0x80000000U, 0xffffffffU};
    struct desk d;
    begin(&d, "secret");
    buf_append_u8(&d.in, 'R');
    buf_append_be32(&d.in, lengths[_i]);

    ck_assert_int_eq(feed(&d), ERR_PROTOCOL);

    end(&d);
}
END_TEST

START_TEST(a_truncated_request_ends_the_login)
{
    struct desk d;
    begin(&d, "secret");
    script_message(&d.in, 'R', "\0\0\0", 3);

    ck_assert_int_eq(feed(&d), ERR_PROTOCOL);

    end(&d);
}
END_TEST

START_TEST(an_md5_request_without_its_salt_ends_the_login)
{
    struct desk d;
    begin(&d, "secret");

    ck_assert_int_eq(feed_auth(&d, WIRE_AUTH_MD5, slice_str("sal")), ERR_PROTOCOL);

    end(&d);
}
END_TEST

START_TEST(the_servers_error_is_told_in_its_own_words)
{
    struct desk d;
    begin(&d, "secret");
    script_error(&d.in, "FATAL", "3D000", "database \"shop\" does not exist");

    ck_assert_int_eq(feed(&d), ERR_SERVER);

    ck_assert_str_eq(d.err.sqlstate, "3D000");
    ck_assert_str_eq(d.err.text, "database \"shop\" does not exist");
    end(&d);
}
END_TEST

START_TEST(an_error_without_a_sqlstate_is_an_internal_one)
{
    struct desk d;
    begin(&d, "secret");
    script_message(&d.in, 'E', "SFATAL\0Mno\0", 12);

    ck_assert_int_eq(feed(&d), ERR_SERVER);

    ck_assert_str_eq(d.err.sqlstate, "XX000");
    ck_assert_str_eq(d.err.text, "no");
    end(&d);
}
END_TEST

START_TEST(a_malformed_error_ends_the_login)
{
    struct desk d;
    begin(&d, "secret");
    script_message(&d.in, 'E', "SFATAL", 6);

    ck_assert_int_eq(feed(&d), ERR_PROTOCOL);

    end(&d);
}
END_TEST

START_TEST(a_cancel_key_of_a_length_that_cannot_be_ends_the_login)
{
    static const size_t sizes[] = {0, 3, 257};
    uint8_t key[300] = {0};
    struct desk d;
    begin(&d, "secret");
    ck_assert_int_eq(feed_auth(&d, WIRE_AUTH_OK, SLICE_EMPTY), BACKEND_LOGIN_MORE);

    build_backend_key(&d.in, 1, slice_of(key, sizes[_i]));

    ck_assert_int_eq(feed(&d), ERR_PROTOCOL);
    end(&d);
}
END_TEST

START_TEST(a_key_of_a_newer_protocol_is_kept_whole)
{
    uint8_t key[256];
    struct backend *b = x_zalloc(sizeof *b);
    struct desk d;
    memset(key, 'k', sizeof key);
    begin(&d, "secret");
    build_auth(&d.in, WIRE_AUTH_OK, SLICE_EMPTY);
    build_backend_key(&d.in, 1, slice_of(key, sizeof key));
    script_server(&d.in, "ZI");
    ck_assert_int_eq(feed(&d), BACKEND_LOGIN_DONE);

    backend_login_take(d.login, b);

    ck_assert(slice_eq(b->key, slice_of(key, sizeof key)));
    parameters_release(&b->parameters);
    free(b);
    end(&d);
}
END_TEST

START_TEST(parameters_without_end_are_refused)
{
    char value[4000];
    struct desk d;
    int rc = BACKEND_LOGIN_MORE;
    memset(value, 'v', sizeof value);
    begin(&d, "secret");

    int count = 0;
    for (; count < 100 && rc == BACKEND_LOGIN_MORE; count++) {
        build_parameter_status(&d.in, slice_str("x"), slice_of(value, sizeof value));
        rc = feed(&d);
    }

    ck_assert_int_eq(rc, ERR_PROTOCOL);
    ck_assert_int_eq(count, 17); /* the first beyond 64 KiB */
    end(&d);
}
END_TEST

static void add_usual(TCase *all)
{
    tcase_add_test(all, the_startup_packet_names_user_and_database);
    tcase_add_test(all, a_dedicated_connection_carries_its_settings_in_the_startup_packet);
    tcase_add_test(all, a_server_that_trusts_needs_no_secret);
    tcase_add_test(all, key_and_parameters_are_the_backends_after_the_login);
    tcase_add_test(all, a_login_split_at_any_byte_ends_well);
    tcase_add_test(all, a_plain_password_is_sent_where_the_server_asks_for_it);
    tcase_add_loop_test(all, an_md5_request_is_answered_with_the_salted_hash, 0, 2);
    tcase_add_loop_test(
        all, without_a_password_a_server_that_asks_for_one_is_an_error_of_the_configuration, 0, 3);
    tcase_add_loop_test(all, a_verifier_cannot_answer_what_needs_the_password, 0, 2);
    tcase_add_test(all, scram_with_a_plain_password_derives_the_keys_off_the_loop);
    tcase_add_test(all, scram_with_keys_that_a_client_proved_needs_no_password);
    tcase_add_test(all, a_verifier_without_keys_cannot_log_in_by_scram);
}

static void add_hostile(TCase *all)
{
    tcase_add_test(all, a_server_that_does_not_prove_itself_is_left);
    tcase_add_loop_test(all, authentication_ok_in_the_middle_of_scram_is_a_lie, 0, 2);
    tcase_add_test(all, a_nonce_of_64_kb_is_refused);
    tcase_add_test(all, a_server_that_asks_for_endless_iterations_is_refused);
    tcase_add_test(all, a_login_freed_while_its_keys_are_derived_is_never_heard_of_again);
    tcase_add_test(all, an_unknown_mechanism_is_refused);
    tcase_add_test(all, any_message_that_has_no_place_in_a_login_ends_it);
    tcase_add_test(all, ready_for_query_before_authentication_ends_the_login);
    tcase_add_loop_test(all, an_authentication_request_out_of_place_ends_the_login, 0, 4);
    tcase_add_loop_test(all, a_sasl_exchange_cannot_begin_in_the_middle, 0, 2);
    tcase_add_test(all, a_sasl_exchange_begins_only_once);
    tcase_add_test(all, a_method_that_is_not_known_is_named);
    tcase_add_loop_test(all, an_impossible_length_ends_the_login, 0, 6);
    tcase_add_test(all, a_truncated_request_ends_the_login);
    tcase_add_test(all, an_md5_request_without_its_salt_ends_the_login);
    tcase_add_test(all, the_servers_error_is_told_in_its_own_words);
    tcase_add_test(all, an_error_without_a_sqlstate_is_an_internal_one);
    tcase_add_test(all, a_malformed_error_ends_the_login);
    tcase_add_loop_test(all, a_cancel_key_of_a_length_that_cannot_be_ends_the_login, 0, 3);
    tcase_add_test(all, a_key_of_a_newer_protocol_is_kept_whole);
    tcase_add_test(all, parameters_without_end_are_refused);
}

/* ---- the start of the server process ---- */

static void begin_sealed(struct desk *d)
{
    *d = (struct desk){0};
    loops_begin(&d->loop);
    struct backend_target target = {
        .user = "app", .database = "shop", .credential = &d->credential, .sealed = true};
    d->login = backend_login_new(&d->loop, &target, on_step, d);
    backend_login_sent(d->login);
    ck_assert_int_eq(feed_auth(d, WIRE_AUTH_OK, SLICE_EMPTY), BACKEND_LOGIN_MORE);
}

static void answer_row(struct desk *d, const char *start)
{
    size_t at = build_begin(&d->in, WIRE_DATA_ROW);

    buf_append_be16(&d->in, 1);
    buf_append_be32(&d->in, start == NULL ? UINT32_MAX : (uint32_t)strlen(start));
    buf_append(&d->in, start == NULL ? "" : start, start == NULL ? 0 : strlen(start));
    build_end(&d->in, at);
}

START_TEST(a_connection_for_sealed_tenants_asks_when_its_process_began)
{
    struct desk d;
    struct backend b = {0};
    struct frame frame;
    begin_sealed(&d);
    greet(&d.in);

    ck_assert_int_eq(feed(&d), BACKEND_LOGIN_MORE);
    ck_assert_int_eq(frame_peek(backend_login_output(d.login), &frame), FRAME_OK);
    ck_assert_uint_eq(frame.type, WIRE_QUERY);
    answer_row(&d, "1700000000000001");
    build_command_complete(&d.in, "SELECT 1");
    build_ready(&d.in, 'I');
    ck_assert_int_eq(feed(&d), BACKEND_LOGIN_DONE);

    backend_login_take(d.login, &b);
    ck_assert_str_eq(b.start, "1700000000000001");
    parameters_release(&b.parameters);
    end(&d);
}
END_TEST

START_TEST(a_role_that_may_not_look_asks_the_function)
{
    struct desk d;
    begin_sealed(&d);
    greet(&d.in);
    ck_assert_int_eq(feed(&d), BACKEND_LOGIN_MORE);
    backend_login_sent(d.login);
    script_error(&d.in, "ERROR", "42501", "permission denied for function pg_stat_get_activity");
    build_ready(&d.in, 'I');

    ck_assert_int_eq(feed(&d), BACKEND_LOGIN_MORE);

    struct slice body = slice_from(backend_login_output(d.login), FRAME_HEADER);
    ck_assert_str_eq((const char *)body.p, "SELECT fahrend.backend_start()");
    end(&d);
}
END_TEST

START_TEST(a_server_that_does_not_tell_is_not_used_for_sealed_tenants)
{
    struct desk d;
    begin_sealed(&d);
    greet(&d.in);
    ck_assert_int_eq(feed(&d), BACKEND_LOGIN_MORE);
    answer_row(&d, NULL);

    ck_assert_int_eq(feed(&d), ERR_CONNECTION);

    end(&d);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("backend_login");
    TCase *all = tcase_create("all");

    add_usual(all);
    add_hostile(all);
    tcase_add_test(all, a_connection_for_sealed_tenants_asks_when_its_process_began);
    tcase_add_test(all, a_server_that_does_not_tell_is_not_used_for_sealed_tenants);
    tcase_add_test(all, a_role_that_may_not_look_asks_the_function);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
