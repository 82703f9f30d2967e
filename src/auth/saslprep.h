// SPDX-License-Identifier: MIT
//
// saslprep: the form of a password that SCRAM hashes (RFC 4013), as PostgreSQL makes it: other
// spaces become a space, invisible characters vanish, prohibited and unassigned characters and
// mixed directions are looked for, and only then the text is normalized (NFKC). A password that
// cannot be prepared (not UTF-8, prohibited characters, nothing left) is used as it is, so this
// never fails.
//
// The tables are those of Unicode 3.2, as RFC 3454 demands. PostgreSQL normalizes with a newer
// Unicode, which has since corrected five rare Chinese characters (corrigendum 4, such as U+2F95F);
// for every other character that it prepares at all, both were compared and agree. Any thread.
#ifndef AUTH_SASLPREP_H
#define AUTH_SASLPREP_H

#include "base/buf.h"
#include "base/slice.h"

/* A longer password that is not ASCII is used as it is: preparing takes time by the square of the
 * length, and strangers send passwords. */
enum { SASLPREP_MAX = 1024 };

/* Appends the prepared password to *out; the caller ends it with buf_release_secret. */
void saslprep_append(struct buf *out, struct slice password);

#endif
