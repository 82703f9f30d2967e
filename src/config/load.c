// SPDX-License-Identifier: MIT
#include "config/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "config/check.h"
#include "config/decode.h"
#include "config/environ.h"
#include "config/node.h"
#include "config/snapshot.h"

/* The folder a file is in; to be freed. */
static char *folder_of(const char *file)
{
    const char *slash = strrchr(file, '/');

    if (slash == NULL) {
        return x_strdup(".");
    }
    return x_strndup(slice_of(file, slash == file ? 1 : (size_t)(slash - file)));
}

/* Relative paths are made whole here, so that they hold wherever the daemon goes later. */
static char *whole_folder_of(const char *file)
{
    char *folder = folder_of(file);
    char *whole = realpath(folder, NULL);

    if (whole == NULL) {
        return folder;
    }
    free(folder);
    return whole;
}

static void build_indexes(struct snapshot *s)
{
    s->users.entries = s->config.users;
    s->users.size = sizeof(struct user_config);
    index_build(&s->users, &s->arena, s->config.user_count);
    s->tenants.entries = s->config.tenants;
    s->tenants.size = sizeof(struct tenant_entry);
    index_build(&s->tenants, &s->arena, s->config.tenant_count);
}

static void fill(struct snapshot *s, const char *file, struct slice text, char *const *variables,
                 struct config_faults *faults)
{
    struct arena parsed = {0};
    const struct node *root = node_parse(&parsed, text, faults);

    if (root != NULL) {
        root = environ_overlay(&parsed, root, variables, faults);
        char *folder = whole_folder_of(file);
        struct decoder d = {.arena = &s->arena,
                            .parsed = &parsed,
                            .config = &s->config,
                            .faults = faults,
                            .folder = folder};
        decode_config(&d, root);
        s->config.file = arena_string(&s->arena, slice_str(file));
        build_indexes(s);
        check_config(&s->config, root, faults);
        free(folder);
    }
    arena_fini(&parsed);
}

int config_parse_environ(const char *file, struct slice text, char *const *variables,
                         const struct config **out, struct config_faults *faults)
{
    struct snapshot *s = snapshot_new();

    *out = NULL;
    faults->file = x_strdup(file);
    if (text.n > CONFIG_FILE_MAX) {
        config_faults_add(faults, 1, 1, "the file has more than %u bytes", CONFIG_FILE_MAX);
    } else {
        fill(s, file, text, variables, faults);
    }
    if (faults->count > 0) {
        config_faults_sort(faults);
        config_unref(&s->config);
        return ERR_CONFIG;
    }
    *out = &s->config;
    return 0;
}

int config_parse(const char *file, struct slice text, const struct config **out,
                 struct config_faults *faults)
{
    return config_parse_environ(file, text, NULL, out, faults);
}

/* Reads to the end, or one byte beyond what is allowed. Returns 0 or a negative errno. */
static int read_all(int fd, struct buf *out)
{
    for (;;) {
        uint8_t *room = buf_reserve(out, 65536);
        ssize_t n = read(fd, room, 65536);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -errno;
        }
        buf_commit(out, (size_t)n);
        if (n == 0 || buf_size(out) > CONFIG_FILE_MAX) {
            return 0;
        }
    }
}

static int read_file(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return -errno;
    }
    struct stat st;
    if (fstat(fd, &st) == 0 && st.st_size > 0 && st.st_size <= CONFIG_FILE_MAX) {
        (void)buf_reserve(out, (size_t)st.st_size + 65536); /* once: no copies with secrets */
    }
    int result = read_all(fd, out);
    (void)close(fd); /* nothing was written */
    return result;
}

int config_load(const char *path, const struct config **out, struct config_faults *faults)
{
    struct buf text = {0};
    int result = read_file(path, &text);

    if (result == -ENOENT && strcmp(path, CONFIG_DEFAULT_FILE) == 0 && environ_has_keys(environ)) {
        result = 0; /* an image without a file */
    }
    if (result < 0) {
        *out = NULL;
        faults->file = x_strdup(path);
        config_faults_add(faults, 1, 1, "cannot be read: %s", strerror(-result));
        result = ERR_CONFIG;
    } else {
        result = config_parse_environ(path, buf_slice(&text), environ, out, faults);
    }
    buf_release_secret(&text);
    return result;
}

bool config_is_at_hand(void)
{
    return access(CONFIG_DEFAULT_FILE, R_OK) == 0 || environ_has_keys(environ);
}

struct config_place config_locate(const char *path, const char *key, size_t item)
{
    struct config_place place = {.line = 1, .column = 1};
    struct config_faults faults = {0};
    struct arena parsed = {0};
    struct buf text = {0};
    const struct node *root =
        read_file(path, &text) < 0 ? NULL : node_parse(&parsed, buf_slice(&text), &faults);

    if (root != NULL) {
        const struct node *node = node_nearest(root, key);
        node = node->kind == NODE_LIST && item < node->count ? node->entries[item].value : node;
        place = (struct config_place){.line = node->line, .column = node->column};
    }
    config_faults_fini(&faults);
    arena_fini(&parsed);
    buf_release_secret(&text);
    return place;
}
