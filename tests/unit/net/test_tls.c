// SPDX-License-Identifier: MIT
#include "net/tls.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "certificates.h"
#include "loops.h"
#include "net/conn.h"
#include "peer.h"
#include "testing.h"

/* One end of a connection with TLS. */
struct end {
    struct conn conn;
    struct buf in;
    struct buf got;
    struct err err; /* of the handshake */
    int secured;
    int failed;
    int drained;
    int closed;
    bool ended;
    bool pause_after; /* pauses after each reading */
};

struct pair {
    struct authority authority;
    struct loop loop;
    struct end client;
    struct end server;
};

static void on_readable(struct conn *conn)
{
    struct end *e = container_of(conn, struct end, conn);
    struct slice view;
    ssize_t n = conn_pull(conn, &e->in, &view);

    if (n == UV_EAGAIN) {
        return;
    }
    if (n <= 0) {
        e->ended = true;
        conn_close(conn);
        return;
    }
    buf_append(&e->got, view.p, view.n);
    conn_keep(&e->in, view, view.n);
    if (e->pause_after) {
        conn_pause(conn);
    }
}

static void on_drained(struct conn *conn)
{
    container_of(conn, struct end, conn)->drained++;
}

static void on_closed(struct conn *conn)
{
    container_of(conn, struct end, conn)->closed++;
}

static void on_secured(struct conn *conn, const struct err *err)
{
    struct end *e = container_of(conn, struct end, conn);

    if (err != NULL) {
        e->failed++;
        e->err = *err;
        conn_close(conn);
    } else {
        e->secured++;
    }
}

static const struct conn_ops ops = {
    .on_readable = on_readable,
    .on_drained = on_drained,
    .on_closed = on_closed,
    .on_secured = on_secured,
};

static struct tls_context *context_of(const struct tls_settings *settings)
{
    struct tls_fault fault;
    struct tls_context *context = tls_context_new(settings, &fault);

    ck_assert_msg(context != NULL, "%s", fault.err.text);
    return context;
}

static struct tls_context *server_context(const struct authority *a, enum tls_peer_check check)
{
    struct tls_pair pairs[] = {
        {authority_path(a, "main.crt"), authority_path(a, "main.key")},
        {authority_path(a, "other.crt"), authority_path(a, "other.key")},
    };
    struct tls_settings settings = {.server = true,
                                    .pairs = pairs,
                                    .pair_count = 2,
                                    .ca = check == TLS_PEER_IGNORED ? NULL : a->ca,
                                    .min_version = TLS1_2_VERSION,
                                    .check = check};

    return context_of(&settings);
}

static struct tls_context *client_context(const struct authority *a, const char *certificate)
{
    char crt[160] = "";
    char key[160] = "";
    if (certificate != NULL) {
        (void)snprintf(crt, sizeof crt, "%s/%s.crt", a->folder, certificate);
        (void)snprintf(key, sizeof key, "%s/%s.key", a->folder, certificate);
    }
    struct tls_pair pair = {crt, key};
    struct tls_settings settings = {.pairs = &pair,
                                    .pair_count = certificate == NULL ? 0 : 1,
                                    .ca = a->ca,
                                    .min_version = TLS1_2_VERSION,
                                    .check = TLS_PEER_NEEDED};

    return context_of(&settings);
}

static void begin(struct pair *p)
{
    int fds[2];

    (void)signal(SIGPIPE, SIG_IGN);
    *p = (struct pair){0};
    authority_begin(&p->authority);
    authority_issue(&p->authority, "main", "main.test", "main.test", 1);
    authority_issue(&p->authority, "other", "other.test", "*.other.test", 1);
    loops_begin(&p->loop);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    ck_assert_int_eq(conn_open(&p->client.conn, &p->loop, fds[0], &ops), 0);
    ck_assert_int_eq(conn_open(&p->server.conn, &p->loop, fds[1], &ops), 0);
}

static void start(struct conn *conn, struct tls_context *context, const char *host)
{
    struct tls_start how = {.context = context, .host = host, .check_host = host != NULL};

    ck_assert_int_eq(conn_start_tls(conn, &how), 0);
    tls_context_unref(context);
}

/* Both ends, with their handshake done. */
static void begin_secured(struct pair *p)
{
    begin(p);
    start(&p->server.conn, server_context(&p->authority, TLS_PEER_IGNORED), NULL);
    start(&p->client.conn, client_context(&p->authority, NULL), "main.test");
    loops_until_is(&p->loop, &p->client.secured, 1);
    loops_until_is(&p->loop, &p->server.secured, 1);
}

