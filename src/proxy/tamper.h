// SPDX-License-Identifier: MIT
//
// tamper: the sensor. What no honest client does, and the server tells of: a seal that does not
// hold (the warning of the policies' function), a session that became somebody else or left the
// search_path of its schema. It is counted with the tenant and logged by its name, at the first
// time and then at each doubling, so that a tenant cannot fill the log; where limits.tampers says
// so the tenant is suspended. It detects; what prevents is the seal, the role, the scrub. The
// worker's thread.
#ifndef PROXY_TAMPER_H
#define PROXY_TAMPER_H

#include "proxy/frontend.h"

/* A notice came for the client, with this SQLSTATE. */
void tamper_on_notice(struct frontend *f, struct slice sqlstate);

/* A parameter was reported to the client. */
void tamper_on_report(struct frontend *f, struct slice name, struct slice value);

#endif
