// SPDX-License-Identifier: MIT
#include "proxy/client_startup.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static int add_setting(struct client_startup *said, struct slice name, struct slice value,
                       struct err *err)
{
    if (said->setting_count == LIMIT_CONTEXT_SETTINGS) {
        return err_set(err, ERR_INVALID_VALUE, "too many startup parameters");
    }
    said->settings[said->setting_count++] = (struct context_setting){.name = name, .value = value};
    return 0;
}

/* Those out of "options" come first: a parameter of its own counts more, as in PostgreSQL. */
static int add_options(struct client_startup *said, struct err *err)
{
    if (said->raw_options.n == 0) {
        return 0;
    }
    said->options = x_alloc(said->raw_options.n + 1);
    said->split = x_alloc(LIMIT_CONTEXT_SETTINGS * sizeof *said->split);
    int n =
        startup_options(said->raw_options, said->options, said->split, LIMIT_CONTEXT_SETTINGS, err);
    for (int i = 0; i < n; i++) {
        (void)add_setting(said, slice_str(said->split[i].name), slice_str(said->split[i].value),
                          NULL);
    }
    return n < 0 ? n : 0;
}

/* Where the value of a parameter belongs that is no setting; NULL for all others. */
static struct slice *place_of(struct client_startup *said, struct slice name)
{
    if (slice_eq_str(name, "user")) {
        return &said->user;
    }
    if (slice_eq_str(name, "database")) {
        return &said->database;
    }
    if (slice_eq_str(name, "options")) {
        return &said->raw_options;
    }
    return slice_eq_str(name, "replication") ? &said->replication : NULL;
}

static bool is_extension(struct slice name)
{
    return name.n >= 5 && memcmp(name.p, "_pq_.", 5) == 0;
}

static void take_special(struct client_startup *said, struct slice name, struct slice value)
{
    struct slice *place = place_of(said, name);

    if (place != NULL) {
        *place = value;
    } else if (is_extension(name) &&
               said->extension_count < sizeof said->extensions / sizeof said->extensions[0]) {
        said->extensions[said->extension_count++] = name;
    }
}

static int read_parameters(struct client_startup *said, struct err *err)
{
    struct slice rest = buf_slice(&said->packet);
    struct slice name;
    struct slice value;
    int rc;

    while ((rc = startup_next(&rest, &name, &value, err)) > 0) {
        take_special(said, name, value);
    }
    rc = rc < 0 ? rc : add_options(said, err);
    if (rc < 0) {
        return rc;
    }
    rest = buf_slice(&said->packet);
    while (rc == 0 && startup_next(&rest, &name, &value, err) > 0) {
        if (place_of(said, name) == NULL && !is_extension(name)) {
            rc = add_setting(said, name, value, err);
        }
    }
    return rc;
}

/* What PostgreSQL's parse_bool takes for no means an ordinary session. */
static struct slice replication_mode(struct slice value)
{
    bool no = slice_eq_str(value, "false") || slice_eq_str(value, "f") ||
              slice_eq_str(value, "0") || slice_eq_str(value, "off") || slice_eq_str(value, "no") ||
              slice_eq_str(value, "n");

    return no ? SLICE_EMPTY : value;
}

static struct slice application_name(const struct client_startup *said)
{
    struct slice value = SLICE_EMPTY;

    for (size_t i = 0; i < said->setting_count; i++) {
        if (setting_name_eq(said->settings[i].name, slice_str("application_name"))) {
            value = said->settings[i].value;
        }
    }
    return value;
}

int client_startup_read(struct client_startup *said, struct slice body, struct err *err)
{
    buf_append_slice(&said->packet, body);
    said->settings = x_alloc(LIMIT_CONTEXT_SETTINGS * sizeof *said->settings);
    int rc = read_parameters(said, err);

    if (rc == 0 && said->user.n == 0) {
        rc = err_set(err, ERR_NOT_ALLOWED, "no PostgreSQL user name specified in startup packet");
    }
    return rc;
}

void client_startup_resolve(struct client_startup *said, const struct tenancy_config *tenancy,
                            const struct client_origin *origin, struct client_identity *identity)
{
    struct identity facts = {
        .user = said->user,
        .database = said->database.n > 0 ? said->database : said->user,
        .application_name = application_name(said),
        .sni = origin->asked_host,
        .certificate_cn = origin->certificate_cn,
        .certificate_hosts = origin->certificate_hosts,
        .certificate_host_count = origin->certificate_host_count,
        .parameters = said->settings,
        .parameter_count = said->setting_count,
    };

    identity->replication = replication_mode(said->replication);
    identity->full_user = identity->user = said->user;
    identity->full_database = identity->database = facts.database;
    identity->settings = said->settings;
    identity->setting_count = said->setting_count;
    int rc = resolve_tenant(tenancy, &facts, &said->resolved, &identity->tenant_err);
    identity->nameless = said->resolved.nameless;
    identity->user = said->resolved.user;
    identity->database = said->database.n > 0 ? said->resolved.database : identity->user;
    if (rc < 0) {
        return;
    }
    memcpy(identity->tenant, said->resolved.tenant, sizeof identity->tenant);
    identity->setting_count =
        resolve_strip(tenancy, &said->resolved, said->settings, said->setting_count);
}

void client_startup_fini(struct client_startup *said)
{
    buf_release(&said->packet);
    free(said->options);
    free(said->split);
    free(said->settings);
}