static void end(struct pair *p)
{
    conn_close(&p->client.conn);
    conn_close(&p->server.conn);
    loops_until_is(&p->loop, &p->client.closed, 1);
    loops_until_is(&p->loop, &p->server.closed, 1);
    buf_release(&p->client.in);
    buf_release(&p->client.got);
    buf_release(&p->server.in);
    buf_release(&p->server.got);
    authority_end(&p->authority);
    loops_end(&p->loop);
}

struct enough {
    const struct buf *buf;
    size_t n;
};

static bool is_enough(void *data)
{
    const struct enough *enough = data;

    return buf_size(enough->buf) >= enough->n;
}

static void until_got(struct pair *p, struct end *e, size_t n)
{
    struct enough enough = {.buf = &e->got, .n = n};

    loops_until(&p->loop, is_enough, &enough, "bytes at one end");
}

static struct buf pattern(size_t n)
{
    struct buf bytes = {0};
    uint8_t *p = buf_reserve(&bytes, n);

    for (size_t i = 0; i < n; i++) {
        p[i] = (uint8_t)(i * 7 + i / 251);
    }
    buf_commit(&bytes, n);
    return bytes;
}

START_TEST(bytes_pass_both_ways)
{
    struct pair p;
    begin_secured(&p);

    ck_assert_int_eq(conn_send_slice(&p.client.conn, slice_str("question")), 0);
    until_got(&p, &p.server, 8);
    ck_assert_int_eq(conn_send_slice(&p.server.conn, slice_str("answer")), 0);
    until_got(&p, &p.client, 6);

    ck_assert_slice_str(buf_slice(&p.server.got), "question");
    ck_assert_slice_str(buf_slice(&p.client.got), "answer");
    end(&p);
}
END_TEST

START_TEST(many_small_pieces_and_a_large_one_arrive_in_order)
{
    struct pair p;
    struct buf large = pattern(100000);
    begin_secured(&p);
    struct iovec pieces[] = {{(void *)(uintptr_t) "one ", 4},
                             {(void *)(uintptr_t) "", 0},
                             {(void *)(uintptr_t) "two ", 4},
                             {large.p, large.len},
                             {(void *)(uintptr_t) " end", 4}};

    ck_assert_int_ge(conn_send(&p.client.conn, pieces, 5), 0);
    until_got(&p, &p.server, 12 + large.len);

    struct slice got = buf_slice(&p.server.got);
    ck_assert_slice_str(slice_head(got, 8), "one two ");
    ck_assert(slice_eq(slice_head(slice_from(got, 8), large.len), buf_slice(&large)));
    ck_assert_slice_str(slice_from(got, 8 + large.len), " end");
    buf_release(&large);
    end(&p);
}
END_TEST

START_TEST(what_the_socket_does_not_take_is_kept_and_sent_later)
{
    struct pair p;
    struct buf bytes = pattern(8 << 20);
    begin_secured(&p);
    conn_pause(&p.server.conn);

    ck_assert_int_eq(conn_send_slice(&p.client.conn, buf_slice(&bytes)), 1);
    ck_assert(conn_blocked(&p.client.conn));
    ck_assert_int_eq(conn_send_slice(&p.client.conn, slice_str("behind it")), 1);
    loop_turn(&p.loop, false);
    conn_resume(&p.server.conn);
    until_got(&p, &p.server, bytes.len + 9);

    ck_assert_int_eq(p.client.drained, 1);
    ck_assert(slice_eq(slice_head(buf_slice(&p.server.got), bytes.len), buf_slice(&bytes)));
    ck_assert_slice_str(slice_from(buf_slice(&p.server.got), bytes.len), "behind it");
    buf_release(&bytes);
    end(&p);
}
END_TEST

/* More than the scratch buffer comes at once, and the reader pauses after each reading: what TLS
 * holds inside is of no event, and comes all the same (PgBouncer issues 1530 and 1531). */
START_TEST(bytes_left_inside_never_wait_for_an_event)
{
    struct pair p;
    struct buf bytes = pattern(150001);
    begin_secured(&p);
    p.server.pause_after = true;

    ck_assert_int_ge(conn_send_slice(&p.client.conn, buf_slice(&bytes)), 0);
    for (size_t before = 0; before < bytes.len; before = buf_size(&p.server.got)) {
        conn_resume(&p.server.conn);
        until_got(&p, &p.server, before + 1);
    }

    ck_assert(slice_eq(buf_slice(&p.server.got), buf_slice(&bytes)));
    buf_release(&bytes);
    end(&p);
}
END_TEST

