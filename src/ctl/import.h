// SPDX-License-Identifier: MIT
//
// import: a pgbouncer.ini becomes a configuration of fahrend that does the same: the same users log
// in under the same names to the same databases, through pools of the same mode and size. What has
// no counterpart is told with what to do about it. Pure, but for the files that are read.
#ifndef CTL_IMPORT_H
#define CTL_IMPORT_H

#include "base/buf.h"

/* Reads the file with its includes and its auth_file. 0 and the configuration in *yaml; or
 * ERR_CONFIG and nothing. In either case *notes has a line "FILE:LINE: text" for each fault and
 * each key that needs attention. */
int import_file(const char *path, struct buf *yaml, struct buf *notes);

/* The same from memory; `file` is used in messages. */
int import_text(const char *file, struct slice text, struct buf *yaml, struct buf *notes);

#endif
