// SPDX-License-Identifier: MIT
#include "auth/ident_map.h"

#include <stdlib.h>

#include "auth/name_match.h"
#include "base/alloc.h"
#include "base/limits.h"

struct ident_line {
    char *map;
    char *system; /* a name, where it is no regular expression */
    bool has_regex;
    regex_t regex;
    char *user;     /* a database user, perhaps with \1 */
    char *place;    /* of \1 in user, or NULL */
    bool has_users; /* … or a keyword or regular expression */
    struct name_list users;
};

struct ident_maps {
    struct ident_line *lines;
    size_t count;
};

static void parse_user(struct ident_line *line, const struct rule_field *field,
                       struct rule_faults *faults)
{
    const struct rule_token *token = &field->tokens[0];

    line->user = x_strdup(token->text);
    line->place = line->has_regex ? strstr(line->user, "\\1") : NULL;
    if (!token->quoted && token->text[0] == '+') {
        rule_fault(faults, token, "+role is not supported in a map: name the user");
    } else if (line->place == NULL) {
        line->has_users = true;
        name_list_users(&line->users, field, faults);
    } else if (line->regex.re_nsub == 0) {
        rule_fault(faults, token, "\\1 stands for a group that the regular expression has not");
    }
}

static void parse_line(struct ident_line *line, const struct rule_line *from,
                       struct rule_faults *faults)
{
    if (from->count != 3 || from->fields[0].count != 1 || from->fields[1].count != 1 ||
        from->fields[2].count != 1) {
        rule_line_fault(faults, from, "a line of a map has three words: map, system user, user");
        return;
    }
    const struct rule_token *system = &from->fields[1].tokens[0];
    line->map = x_strdup(from->fields[0].tokens[0].text);
    if (system->text[0] == '/') {
        line->has_regex = name_regex_compile(&line->regex, system->text + 1, system, faults);
        if (!line->has_regex) {
            return;
        }
    }
    line->system = x_strdup(system->text);
    parse_user(line, &from->fields[2], faults);
}

struct ident_maps *ident_maps_load(const char *path, const struct rule_source *source,
                                   struct rule_faults *faults)
{
    int before = faults->count;
    struct ident_maps *maps = x_zalloc(sizeof *maps);
    struct rulefile file;

    rulefile_read(&file, path, source, faults);
    maps->lines = x_zalloc((file.count + 1) * sizeof *maps->lines);
    for (size_t i = 0; i < file.count; i++) {
        parse_line(&maps->lines[maps->count++], &file.lines[i], faults);
    }
    rulefile_fini(&file);
    if (faults->count > before) {
        ident_maps_free(maps);
        return NULL;
    }
    return maps;
}

void ident_maps_free(struct ident_maps *maps)
{
    if (maps == NULL) {
        return;
    }
    for (size_t i = 0; i < maps->count; i++) {
        struct ident_line *line = &maps->lines[i];
        free(line->map);
        free(line->system);
        free(line->user);
        name_list_fini(&line->users);
        if (line->has_regex) {
            regfree(&line->regex);
        }
    }
    free(maps->lines);
    free(maps);
}

bool ident_maps_has(const struct ident_maps *maps, const char *map)
{
    for (size_t i = 0; maps != NULL && i < maps->count; i++) {
        if (strcmp(maps->lines[i].map, map) == 0) {
            return true;
        }
    }
    return false;
}

/* Is `user` what the pattern gives with the group in the place of \1? */
static bool is_filled(const struct ident_line *line, struct slice group, struct slice user)
{
    struct slice head = slice_of(line->user, (size_t)(line->place - line->user));
    struct slice tail = slice_str(line->place + 2);

    return user.n == head.n + group.n + tail.n && slice_eq(slice_head(user, head.n), head) &&
           slice_eq(slice_head(slice_from(user, head.n), group.n), group) &&
           slice_eq(slice_from(user, head.n + group.n), tail);
}

static bool allows(const struct ident_line *line, struct slice system_user, struct slice user)
{
    regmatch_t hits[2] = {{-1, -1}, {-1, -1}};

    if (!line->has_regex) {
        return slice_eq_str(system_user, line->system) &&
               name_match_user(&line->users, user, NULL) == NAME_YES;
    }
    if (!name_regex_match(&line->regex, system_user, hits, 2)) {
        return false;
    }
    if (line->has_users) {
        return name_match_user(&line->users, user, NULL) == NAME_YES;
    }
    struct slice group = hits[1].rm_so < 0 ? SLICE_EMPTY
                                           : slice_of(system_user.p + hits[1].rm_so,
                                                      (size_t)(hits[1].rm_eo - hits[1].rm_so));
    return is_filled(line, group, user);
}

bool ident_maps_allow(const struct ident_maps *maps, const char *map, struct slice system_user,
                      struct slice user)
{
    if (system_user.n == 0 || system_user.n > 4 * LIMIT_NAME || user.n > LIMIT_NAME) {
        return false;
    }
    if (map == NULL) {
        return slice_eq(system_user, user);
    }
    for (size_t i = 0; maps != NULL && i < maps->count; i++) {
        if (strcmp(maps->lines[i].map, map) == 0 && allows(&maps->lines[i], system_user, user)) {
            return true;
        }
    }
    return false;
}
