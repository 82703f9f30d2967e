// SPDX-License-Identifier: MIT
#include "proxy/client_login.h"

#include <stdio.h>
#include <string.h>

#include "auth/scram_client.h"
#include "base/limits.h"
#include "config/load.h"
#include "secret/fetch.h"
#include "loops.h"
#include "script.h"
#include "testing.h"
#include "wire/build.h"
#include "wire/frame.h"

/* A login and what the test, as the client, has to do with it. */
struct desk {
    struct loop loop;
    const struct realm *realm;
    struct directory *directory;
    struct client_login *login;
    struct buf in;  /* bytes for the login, what it left of the time before first */
    struct buf out; /* what it said and the test has not taken */
    struct err err;
    int calls; /* of the callback */
    int result;
};

static void on_step(void *data, int result, const struct err *err)
{
    struct desk *d = data;

    d->calls++;
    d->result = result;
    d->err = *err;
}

static const struct realm *make_realm(const char *auth)
{
    static const uint8_t mock[32] = "thirty-two bytes of randomness.";
    static struct budget budget;
    struct budget *budgets[] = {&budget};
    struct config_faults faults = {0};
    const struct config *config = NULL;
    const struct secrets *secrets = NULL;
    struct buf report = {0};
    struct err err = {0};
    char text[1000];

    (void)snprintf(text, sizeof text,
                   "servers: {main: {}}\n"
                   "tenancy: {resolve: [{parameter: app.tenant}, {user: '{user}.{tenant}'}]}\n%s\n",
                   auth);
    int rc = config_parse("test.yaml", slice_str(text), &config, &faults);
    config_faults_print(&faults, &report);
    buf_append_u8(&report, 0);
    ck_assert_msg(rc == 0, "%s", (const char *)report.p);
    config_faults_fini(&faults);
    ck_assert_int_eq(fetch_secrets(config, &secrets, &report), 0);
    buf_release(&report);
    const struct registry *registry = registry_build(config, NULL);
    config_unref(config);
    const struct realm *realm = realm_build(registry, secrets, NULL, budgets, mock, &err);
    ck_assert_msg(realm != NULL, "%s", err.text);
    return realm;
}

static void begin(struct desk *d, const char *auth)
{
    struct client_origin origin = {.peer = {.family = AF_INET, .ip = {127, 0, 0, 1}}};

    *d = (struct desk){0};
    loops_begin(&d->loop);
    d->realm = make_realm(auth);
    d->directory = directory_new(&d->loop, NULL);
    struct client_login_needs needs = {
        .loop = &d->loop, .realm = d->realm, .directory = d->directory};
    d->login = client_login_new(&needs, &origin, on_step, d);
}

static void end(struct desk *d)
{
    client_login_free(d->login);
    directory_free(d->directory);
    loops_end(&d->loop);
    realm_unref(d->realm);
    buf_release(&d->in);
    buf_release(&d->out);
}

static int feed(struct desk *d)
{
    size_t consumed = 0;

    d->err = (struct err){0};
    int rc = client_login_feed(d->login, buf_slice(&d->in), &consumed, &d->err);
    buf_consume(&d->in, consumed);
    buf_append_slice(&d->out, client_login_output(d->login));
    client_login_sent(d->login);
    return rc;
}

/* A startup packet of these pairs; the list ends with NULL. */
static void build_startup(struct buf *out, const char *const *pairs)
{
    size_t start = build_startup_begin(out, WIRE_PROTOCOL_3_0);

    for (size_t i = 0; pairs[i] != NULL; i += 2) {
        build_startup_parameter(out, slice_str(pairs[i]), slice_str(pairs[i + 1]));
    }
    build_startup_end(out, start);
}

static int knock(struct desk *d, const char *const *pairs)
{
    build_startup(&d->in, pairs);
    return feed(d);
}

static int knock_as(struct desk *d, const char *user)
{
    const char *const pairs[] = {"user", user, "database", "shop", NULL};

    return knock(d, pairs);
}

static int send_password(struct desk *d, const char *password)
{
    build_password(&d->in, slice_of(password, strlen(password) + 1));
    return feed(d);
}

