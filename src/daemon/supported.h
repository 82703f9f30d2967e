// SPDX-License-Identifier: MIT
//
// supported: what a configuration may ask for and this version cannot do. It is refused, never
// passed over: who asks for encryption or a way to log in must not believe to have it. Pure.
#ifndef DAEMON_SUPPORTED_H
#define DAEMON_SUPPORTED_H

#include "base/buf.h"
#include "config/config.h"

/* Appends a line for each key that asks for too much; returns how many. */
int supported_check(const struct config *config, struct buf *report);

#endif