START_TEST(the_end_of_the_stream_comes_behind_the_last_bytes)
{
    struct pair p;
    begin_secured(&p);

    ck_assert_int_eq(conn_send_slice(&p.client.conn, slice_str("last words")), 0);
    conn_close(&p.client.conn);
    loops_until_true(&p.loop, &p.server.ended);

    ck_assert_slice_str(buf_slice(&p.server.got), "last words");
    end(&p);
}
END_TEST

START_TEST(a_moved_connection_goes_on_with_what_was_left_inside)
{
    struct pair p;
    struct loop other;
    struct end moved = {0};
    struct buf bytes = pattern(150001);
    begin_secured(&p);
    loops_begin(&other);
    p.server.pause_after = true;

    ck_assert_int_ge(conn_send_slice(&p.client.conn, buf_slice(&bytes)), 0);
    until_got(&p, &p.server, 1);
    size_t first = buf_size(&p.server.got);
    struct conn_socket out = conn_detach(&p.server.conn);
    loops_until_is(&p.loop, &p.server.closed, 1);
    ck_assert_int_eq(conn_adopt(&moved.conn, &other, out, &ops), 0);
    struct enough enough = {.buf = &moved.got, .n = bytes.len - first};
    while (buf_size(&moved.got) < enough.n) {
        loop_turn(&p.loop, false);
        loop_turn(&other, false);
    }

    ck_assert(slice_eq(buf_slice(&moved.got), slice_from(buf_slice(&bytes), first)));
    conn_close(&moved.conn);
    loops_until_is(&other, &moved.closed, 1);
    buf_release(&moved.got);
    buf_release(&bytes);
    loops_end(&other);
    end(&p);
}
END_TEST

START_TEST(the_certificate_is_chosen_by_the_name_asked_for)
{
    struct pair p;
    begin(&p);

    start(&p.server.conn, server_context(&p.authority, TLS_PEER_IGNORED), NULL);
    start(&p.client.conn, client_context(&p.authority, NULL), "acme.other.test");
    loops_until_is(&p.loop, &p.client.secured, 1);
    loops_until_is(&p.loop, &p.server.secured, 1);

    ck_assert_slice_str(tls_host(p.server.conn.tls), "acme.other.test");
    ck_assert_slice_str(tls_peer_name(p.client.conn.tls), "other.test");
    end(&p);
}
END_TEST

START_TEST(a_certificate_of_another_host_is_refused)
{
    struct pair p;
    begin(&p);

    start(&p.server.conn, server_context(&p.authority, TLS_PEER_IGNORED), NULL);
    start(&p.client.conn, client_context(&p.authority, NULL), "elsewhere.test");
    loops_until_is(&p.loop, &p.client.failed, 1);

    ck_assert_ptr_nonnull(strstr(p.client.err.text, "hostname mismatch"));
    loops_until_is(&p.loop, &p.server.failed, 1);
    end(&p);
}
END_TEST

START_TEST(a_client_shows_who_it_is)
{
    struct pair p;
    struct slice hosts[TLS_NAMES_MAX];
    begin(&p);
    authority_issue(&p.authority, "app", "app", "acme.test", 1);

    start(&p.server.conn, server_context(&p.authority, TLS_PEER_NEEDED), NULL);
    start(&p.client.conn, client_context(&p.authority, "app"), NULL);
    loops_until_is(&p.loop, &p.server.secured, 1);

    ck_assert(tls_has_peer(p.server.conn.tls));
    ck_assert_slice_str(tls_peer_name(p.server.conn.tls), "app");
    ck_assert_uint_eq(tls_peer_hosts(p.server.conn.tls, hosts), 1);
    ck_assert_slice_str(hosts[0], "acme.test");
    end(&p);
}
END_TEST

START_TEST(a_client_that_must_show_who_it_is_and_does_not_is_refused)
{
    struct pair p;
    begin(&p);

    start(&p.server.conn, server_context(&p.authority, TLS_PEER_NEEDED), NULL);
    start(&p.client.conn, client_context(&p.authority, NULL), NULL);
    loops_until_is(&p.loop, &p.server.failed, 1);

    ck_assert_ptr_nonnull(strstr(p.server.err.text, "peer did not return a certificate"));
    end(&p);
}
END_TEST