/* The request of the next message that the login sent, and the data behind it. */
static uint32_t take_auth(struct desk *d, struct slice *data)
{
    struct slice out = buf_slice(&d->out);
    struct frame frame;

    ck_assert_int_eq(frame_peek(out, &frame), FRAME_OK);
    ck_assert_uint_eq(frame.type, WIRE_AUTHENTICATION);
    struct cursor c = cursor_of(frame_body(out, &frame));
    uint32_t request = cursor_be32(&c);
    *data = c.left;
    buf_consume(&d->out, frame.size);
    return request;
}

static void expect_auth(struct desk *d, uint32_t request)
{
    struct slice data;

    ck_assert_uint_eq(take_auth(d, &data), request);
}

#define TRUST    "auth: {method: trust}"
#define PASSWORD "auth: {method: password}\nusers: {app: {password: secret, tenants: ['*']}}"
#define MD5      "auth: {method: md5}\nusers: {app: {password: secret, tenants: ['*']}}"
#define SCRAM    "auth: {method: scram-sha-256}\nusers: {app: {password: secret, tenants: ['*']}}"

/* ---- startup ---- */

START_TEST(where_everybody_is_trusted_a_startup_packet_is_enough)
{
    struct desk d;
    begin(&d, TRUST);

    ck_assert_int_eq(knock_as(&d, "app.acme"), CLIENT_LOGIN_DONE);

    expect_auth(&d, WIRE_AUTH_OK);
    ck_assert_uint_eq(buf_size(&d.out), 0);
    end(&d);
}
END_TEST

START_TEST(user_and_tenant_are_told_apart)
{
    struct desk d;
    begin(&d, TRUST);
    ck_assert_int_eq(knock_as(&d, "app.acme"), CLIENT_LOGIN_DONE);

    const struct client_identity *identity = client_login_identity(d.login);

    ck_assert_slice_str(identity->user, "app");
    ck_assert_slice_str(identity->full_user, "app.acme");
    ck_assert_slice_str(identity->database, "shop");
    ck_assert_str_eq(identity->tenant, "acme");
    ck_assert_ptr_null(identity->known);
    end(&d);
}
END_TEST

START_TEST(a_packet_split_at_any_byte_is_the_same_packet)
{
    static const char *const pairs[] = {"user", "app.acme", "database", "shop", NULL};
    struct buf packet = {0};
    build_startup(&packet, pairs);

    for (size_t at = 0; at < packet.len; at++) {
        struct desk d;
        begin(&d, TRUST);
        buf_append(&d.in, packet.p, at);
        ck_assert_int_eq(feed(&d), CLIENT_LOGIN_MORE);
        buf_append(&d.in, packet.p + at, packet.len - at);
        ck_assert_int_eq(feed(&d), CLIENT_LOGIN_DONE);
        ck_assert_str_eq(client_login_identity(d.login)->tenant, "acme");
        end(&d);
    }
    buf_release(&packet);
}
END_TEST

static const struct context_setting *setting(const struct desk *d, const char *name)
{
    const struct client_identity *identity = client_login_identity(d->login);
    const struct context_setting *found = NULL;

    for (size_t i = 0; i < identity->setting_count; i++) {
        if (slice_eq_str(identity->settings[i].name, name)) {
            found = &identity->settings[i]; /* the last one counts */
        }
    }
    return found;
}

START_TEST(other_parameters_are_settings)
{
    static const char *const pairs[] = {
        "user", "app.acme", "TimeZone", "UTC", "options", "-c work_mem=1MB --statement-timeout=5s",
        NULL};
    struct desk d;
    begin(&d, TRUST);

    ck_assert_int_eq(knock(&d, pairs), CLIENT_LOGIN_DONE);

    ck_assert_slice_str(setting(&d, "TimeZone")->value, "UTC");
    ck_assert_slice_str(setting(&d, "work_mem")->value, "1MB");
    ck_assert_slice_str(setting(&d, "statement_timeout")->value, "5s");
    ck_assert_ptr_null(setting(&d, "user"));
    ck_assert_ptr_null(setting(&d, "options"));
    end(&d);
}
END_TEST

