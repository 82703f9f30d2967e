// SPDX-License-Identifier: MIT
//
// reception: a frontend's way in, from the first byte to its place: whose connection a load
// balancer passes on, TLS, the login (client_login), and then the console, another worker, or a
// pool of this one. Passwords of tenants' roles are fetched and tenants made on the way. Whoever
// fails in it is closed with what the login says. The frontend is in FRONTEND_LOGIN throughout. One
// thread.
#ifndef PROXY_RECEPTION_H
#define PROXY_RECEPTION_H

#include "base/slice.h"

struct client_login;
struct client_origin;
struct conn;
struct err;
struct frontend;

/* The time that it has for all of it begins. */
void reception_start_clock(struct frontend *f);

/* One that came to a listener; it may be closed at once. */
void reception_begin(struct frontend *f, const struct client_origin *origin);

/* One that logged in at another worker; the login is taken over. */
void reception_arrive(struct frontend *f, struct client_login *login);

/* Its tenant is there by now: it goes on with its login. */
void reception_retry(struct frontend *f);

/* It goes, or has its place: it is not counted among strangers any more. */
void reception_leave(struct frontend *f);

/* Something can be read. True where it was nothing for the login: a balancer's header, or TLS. */
bool reception_before_login(struct frontend *f);

/* Bytes of the login; what is not done with is kept. */
void reception_read(struct frontend *f, struct slice view);

/* TLS is in force, or has failed. */
void reception_secured(struct conn *conn, const struct err *err);

#endif