START_TEST(a_certificate_that_has_run_out_is_refused)
{
    struct pair p;
    begin(&p);
    authority_issue(&p.authority, "old", "old", NULL, -1);

    start(&p.server.conn, server_context(&p.authority, TLS_PEER_NEEDED), NULL);
    start(&p.client.conn, client_context(&p.authority, "old"), NULL);
    loops_until_is(&p.loop, &p.server.failed, 1);

    ck_assert_ptr_nonnull(strstr(p.server.err.text, "expired"));
    end(&p);
}
END_TEST

START_TEST(both_ends_bind_to_the_same_certificate)
{
    struct pair p;
    uint8_t a[TLS_BINDING_MAX];
    uint8_t b[TLS_BINDING_MAX];
    begin_secured(&p);

    ck_assert_uint_eq(tls_binding(p.client.conn.tls, a), 32);
    ck_assert_uint_eq(tls_binding(p.server.conn.tls, b), 32);

    ck_assert_mem_eq(a, b, 32);
    end(&p);
}
END_TEST

START_TEST(an_idle_connection_holds_no_buffers)
{
    struct pair p;
    begin_secured(&p);
    ck_assert_int_eq(conn_send_slice(&p.client.conn, slice_str("question")), 0);
    until_got(&p, &p.server, 8);

    ck_assert_int_eq(SSL_has_pending(p.server.conn.tls->ssl), 0);
    ck_assert((SSL_get_mode(p.server.conn.tls->ssl) & SSL_MODE_RELEASE_BUFFERS) != 0);
    ck_assert_ptr_null(p.server.conn.out.p);
    end(&p);
}
END_TEST

START_TEST(bytes_that_are_no_tls_end_the_handshake)
{
    struct pair p;
    begin(&p);

    ck_assert_int_eq(conn_send_slice(&p.client.conn, slice_str("GET / HTTP/1.1\r\n\r\n")), 0);
    start(&p.server.conn, server_context(&p.authority, TLS_PEER_IGNORED), NULL);
    loops_until_is(&p.loop, &p.server.failed, 1);

    ck_assert_str_ne(p.server.err.text, "");
    end(&p);
}
END_TEST

START_TEST(nothing_is_said_in_clear_while_the_handshake_is_under_way)
{
    struct pair p;
    begin(&p);

    start(&p.server.conn, server_context(&p.authority, TLS_PEER_IGNORED), NULL);
    ck_assert_int_lt(conn_send_slice(&p.server.conn, slice_str("secret")), 0);
    conn_close(&p.server.conn);
    loops_until_true(&p.loop, &p.client.ended);

    ck_assert_uint_eq(buf_size(&p.client.got), 0);
    end(&p);
}
END_TEST

/* A client of our own over a buffer: what it wants to send goes to the server byte by byte. */
static void pass_bytes(struct pair *p, SSL *ssl, BIO *out, BIO *in)
{
    uint8_t byte;
    uint8_t back[4096];

    while (BIO_read(out, &byte, 1) == 1) {
        ck_assert_int_eq(send(p->client.conn.watch.fd, &byte, 1, 0), 1);
        loop_turn(&p->loop, false);
    }
    ssize_t n = recv(p->client.conn.watch.fd, back, sizeof back, MSG_DONTWAIT);
    if (n > 0) {
        (void)BIO_write(in, back, (int)n);
    }
    (void)ssl;
}

START_TEST(records_cut_at_every_byte_are_put_together)
{
    struct pair p;
    begin(&p);
    struct tls_context *context = client_context(&p.authority, NULL);
    SSL *ssl = SSL_new(tls_context_ssl(context));
    BIO *in = BIO_new(BIO_s_mem());
    BIO *out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl, in, out);
    SSL_set_connect_state(ssl);
    start(&p.server.conn, server_context(&p.authority, TLS_PEER_IGNORED), NULL);
    conn_pause(&p.client.conn); /* its socket is used by hand */
    watch_set(&p.client.conn.watch, &p.loop.poller, 0);

    for (int i = 0; i < 100 && SSL_do_handshake(ssl) != 1; i++) {
        pass_bytes(&p, ssl, out, in);
    }
    pass_bytes(&p, ssl, out, in);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(SSL_write(ssl, "a record, cut ", 14), 14);
        pass_bytes(&p, ssl, out, in);
    }
    until_got(&p, &p.server, 42);

    ck_assert_int_eq(p.server.secured, 1);
    ck_assert_slice_str(buf_slice(&p.server.got), "a record, cut a record, cut a record, cut ");
    SSL_free(ssl);
    tls_context_unref(context);
    end(&p);
}
END_TEST

