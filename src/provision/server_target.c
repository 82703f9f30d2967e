// SPDX-License-Identifier: MIT
#include "provision/server_target.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/buf.h"

static char *join_hosts(const struct strings *hosts)
{
    struct buf text = {0};

    for (size_t i = 0; i < hosts->count; i++) {
        buf_printf(&text, "%s%s", i == 0 ? "" : ",", hosts->items[i]);
    }
    char *joined = x_strndup(buf_slice(&text));
    buf_release(&text);
    return joined;
}

void server_target_reach(struct server_target *st, const struct server_config *server)
{
    static const char *const modes[] = {"disable", "allow",     "prefer",
                                        "require", "verify-ca", "verify-full"};

    st->hosts = join_hosts(&server->host);
    st->target = (struct pgexec_target){
        .hosts = st->hosts,
        .port = server->port,
        .sslmode = modes[server->tls.mode],
        .sslrootcert = server->tls.ca,
        .sslcert = server->tls.certificate,
        .sslkey = server->tls.key,
    };
}

int server_target_init(struct server_target *st, const struct server_config *server,
                       const struct secrets *secrets, const char *what, struct err *err)
{
    if (server->admin.user == NULL) {
        return err_set(err, ERR_CONFIG, "servers.%s.admin is not set, and %s logs in as it",
                       server->name, what);
    }
    server_target_reach(st, server);
    st->target.user = server->admin.user;
    st->target.password = secret_of(secrets, &server->admin.password);
    st->target.database = server->admin.database;
    st->target.application = "fahrend provision";
    return 0;
}

void server_target_fini(struct server_target *st)
{
    free(st->hosts);
    *st = (struct server_target){.hosts = NULL};
}