START_TEST(a_parameter_of_its_own_counts_more_than_one_out_of_options)
{
    static const char *const pairs[] = {"user",    "app.acme",        "work_mem", "2MB",
                                        "options", "-c work_mem=1MB", NULL};
    struct desk d;
    begin(&d, TRUST);

    ck_assert_int_eq(knock(&d, pairs), CLIENT_LOGIN_DONE);

    ck_assert_slice_str(setting(&d, "work_mem")->value, "2MB");
    end(&d);
}
END_TEST

START_TEST(the_parameter_that_names_the_tenant_is_no_setting)
{
    static const char *const pairs[] = {"user", "app", "options", "-c app.tenant=acme", NULL};
    struct desk d;
    begin(&d, TRUST);

    ck_assert_int_eq(knock(&d, pairs), CLIENT_LOGIN_DONE);

    ck_assert_str_eq(client_login_identity(d.login)->tenant, "acme");
    ck_assert_ptr_null(setting(&d, "app.tenant"));
    end(&d);
}
END_TEST

START_TEST(that_rules_disagree_is_not_told_before_the_password)
{
    static const char *const pairs[] = {"user", "app.acme", "app.tenant", "globex", NULL};
    struct desk d;
    begin(&d, PASSWORD);

    ck_assert_int_eq(knock(&d, pairs), CLIENT_LOGIN_MORE);
    expect_auth(&d, WIRE_AUTH_CLEARTEXT);
    ck_assert_int_eq(send_password(&d, "secret"), CLIENT_LOGIN_DONE);

    ck_assert_str_eq(client_login_identity(d.login)->tenant, "");
    ck_assert_int_eq(client_login_identity(d.login)->tenant_err.code, ERR_NO_TENANT);
    end(&d);
}
END_TEST

START_TEST(without_a_tenant_the_reason_is_kept_for_later)
{
    struct desk d;
    begin(&d, PASSWORD);

    ck_assert_int_eq(knock_as(&d, "app"), CLIENT_LOGIN_MORE);
    ck_assert_int_eq(send_password(&d, "secret"), CLIENT_LOGIN_DONE);

    const struct client_identity *identity = client_login_identity(d.login);
    ck_assert_str_eq(identity->tenant, "");
    ck_assert_int_eq(identity->tenant_err.code, ERR_NO_TENANT);
    end(&d);
}
END_TEST

START_TEST(without_a_user_nobody_logs_in)
{
    static const char *const pairs[] = {"database", "shop", NULL};
    struct desk d;
    begin(&d, TRUST);

    ck_assert_int_eq(knock(&d, pairs), ERR_NOT_ALLOWED);

    ck_assert_str_eq(d.err.text, "no PostgreSQL user name specified in startup packet");
    end(&d);
}
END_TEST

START_TEST(encryption_is_declined_once_each_and_the_session_goes_on)
{
    struct desk d;
    begin(&d, TRUST);

    build_request(&d.in, WIRE_SSL_REQUEST);
    ck_assert_int_eq(feed(&d), CLIENT_LOGIN_MORE);
    build_request(&d.in, WIRE_GSSENC_REQUEST);
    ck_assert_int_eq(feed(&d), CLIENT_LOGIN_MORE);
    ck_assert_slice_str(buf_slice(&d.out), "NN");
    ck_assert_int_eq(knock_as(&d, "app.acme"), CLIENT_LOGIN_DONE);

    end(&d);
}
END_TEST

START_TEST(encryption_asked_for_twice_ends_the_login)
{
    static const uint32_t requests[] = {WIRE_SSL_REQUEST, WIRE_GSSENC_REQUEST};
    struct desk d;
    begin(&d, TRUST);
    build_request(&d.in, requests[_i]);
    ck_assert_int_eq(feed(&d), CLIENT_LOGIN_MORE);

    build_request(&d.in, requests[_i]);

    ck_assert_int_eq(feed(&d), ERR_PROTOCOL);
    end(&d);
}
END_TEST

