// SPDX-License-Identifier: MIT
//
// ident_map: which database user may a known person be, by the maps of a file in the format of
// pg_ident.conf: "MAP SYSTEM-USER DATABASE-USER" on each line. A system user that begins with '/'
// is a regular expression, whose first group \1 stands for in the database user; that one may be
// all or a regular expression too. Any line of the map that fits lets in. Immutable once made; any
// thread.
#ifndef AUTH_IDENT_MAP_H
#define AUTH_IDENT_MAP_H

#include "auth/rulefile.h"

struct ident_maps;

/* Reads the file; NULL where there was a fault. */
struct ident_maps *ident_maps_load(const char *path, const struct rule_source *source,
                                   struct rule_faults *faults);
void ident_maps_free(struct ident_maps *maps); /* NULL is allowed */

bool ident_maps_has(const struct ident_maps *maps, const char *map);

/* May `system_user` (of the operating system, or of a certificate) be this database user? Without a
 * map (NULL) the names must be the same. */
bool ident_maps_allow(const struct ident_maps *maps, const char *map, struct slice system_user,
                      struct slice user);

#endif
