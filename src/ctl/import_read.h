// SPDX-License-Identifier: MIT
//
// import_read: reads a pgbouncer.ini with all that it includes, and its auth_file. A relative name
// is looked for in the present folder, as PgBouncer does, and then in that of the file that names
// it. Blocks on files.
#ifndef CTL_IMPORT_READ_H
#define CTL_IMPORT_READ_H

#include "ctl/import_model.h"

enum { IMPORT_DEPTH_MAX = 10 }; /* files that include one another, as in PgBouncer */

void import_read(struct import *im, const char *path);

/* The same from memory; what it includes and its auth_file are read. */
void import_read_text(struct import *im, const char *file, struct slice text);

#endif