START_TEST(bytes_behind_a_request_for_encryption_end_the_login)
{
    struct desk d;
    begin(&d, TRUST);
    build_request(&d.in, WIRE_SSL_REQUEST);

    ck_assert_int_eq(knock_as(&d, "app.acme"), ERR_PROTOCOL);

    ck_assert_str_eq(d.err.text, "received unencrypted data after SSL request");
    end(&d);
}
END_TEST

START_TEST(a_newer_protocol_and_its_extensions_are_negotiated_down)
{
    struct desk d;
    struct frame frame;
    begin(&d, TRUST);
    size_t start = build_startup_begin(&d.in, WIRE_PROTOCOL_3_2 + 7);
    build_startup_parameter(&d.in, slice_str("user"), slice_str("app.acme"));
    build_startup_parameter(&d.in, slice_str("_pq_.something"), slice_str("on"));
    build_startup_end(&d.in, start);

    ck_assert_int_eq(feed(&d), CLIENT_LOGIN_DONE);

    ck_assert_int_eq(frame_peek(buf_slice(&d.out), &frame), FRAME_OK);
    ck_assert_uint_eq(frame.type, WIRE_NEGOTIATE);
    struct cursor c = cursor_of(frame_body(buf_slice(&d.out), &frame));
    ck_assert_uint_eq(cursor_be32(&c), WIRE_PROTOCOL_3_2);
    ck_assert_uint_eq(cursor_be32(&c), 1);
    ck_assert_slice_str(cursor_cstr(&c), "_pq_.something");
    ck_assert_ptr_null(setting(&d, "_pq_.something"));
    end(&d);
}
END_TEST

START_TEST(a_cancel_request_is_no_login)
{
    struct desk d;
    begin(&d, SCRAM);
    build_cancel(&d.in, 4711, slice_of("key!", 4));

    ck_assert_int_eq(feed(&d), CLIENT_LOGIN_CANCEL);
    struct cancel_key key = client_login_cancel_key(d.login);

    ck_assert_uint_eq(key.pid, 4711);
    ck_assert_uint_eq(key.n, 4);
    ck_assert_mem_eq(key.bytes, "key!", 4);
    ck_assert_uint_eq(buf_size(&d.out), 0);
    end(&d);
}
END_TEST

START_TEST(a_startup_packet_of_a_length_that_cannot_be_ends_the_login)
{
    static const uint32_t lengths[] = {0, 7, LIMIT_STARTUP_PACKET + 1, 0x7fffffffU, 0xffffffffU};
    struct desk d;
    begin(&d, TRUST);
    buf_append_be32(&d.in, lengths[_i]);

    ck_assert_int_eq(feed(&d), ERR_PROTOCOL);

    end(&d);
}
END_TEST

START_TEST(too_many_settings_end_the_login)
{
    struct desk d;
    begin(&d, TRUST);
    size_t start = build_startup_begin(&d.in, WIRE_PROTOCOL_3_0);
    build_startup_parameter(&d.in, slice_str("user"), slice_str("app.acme"));
    for (int i = 0; i <= LIMIT_CONTEXT_SETTINGS; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "x.s%d", i);
        build_startup_parameter(&d.in, slice_str(name), slice_str("on"));
    }
    build_startup_end(&d.in, start);

    ck_assert_int_eq(feed(&d), ERR_INVALID_VALUE);

    end(&d);
}
END_TEST

/* ---- plain passwords ---- */

START_TEST(the_right_password_logs_in)
{
    struct desk d;
    begin(&d, PASSWORD);

    ck_assert_int_eq(knock_as(&d, "app.acme"), CLIENT_LOGIN_MORE);
    expect_auth(&d, WIRE_AUTH_CLEARTEXT);
    ck_assert_int_eq(send_password(&d, "secret"), CLIENT_LOGIN_DONE);
    expect_auth(&d, WIRE_AUTH_OK);

    ck_assert_ptr_nonnull(client_login_identity(d.login)->known);
    end(&d);
}
END_TEST

