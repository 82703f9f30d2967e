// SPDX-License-Identifier: MIT
//
// news: what a linked client's server connection says of itself, and what becomes of it: answers go
// to the client, a switch that is confirmed lets it go on, a batch that was refused with its
// switch, or for a stale statement, goes out again, the end of a transaction ends the link.
#ifndef PROXY_NEWS_H
#define PROXY_NEWS_H

#include "pool/backend.h"

/* The user is a frontend. */
extern const struct backend_user_ops news_ops;

#endif