START_TEST(a_key_that_others_can_read_is_refused)
{
    struct pair p;
    struct tls_fault fault;
    begin(&p);
    char command[200];
    (void)snprintf(command, sizeof command, "chmod 0644 '%s'",
                   authority_path(&p.authority, "main.key"));
    ck_assert_int_eq(system(command), 0);
    struct tls_pair pair = {authority_path(&p.authority, "main.crt"),
                            authority_path(&p.authority, "main.key")};
    struct tls_settings settings = {
        .server = true, .pairs = &pair, .pair_count = 1, .min_version = TLS1_2_VERSION};

    ck_assert_ptr_null(tls_context_new(&settings, &fault));

    ck_assert_int_eq(fault.part, TLS_PART_KEY);
    ck_assert_ptr_nonnull(strstr(fault.err.text, "0644"));
    end(&p);
}
END_TEST

START_TEST(a_key_of_another_certificate_is_refused)
{
    struct pair p;
    struct tls_fault fault;
    begin(&p);
    struct tls_pair pair = {authority_path(&p.authority, "main.crt"),
                            authority_path(&p.authority, "other.key")};
    struct tls_settings settings = {
        .server = true, .pairs = &pair, .pair_count = 1, .min_version = TLS1_2_VERSION};

    ck_assert_ptr_null(tls_context_new(&settings, &fault));

    ck_assert_int_eq(fault.part, TLS_PART_KEY);
    end(&p);
}
END_TEST

START_TEST(ciphers_that_do_not_exist_are_refused)
{
    struct pair p;
    struct tls_fault fault;
    begin(&p);
    struct tls_settings settings = {.ciphers = "ROT13", .min_version = TLS1_2_VERSION};

    ck_assert_ptr_null(tls_context_new(&settings, &fault));

    ck_assert_int_eq(fault.part, TLS_PART_CIPHERS);
    end(&p);
}
END_TEST

START_TEST(ciphers_that_tls13_does_not_have_are_refused)
{
    static const char *const wrong[] = {"ROT13", "", "ECDHE-RSA-AES128-GCM-SHA256"};
    struct tls_fault fault;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct tls_settings settings = {.tls13_ciphers = wrong[i], .min_version = TLS1_2_VERSION};

        ck_assert_ptr_null(tls_context_new(&settings, &fault));

        ck_assert_int_eq(fault.part, TLS_PART_TLS13_CIPHERS);
    }
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("tls");
    TCase *all = tcase_create("all");

    tcase_add_test(all, bytes_pass_both_ways);
    tcase_add_test(all, many_small_pieces_and_a_large_one_arrive_in_order);
    tcase_add_test(all, what_the_socket_does_not_take_is_kept_and_sent_later);
    tcase_add_test(all, bytes_left_inside_never_wait_for_an_event);
    tcase_add_test(all, the_end_of_the_stream_comes_behind_the_last_bytes);
    tcase_add_test(all, a_moved_connection_goes_on_with_what_was_left_inside);
    tcase_add_test(all, the_certificate_is_chosen_by_the_name_asked_for);
    tcase_add_test(all, a_certificate_of_another_host_is_refused);
    tcase_add_test(all, a_client_shows_who_it_is);
    tcase_add_test(all, a_client_that_must_show_who_it_is_and_does_not_is_refused);
    tcase_add_test(all, a_certificate_that_has_run_out_is_refused);
    tcase_add_test(all, both_ends_bind_to_the_same_certificate);
    tcase_add_test(all, an_idle_connection_holds_no_buffers);
    tcase_add_test(all, bytes_that_are_no_tls_end_the_handshake);
    tcase_add_test(all, nothing_is_said_in_clear_while_the_handshake_is_under_way);
    tcase_add_test(all, records_cut_at_every_byte_are_put_together);
    tcase_add_test(all, a_key_that_others_can_read_is_refused);
    tcase_add_test(all, a_key_of_another_certificate_is_refused);
    tcase_add_test(all, ciphers_that_do_not_exist_are_refused);
    tcase_add_test(all, ciphers_that_tls13_does_not_have_are_refused);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