/* With every method that asks for a word: unknown users and wrong words have one answer. */
START_TEST(an_unknown_user_and_a_wrong_password_have_the_same_answer)
{
    static const char *const methods[] = {PASSWORD, MD5};
    static const char *const users[] = {"app.acme", "nobody.acme"};
    char texts[2][ERR_TEXT_MAX];

    for (int i = 0; i < 2; i++) {
        struct desk d;
        struct slice data;
        begin(&d, methods[_i]);
        ck_assert_int_eq(knock_as(&d, users[i]), CLIENT_LOGIN_MORE);
        (void)take_auth(&d, &data);
        ck_assert_int_eq(send_password(&d, "wrong"), ERR_PASSWORD);
        (void)snprintf(texts[i], sizeof texts[i], "%.*s",
                       (int)(strchr(d.err.text, '"') - d.err.text), d.err.text);
        ck_assert_uint_eq(buf_size(&d.out), 0);
        end(&d);
    }

    ck_assert_str_eq(texts[0], texts[1]);
}
END_TEST

START_TEST(an_empty_password_never_logs_in)
{
    struct desk d;
    begin(&d, PASSWORD);
    ck_assert_int_eq(knock_as(&d, "app.acme"), CLIENT_LOGIN_MORE);

    ck_assert_int_eq(send_password(&d, ""), ERR_PASSWORD);

    end(&d);
}
END_TEST

START_TEST(a_malformed_password_ends_the_login)
{
    static const char *const bodies[] = {"secret", "secret\0more\0"};
    static const size_t sizes[] = {6, 12};
    struct desk d;
    begin(&d, PASSWORD);
    ck_assert_int_eq(knock_as(&d, "app.acme"), CLIENT_LOGIN_MORE);
    build_password(&d.in, slice_of(bodies[_i], sizes[_i]));

    ck_assert_int_eq(feed(&d), ERR_PROTOCOL);

    end(&d);
}
END_TEST

START_TEST(any_other_message_than_a_password_ends_the_login)
{
    for (int type = 1; type < 256; type++) {
        struct desk d;
        if (type == 'p') {
            continue;
        }
        begin(&d, PASSWORD);
        ck_assert_int_eq(knock_as(&d, "app.acme"), CLIENT_LOGIN_MORE);
        buf_append_u8(&d.in, (uint8_t)type); /* the first byte is enough */
        ck_assert_int_eq(feed(&d), ERR_PROTOCOL);
        end(&d);
    }
}
END_TEST

START_TEST(a_password_of_a_length_that_cannot_be_ends_the_login)
{
    static const uint32_t lengths[] = {0, 3, LIMIT_PASSWORD_PACKET, 0x7fffffffU, 0xffffffffU};
    struct desk d;
    begin(&d, PASSWORD);
    ck_assert_int_eq(knock_as(&d, "app.acme"), CLIENT_LOGIN_MORE);
    buf_append_u8(&d.in, 'p');
    buf_append_be32(&d.in, lengths[_i]);

    ck_assert_int_eq(feed(&d), ERR_PROTOCOL);

    end(&d);
}
END_TEST

/* "secret" as SCRAM keys of 4096 iterations. */
static void scram_user(char *text, size_t size, const char *method)
{
    struct verifier v;
    struct buf printed = {0};

    verifier_build(&v, slice_str("secret"), slice_str("saltsaltsaltsalt"), 4096);
    verifier_print(&v, &printed);
    (void)snprintf(text, size,
                   "auth: {method: %s}\nusers: {app: {password: '%.*s', tenants: ['*']}}", method,
                   (int)printed.len, (const char *)printed.p);
    buf_release(&printed);
    verifier_fini(&v);
}

START_TEST(a_password_is_checked_against_keys_off_the_loop)
{
    static const char *const passwords[] = {"secret", "wrong"};
    static const int results[] = {CLIENT_LOGIN_DONE, ERR_PASSWORD};
    char text[400];
    struct desk d;
    scram_user(text, sizeof text, "password");
    begin(&d, text);
    ck_assert_int_eq(knock_as(&d, "app.acme"), CLIENT_LOGIN_MORE);

    ck_assert_int_eq(send_password(&d, passwords[_i]), CLIENT_LOGIN_WORKING);
    loops_until_is(&d.loop, &d.calls, 1);

    ck_assert_int_eq(d.result, results[_i]);
    end(&d);
}
END_TEST

