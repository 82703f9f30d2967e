// SPDX-License-Identifier: MIT
//
// private_file: a file that nobody else may see into: passwords, private keys. It must be as safe
// as PostgreSQL asks of a server's private key: ours and closed to all others, or root's and at
// most readable by its group. What is checked is what was opened. Blocks; any thread.
#ifndef BASE_PRIVATE_FILE_H
#define BASE_PRIVATE_FILE_H

#include "base/err.h"

/* Returns the descriptor, open for reading, or a negative code with a text that does not begin with
 * the path: -ENOENT where there is no file, else ERR_CONFIG. */
int private_file_open(const char *path, struct err *err);

/* The same for a name in a folder that is open. */
int private_file_open_at(int folder, const char *name, struct err *err);

#endif
