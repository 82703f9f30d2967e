// SPDX-License-Identifier: MIT
//
// show_simple: what is known without asking anybody: SHOW VERSION and STATE, and
// what PgBouncer has and we do not (peers, a cache of names): empty, so that its tools are content.
#include "admin/show.h"

/* ---- VERSION ---- */

static const struct column version_columns[] = {{"version", COLUMN_TEXT}};

static void render_version(struct admin *admin, const struct gather *gather, struct rows *rows)
{
    (void)admin;
    (void)gather;
    row_begin(rows);
    row_text(rows, "fahrend " FAHREND_VERSION);
    row_end(rows);
}

const struct show show_version = {.columns = COLUMNS(version_columns), .render = render_version};

/* ---- STATE ---- */

static const struct column state_columns[] = {{"key", COLUMN_TEXT}, {"value", COLUMN_TEXT}};

static void render_key(struct rows *rows, const char *key, bool value)
{
    row_begin(rows);
    row_text(rows, key);
    row_text(rows, value ? "yes" : "no");
    row_end(rows);
}

static void render_state(struct admin *admin, const struct gather *gather, struct rows *rows)
{
    uint32_t shut = admin->gates.all;

    (void)gather;
    render_key(rows, "active", (shut & (GATE_PAUSED | GATE_SUSPENDED)) == 0);
    render_key(rows, "paused", (shut & GATE_PAUSED) != 0);
    render_key(rows, "suspended", (shut & GATE_SUSPENDED) != 0);
}

const struct show show_state = {.columns = COLUMNS(state_columns), .render = render_state};

/* ---- what there is not ---- */

static void render_nothing(struct admin *admin, const struct gather *gather, struct rows *rows)
{
    (void)admin;
    (void)gather;
    (void)rows;
}

static const struct column peers_columns[] = {{"peer_id", COLUMN_INT},
                                              {"host", COLUMN_TEXT},
                                              {"port", COLUMN_INT},
                                              {"pool_size", COLUMN_INT}};

const struct show show_peers = {.columns = COLUMNS(peers_columns), .render = render_nothing};

static const struct column peer_pools_columns[] = {{"peer_id", COLUMN_INT},
                                                   {"cl_active_cancel_req", COLUMN_INT},
                                                   {"cl_waiting_cancel_req", COLUMN_INT},
                                                   {"sv_active_cancel", COLUMN_INT},
                                                   {"sv_login", COLUMN_INT}};

const struct show show_peer_pools = {.columns = COLUMNS(peer_pools_columns),
                                     .render = render_nothing};

static const struct column dns_hosts_columns[] = {
    {"hostname", COLUMN_TEXT}, {"ttl", COLUMN_INT}, {"addrs", COLUMN_TEXT}};

const struct show show_dns_hosts = {.columns = COLUMNS(dns_hosts_columns),
                                    .render = render_nothing};

static const struct column dns_zones_columns[] = {
    {"zonename", COLUMN_TEXT}, {"serial", COLUMN_INT}, {"count", COLUMN_INT}};

const struct show show_dns_zones = {.columns = COLUMNS(dns_zones_columns),
                                    .render = render_nothing};
