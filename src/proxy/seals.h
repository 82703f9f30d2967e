// SPDX-License-Identifier: MIT
//
// seals: which tenants are sealed, and with which key: told to a lane when a client enters it, and
// to all of them when another configuration comes into force, since clients outlive a reload and
// keys are changed by one. The worker's thread.
#ifndef PROXY_SEALS_H
#define PROXY_SEALS_H

#include "proxy/proxy.h"

/* Gives the lane the key of its tenant, or takes it away. */
void seals_adopt(struct lane *lane, const struct realm *realm, const struct tenant_config *tenant);

/* The same for every lane, by the realm in force. */
void seals_refresh(struct proxy *proxy);

#endif