START_TEST(a_login_freed_while_its_password_is_checked_is_never_heard_of_again)
{
    char text[400];
    struct desk d;
    scram_user(text, sizeof text, "password");
    begin(&d, text);
    ck_assert_int_eq(knock_as(&d, "app.acme"), CLIENT_LOGIN_MORE);
    ck_assert_int_eq(send_password(&d, "secret"), CLIENT_LOGIN_WORKING);

    end(&d);

    ck_assert_int_eq(d.calls, 0);
}
END_TEST

/* ---- md5 ---- */

START_TEST(the_right_answer_to_the_salt_logs_in)
{
    char stored[MD5_WORD + 1];
    char word[MD5_WORD + 1];
    struct slice salt;
    struct desk d;
    ck_assert_int_eq(md5_store(slice_str("secret"), slice_str("app"), stored), 0);
    begin(&d, MD5);
    ck_assert_int_eq(knock_as(&d, "app.acme"), CLIENT_LOGIN_MORE);
    ck_assert_uint_eq(take_auth(&d, &salt), WIRE_AUTH_MD5);
    ck_assert_uint_eq(salt.n, MD5_SALT);
    ck_assert_int_eq(md5_answer(stored, salt.p, word), 0);

    ck_assert_int_eq(send_password(&d, word), CLIENT_LOGIN_DONE);

    end(&d);
}
END_TEST

START_TEST(an_answer_to_another_salt_does_not)
{
    char stored[MD5_WORD + 1];
    char word[MD5_WORD + 1];
    struct slice salt;
    struct desk d;
    ck_assert_int_eq(md5_store(slice_str("secret"), slice_str("app"), stored), 0);
    begin(&d, MD5);
    ck_assert_int_eq(knock_as(&d, "app.acme"), CLIENT_LOGIN_MORE);
    ck_assert_uint_eq(take_auth(&d, &salt), WIRE_AUTH_MD5);
    uint8_t other[MD5_SALT] = {salt.p[0], salt.p[1], salt.p[2], (uint8_t)(salt.p[3] + 1)};
    ck_assert_int_eq(md5_answer(stored, other, word), 0);

    ck_assert_int_eq(send_password(&d, word), ERR_PASSWORD);

    end(&d);
}
END_TEST

START_TEST(with_md5_who_is_not_known_is_asked_for_what_the_others_are)
{
    static const char *const names[] = {"app.acme", "nobody.acme"};
    char text[400];
    struct desk d;
    scram_user(text, sizeof text, "md5");
    begin(&d, text);

    ck_assert_int_eq(knock_as(&d, names[_i]), CLIENT_LOGIN_MORE);

    expect_auth(&d, WIRE_AUTH_SASL);
    end(&d);
}
END_TEST

/* A password of a user whose keys are stored takes a while: so must one of nobody. */
START_TEST(a_password_of_nobody_is_checked_as_the_others_are)
{
    char text[400];
    struct desk d;
    scram_user(text, sizeof text, "password");
    begin(&d, text);
    ck_assert_int_eq(knock_as(&d, "nobody.acme"), CLIENT_LOGIN_MORE);

    ck_assert_int_eq(send_password(&d, "secret"), CLIENT_LOGIN_WORKING);
    loops_until_is(&d.loop, &d.calls, 1);

    ck_assert_int_eq(d.result, ERR_PASSWORD);
    end(&d);
}
END_TEST

/* ---- SCRAM ---- */

