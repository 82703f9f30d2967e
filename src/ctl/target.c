// SPDX-License-Identifier: MIT
#include "ctl/target.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "config/load.h"

enum { PASSWORD_MAX = 1024 };

/* ---- the password ---- */

/* A verifier opens nothing. */
static bool is_verifier(const char *password)
{
    return strncmp(password, "SCRAM-SHA-256$", 14) == 0 ||
           (strncmp(password, "md5", 3) == 0 && strlen(password) == 35);
}

/* The first line of a file, or NULL. */
static char *read_line(const char *path)
{
    char text[PASSWORD_MAX + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, PASSWORD_MAX);

    if (fd >= 0) {
        (void)close(fd);
    }
    if (n < 0) {
        return NULL;
    }
    text[n] = '\0';
    text[strcspn(text, "\r\n")] = '\0';
    char *line = x_strdup(text);
    secure_zero(text, sizeof text);
    return line;
}

char *target_password(const struct secret_ref *ref)
{
    const char *variable;
    char *password = NULL;

    switch (ref->kind) {
    case SECRET_TEXT:
        password = x_strdup(ref->value);
        break;
    case SECRET_ENV:
        variable = getenv(ref->value);
        password = variable == NULL ? NULL : x_strdup(variable);
        break;
    case SECRET_FILE:
        password = read_line(ref->value);
        break;
    case SECRET_NONE:
    case SECRET_EXEC: /* these two only the daemon may fetch */
    case SECRET_STORE:
    case SECRET_KINDS:
        break;
    }
    if (password != NULL && is_verifier(password)) {
        secure_free(password);
        password = NULL;
    }
    return password;
}

/* ---- the file ---- */

/* The first address, as one to connect to; the socket where there is none. */
static const char *find_host(const struct listen_config *listen)
{
    if (listen->address.count == 0) {
        return listen->unix_dir[0] != '\0' ? listen->unix_dir : "127.0.0.1";
    }
    const char *first = listen->address.items[0];
    return strcmp(first, "*") == 0 || strcmp(first, "0.0.0.0") == 0 ? "127.0.0.1"
           : strcmp(first, "::") == 0                               ? "::1"
                                                                    : first;
}

static const char *find_user(const struct config *config)
{
    return config->admin.users.count > 0         ? config->admin.users.items[0]
           : config->admin.stats_users.count > 0 ? config->admin.stats_users.items[0]
                                                 : NULL;
}

static void set_if_missing(char **field, const char *value)
{
    if (*field == NULL && value != NULL) {
        *field = x_strdup(value);
    }
}

static void take_from_config(struct target *target, const struct config *config)
{
    char port[16];

    (void)snprintf(port, sizeof port, "%d", config->listen.port);
    set_if_missing(&target->host, find_host(&config->listen));
    set_if_missing(&target->port, port);
    set_if_missing(&target->user, find_user(config));
    set_if_missing(&target->database, config->admin.database);
    const struct user_config *user =
        target->user == NULL ? NULL : config_user(config, slice_str(target->user));
    if (user != NULL) {
        target->password = target_password(&user->password);
    }
}

static int read_file(struct target *target, const char *path, struct buf *lines, struct err *err)
{
    struct config_faults faults = {0};
    const struct config *config = NULL;
    int rc = config_load(path, &config, &faults);

    if (rc < 0) {
        config_faults_print(&faults, lines);
        (void)err_set(err, ERR_CONFIG, "%s cannot be used", path);
    } else {
        take_from_config(target, config);
    }
    config_faults_fini(&faults);
    config_unref(config);
    return rc;
}

/* ---- all of it ---- */

void target_of(const struct options *options, const struct config *config, struct target *target)
{
    *target = (struct target){.host = NULL};
    set_if_missing(&target->host, options->host);
    set_if_missing(&target->port, options->port);
    take_from_config(target, config);
}

int target_find(const struct options *options, struct target *target, struct buf *faults,
                struct err *err)
{
    const char *file = options->file;
    int rc = 0;

    *target = (struct target){.host = NULL};
    set_if_missing(&target->host, options->host);
    set_if_missing(&target->port, options->port);
    set_if_missing(&target->user, options->user);
    if (file == NULL && options->host == NULL && config_is_at_hand()) {
        file = CONFIG_DEFAULT_FILE;
    }
    if (file != NULL) {
        rc = read_file(target, file, faults, err);
    }
    set_if_missing(&target->host, "127.0.0.1");
    set_if_missing(&target->port, "6432");
    set_if_missing(&target->user, "admin");
    set_if_missing(&target->database, "fahrend");
    return rc;
}

void target_fini(struct target *target)
{
    free(target->host);
    free(target->port);
    free(target->user);
    free(target->database);
    secure_free(target->password);
}