/* The client's side of the exchange. Returns what the last message of it gave. */
static int play_scram(struct desk *d, const char *password, bool first_empty)
{
    char nonce[SCRAM_NONCE + 1];
    struct scram_client client;
    struct scram_keys keys;
    struct buf message = {0};
    struct slice data;
    struct err err;

    expect_auth(d, WIRE_AUTH_SASL);
    scram_random_nonce(nonce);
    struct scram_client_options options = {.nonce = slice_str(nonce)};
    scram_client_init(&client, &options);
    scram_client_first(&client, &message);
    if (first_empty) {
        build_sasl_initial(&d->in, "SCRAM-SHA-256", SLICE_EMPTY);
        ck_assert_int_eq(feed(d), CLIENT_LOGIN_MORE);
        ck_assert_uint_eq(take_auth(d, &data), WIRE_AUTH_SASL_CONTINUE);
        ck_assert_uint_eq(data.n, 0);
        build_password(&d->in, buf_slice(&message));
    } else {
        build_sasl_initial(&d->in, "SCRAM-SHA-256", buf_slice(&message));
    }
    ck_assert_int_eq(feed(d), CLIENT_LOGIN_MORE);
    ck_assert_uint_eq(take_auth(d, &data), WIRE_AUTH_SASL_CONTINUE);
    ck_assert_int_eq(scram_client_challenge(&client, data, &err), 0);
    scram_derive(slice_str(password), slice_of(client.salt, client.salt_size), client.iterations,
                 &keys);
    buf_clear(&message);
    scram_client_final(&client, &keys, &message);
    build_password(&d->in, buf_slice(&message));
    int rc = feed(d);
    if (rc == CLIENT_LOGIN_DONE) {
        ck_assert_uint_eq(take_auth(d, &data), WIRE_AUTH_SASL_FINAL);
        ck_assert_int_eq(scram_client_verify(&client, data, &err), 0);
        expect_auth(d, WIRE_AUTH_OK);
    }
    buf_release(&message);
    scram_client_fini(&client);
    return rc;
}

START_TEST(scram_proves_both_sides_and_reveals_the_keys)
{
    struct scram_keys keys;
    struct desk d;
    begin(&d, SCRAM);
    ck_assert_int_eq(knock_as(&d, "app.acme"), CLIENT_LOGIN_MORE);

    ck_assert_int_eq(play_scram(&d, "secret", _i == 1), CLIENT_LOGIN_DONE);

    const struct client_identity *identity = client_login_identity(d.login);
    const struct verifier_scram *scram = &identity->known->verifier.scram;
    ck_assert(identity->has_keys);
    scram_derive(slice_str("secret"), slice_of(scram->salt, scram->salt_size), scram->iterations,
                 &keys);
    ck_assert_mem_eq(identity->keys.client, keys.client, SCRAM_KEY);
    end(&d);
}
END_TEST

START_TEST(with_scram_an_unknown_user_takes_the_same_steps_to_the_same_answer)
{
    static const char *const users[] = {"app.acme", "nobody.acme"};
    struct desk d;
    begin(&d, SCRAM);
    ck_assert_int_eq(knock_as(&d, users[_i]), CLIENT_LOGIN_MORE);

    ck_assert_int_eq(play_scram(&d, "wrong", false), ERR_PASSWORD);

    ck_assert_uint_eq(buf_size(&d.out), 0);
    ck_assert(!client_login_identity(d.login)->has_keys);
    end(&d);
}
END_TEST

START_TEST(another_mechanism_ends_the_login)
{
    static const char *const mechanisms[] = {"SCRAM-SHA-256-PLUS", "SCRAM-SHA-1", ""};
    struct desk d;
    begin(&d, SCRAM);
    ck_assert_int_eq(knock_as(&d, "app.acme"), CLIENT_LOGIN_MORE);
    build_sasl_initial(&d.in, mechanisms[_i], slice_str("n,,n=,r=abc"));

    ck_assert_int_eq(feed(&d), ERR_PROTOCOL);

    end(&d);
}
END_TEST

START_TEST(a_sasl_response_whose_length_lies_ends_the_login)
{
    static const uint32_t lengths[] = {0, 10, 12, 0x7fffffffU, 0xffffffffU};
    struct desk d;
    begin(&d, SCRAM);
    ck_assert_int_eq(knock_as(&d, "app.acme"), CLIENT_LOGIN_MORE);
    size_t start = build_begin(&d.in, WIRE_PASSWORD);
    buf_append_cstr(&d.in, "SCRAM-SHA-256");
    buf_append_be32(&d.in, lengths[_i]);
    buf_append(&d.in, "n,,n=,r=abc", 11);
    build_end(&d.in, start);

    ck_assert_int_eq(feed(&d), ERR_PROTOCOL);

    end(&d);
}
END_TEST

START_TEST(a_truncated_sasl_response_ends_the_login)
{
    struct desk d;
    begin(&d, SCRAM);
    ck_assert_int_eq(knock_as(&d, "app.acme"), CLIENT_LOGIN_MORE);
    script_message(&d.in, 'p', "SCRAM-SHA-256", _i == 0 ? 0 : 13);

    ck_assert_int_eq(feed(&d), ERR_PROTOCOL);

    end(&d);
}
END_TEST

static void add_startup(TCase *all)
{
    tcase_add_test(all, where_everybody_is_trusted_a_startup_packet_is_enough);
    tcase_add_test(all, user_and_tenant_are_told_apart);
    tcase_add_test(all, a_packet_split_at_any_byte_is_the_same_packet);
    tcase_add_test(all, other_parameters_are_settings);
    tcase_add_test(all, a_parameter_of_its_own_counts_more_than_one_out_of_options);
    tcase_add_test(all, the_parameter_that_names_the_tenant_is_no_setting);
    tcase_add_test(all, that_rules_disagree_is_not_told_before_the_password);
    tcase_add_test(all, without_a_tenant_the_reason_is_kept_for_later);
    tcase_add_test(all, without_a_user_nobody_logs_in);
    tcase_add_test(all, encryption_is_declined_once_each_and_the_session_goes_on);
    tcase_add_loop_test(all, encryption_asked_for_twice_ends_the_login, 0, 2);
    tcase_add_test(all, bytes_behind_a_request_for_encryption_end_the_login);
    tcase_add_test(all, a_newer_protocol_and_its_extensions_are_negotiated_down);
    tcase_add_test(all, a_cancel_request_is_no_login);
    tcase_add_loop_test(all, a_startup_packet_of_a_length_that_cannot_be_ends_the_login, 0, 5);
    tcase_add_test(all, too_many_settings_end_the_login);
}

static void add_passwords(TCase *all)
{
    tcase_add_test(all, the_right_password_logs_in);
    tcase_add_loop_test(all, an_unknown_user_and_a_wrong_password_have_the_same_answer, 0, 2);
    tcase_add_test(all, an_empty_password_never_logs_in);
    tcase_add_loop_test(all, a_malformed_password_ends_the_login, 0, 2);
    tcase_add_test(all, any_other_message_than_a_password_ends_the_login);
    tcase_add_loop_test(all, a_password_of_a_length_that_cannot_be_ends_the_login, 0, 5);
    tcase_add_loop_test(all, a_password_is_checked_against_keys_off_the_loop, 0, 2);
    tcase_add_test(all, a_login_freed_while_its_password_is_checked_is_never_heard_of_again);
    tcase_add_test(all, the_right_answer_to_the_salt_logs_in);
    tcase_add_test(all, an_answer_to_another_salt_does_not);
    tcase_add_loop_test(all, with_md5_who_is_not_known_is_asked_for_what_the_others_are, 0, 2);
    tcase_add_test(all, a_password_of_nobody_is_checked_as_the_others_are);
    tcase_add_loop_test(all, scram_proves_both_sides_and_reveals_the_keys, 0, 2);
    tcase_add_loop_test(all, with_scram_an_unknown_user_takes_the_same_steps_to_the_same_answer, 0,
                        2);
    tcase_add_loop_test(all, another_mechanism_ends_the_login, 0, 3);
    tcase_add_loop_test(all, a_sasl_response_whose_length_lies_ends_the_login, 0, 5);
    tcase_add_loop_test(all, a_truncated_sasl_response_ends_the_login, 0, 2);
}

static Suite *make_suite(void)
{
    Suite *suite = suite_create("client_login");
    TCase *all = tcase_create("all");

    add_startup(all);
    add_passwords(all);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
