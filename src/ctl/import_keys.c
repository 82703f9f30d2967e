// SPDX-License-Identifier: MIT
//
// Rows of one key in several sections stand in the order in which they override one another.
#include "ctl/import_keys.h"
#include "config/suggest.h"

#include <string.h>

#define MAPPED(section_, name_, scope_, path_, ...)                                                \
    {                                                                                              \
        .section = IMPORT_##section_, .name = name_, .scope = SCOPE_##scope_, .path = path_,       \
        __VA_ARGS__                                                                                \
    }
#define OWN(section_, name_)                                                                       \
    {                                                                                              \
        .section = IMPORT_##section_, .name = name_, .own = true                                   \
    }
#define ADVISED(section_, name_, harmless_, advice_)                                               \
    {                                                                                              \
        .section = IMPORT_##section_, .name = name_, .harmless = harmless_, .advice = advice_      \
    }

#define LOGS_STDERR "fahrend logs to stderr: let systemd or the container's runtime keep it"
#define ONE_LOG     "nothing to do: log.level decides what is logged"
#define AUTH_QUERY                                                                                 \
    "say it anew as auth.query: one server, database, user, password and query for all; write "    \
    "schemas out in the query, its search_path is pg_catalog"
#define TLS_VERSIONS "TLS 1.2 and later are spoken: set min_protocol under tls for others"
#define TLS_CIPHERS  "the library's choice is used: set ciphers under tls for another"
#define NO_TLS_KEY   "no counterpart: OpenSSL's own choice is used"
#define NO_TUNING    "nothing to do: fahrend sizes its buffers itself and never holds up a loop"
#define NO_DNS       "nothing to do: names are looked up by the system's resolver"
#define NO_KEEPALIVE "no counterpart: set the system's net.ipv4.tcp_keepalive_* instead"
#define NO_PEERS     "no counterpart: one fahrend uses all CPUs by itself, and needs no peers"
#define NOT_PER_USER                                                                               \
    "no counterpart for a user: set it for the tenant, or give the user a tenant of its own "      \
    "(another name, the same server and database)"
#define NOT_IN_STARTUP                                                                             \
    "not written, because a tenant's settings would win over what clients ask for: "               \
    "ALTER ROLE ... IN DATABASE ... SET makes it a default on the server"
#define USE_ONCE "1ms" /* PgBouncer's lifetime 0 is one use; ours is for ever */

const struct import_key import_keys[] = {
    /* generic */
    MAPPED(GLOBAL, "listen_addr", TOP, "listen.address", .fallback = "[]"),
    MAPPED(GLOBAL, "listen_port", TOP, "listen.port"),
    MAPPED(GLOBAL, "unix_socket_dir", TOP, "listen.unix_dir", .fallback = "/tmp"),
    MAPPED(GLOBAL, "pool_mode", TENANT, "pool.mode", .fallback = "session"),
    MAPPED(GLOBAL, "max_client_conn", TOP, "limits.clients", .fallback = "100", .zero = "1"),
    MAPPED(GLOBAL, "default_pool_size", TENANT, "pool.size"),
    MAPPED(GLOBAL, "min_pool_size", TENANT, "pool.min_size"),
    MAPPED(GLOBAL, "reserve_pool_size", TENANT, "pool.reserve_size"),
    MAPPED(GLOBAL, "reserve_pool_timeout", TENANT, "pool.reserve_timeout"),
    MAPPED(GLOBAL, "max_db_connections", TENANT, "limits.connections"),
    MAPPED(GLOBAL, "max_db_client_connections", TENANT, "limits.clients"),
    MAPPED(GLOBAL, "max_user_client_connections", USER, "limits.clients"),
    MAPPED(GLOBAL, "max_prepared_statements", TENANT, "pool.prepared_statements"),
    ADVISED(GLOBAL, "logfile", "", LOGS_STDERR),
    ADVISED(GLOBAL, "pidfile", "",
            "fahrend stays in the foreground: systemd or the container's runtime knows its pid"),
    ADVISED(GLOBAL, "unix_socket_mode", "0777",
            "no counterpart: restrict who may enter the folder of listen.unix_dir"),
    ADVISED(GLOBAL, "unix_socket_group", "",
            "no counterpart: restrict who may enter the folder of listen.unix_dir"),
    ADVISED(GLOBAL, "user", "", "fahrend changes no user: start it as this one (User= of systemd)"),
    ADVISED(GLOBAL, "max_user_connections", "0",
            "no counterpart: limits.connections of a tenant, pool.size and "
            "servers.NAME.max_connections bound server connections"),
    ADVISED(GLOBAL, "server_round_robin", "0",
            "no counterpart: the server connection that fits best is used, warm ones first"),
    ADVISED(GLOBAL, "track_extra_parameters", "IntervalStyle",
            "nothing to do: every parameter that the server reports is followed"),
    ADVISED(GLOBAL, "ignore_startup_parameters", "",
            "no startup parameter is ignored: each becomes a setting of the session; take those "
            "that PostgreSQL does not know out of the applications' connection strings"),
    ADVISED(GLOBAL, "peer_id", "0", NO_PEERS),
    ADVISED(GLOBAL, "disable_pqexec", "0", "no counterpart: simple queries are always let through"),
    ADVISED(GLOBAL, "application_name_add_host", "0",
            "no counterpart: fahrenctl show clients tells a client's address"),
    ADVISED(GLOBAL, "conffile", "", "nothing to do: fahrend reads the file of its option -c"),
    ADVISED(GLOBAL, "service_name", "pgbouncer", "nothing to do: name the service as you like"),
    ADVISED(GLOBAL, "job_name", "pgbouncer", "nothing to do: name the service as you like"),
    ADVISED(GLOBAL, "stats_period", "60",
            "no counterpart: show stats_averages is over the last minute"),
    ADVISED(GLOBAL, "login_notify_message", "", "no counterpart: clients get no notice at login"),

    /* authentication */
    MAPPED(GLOBAL, "auth_type", TOP, "auth.method", .fallback = "md5"),
    OWN(GLOBAL, "auth_file"),
    ADVISED(GLOBAL, "auth_hba_file", "",
            "set auth.method to hba and auth.hba_file to this file; check it first: a line that "
            "PgBouncer skips with a warning refuses the whole file here"),
    ADVISED(GLOBAL, "auth_ident_file", "", "set auth.ident_file to this file, with auth.hba_file"),
    ADVISED(GLOBAL, "auth_ldap_options", "",
            "write its options behind the method ldap, in a rule of auth.hba_file"),
    ADVISED(GLOBAL, "auth_user", "", AUTH_QUERY),
    ADVISED(GLOBAL, "auth_query", "", AUTH_QUERY),
    ADVISED(GLOBAL, "auth_dbname", "", AUTH_QUERY),
    ADVISED(GLOBAL, "scram_iterations", "4096",
            "no counterpart: a SCRAM verifier as password of the user has the iterations you want"),

    /* logging and console */
    ADVISED(GLOBAL, "syslog", "0", LOGS_STDERR),
    ADVISED(GLOBAL, "syslog_ident", "pgbouncer", LOGS_STDERR),
    ADVISED(GLOBAL, "syslog_facility", "daemon", LOGS_STDERR),
    ADVISED(GLOBAL, "log_connections", "1", ONE_LOG),
    ADVISED(GLOBAL, "log_disconnections", "1", ONE_LOG),
    ADVISED(GLOBAL, "log_pooler_errors", "1", ONE_LOG),
    ADVISED(GLOBAL, "log_stats", "1", "nothing to do: fahrenctl show stats tells the figures"),
    MAPPED(GLOBAL, "verbose", TOP, "log.level", .translated = true),
    MAPPED(GLOBAL, "admin_users", TOP, "admin.users"),
    MAPPED(GLOBAL, "stats_users", TOP, "admin.stats_users"),

    /* servers */
    MAPPED(GLOBAL, "server_reset_query", TENANT, "pool.reset_query"),
    MAPPED(GLOBAL, "server_reset_query_always", TENANT, "reset", .translated = true),
    MAPPED(GLOBAL, "server_check_delay", TENANT, "pool.check_delay"),
    OWN(GLOBAL, "server_check_query"),
    ADVISED(GLOBAL, "server_fast_close", "0",
            "no counterpart: KILL or RECONNECT on the console ends sessions"),
    MAPPED(GLOBAL, "server_lifetime", TENANT, "pool.lifetime", .zero = USE_ONCE),
    MAPPED(GLOBAL, "server_idle_timeout", TENANT, "pool.idle_timeout"),
    MAPPED(GLOBAL, "server_connect_timeout", SERVER, "connect_timeout"),
    MAPPED(GLOBAL, "server_login_retry", SERVER, "login_retry"),
    MAPPED(GLOBAL, "client_login_timeout", TOP, "limits.login_timeout"),
    ADVISED(GLOBAL, "autodb_idle_timeout", "3600",
            "nothing to do: a name that nobody uses costs nothing"),
    ADVISED(GLOBAL, "pool_idle_timeout", "0", "nothing to do: an idle pool costs nothing"),
    ADVISED(GLOBAL, "dns_max_ttl", "15", NO_DNS),
    ADVISED(GLOBAL, "dns_nxdomain_ttl", "15", NO_DNS),
    ADVISED(GLOBAL, "dns_zone_check_period", "0", NO_DNS),
    ADVISED(GLOBAL, "resolv_conf", "", NO_DNS),

    /* timeouts */
    MAPPED(GLOBAL, "query_timeout", TENANT, "timeouts.query"),
    MAPPED(GLOBAL, "query_wait_timeout", TENANT, "timeouts.query_wait"),
    ADVISED(GLOBAL, "query_wait_notify", "5",
            "no counterpart: a client that waits is told after 5 seconds"),
    ADVISED(GLOBAL, "cancel_wait_timeout", "10",
            "nothing to do: cancel requests do not wait for a pool"),
    MAPPED(GLOBAL, "client_idle_timeout", TENANT, "timeouts.client_idle"),
    MAPPED(GLOBAL, "idle_transaction_timeout", TENANT, "timeouts.idle_transaction"),
    MAPPED(GLOBAL, "transaction_timeout", TENANT, "timeouts.transaction"),
    ADVISED(GLOBAL, "suspend_timeout", "10", "no counterpart: RESUME ends a SUSPEND"),

    /* TLS */
    MAPPED(GLOBAL, "client_tls_sslmode", TOP, "listen.tls.mode"),
    MAPPED(GLOBAL, "client_tls_key_file", TOP, "listen.tls.key"),
    MAPPED(GLOBAL, "client_tls_cert_file", TOP, "listen.tls.certificate"),
    MAPPED(GLOBAL, "client_tls_ca_file", TOP, "listen.tls.ca"),
    ADVISED(GLOBAL, "client_tls_protocols", "secure", TLS_VERSIONS),
    ADVISED(GLOBAL, "client_tls_ciphers", "default", TLS_CIPHERS),
    MAPPED(GLOBAL, "client_tls13_ciphers", TOP, "listen.tls.tls13_ciphers"),
    ADVISED(GLOBAL, "client_tls_ecdhcurve", "auto", NO_TLS_KEY),
    ADVISED(GLOBAL, "client_tls_dheparams", "auto", NO_TLS_KEY),
    MAPPED(GLOBAL, "server_tls_sslmode", SERVER, "tls.mode"),
    MAPPED(GLOBAL, "server_tls_key_file", SERVER, "tls.key"),
    MAPPED(GLOBAL, "server_tls_cert_file", SERVER, "tls.certificate"),
    MAPPED(GLOBAL, "server_tls_ca_file", SERVER, "tls.ca"),
    ADVISED(GLOBAL, "server_tls_protocols", "secure", TLS_VERSIONS),
    ADVISED(GLOBAL, "server_tls_ciphers", "default", TLS_CIPHERS),
    MAPPED(GLOBAL, "server_tls13_ciphers", SERVER, "tls.tls13_ciphers"),

    /* network */
    MAPPED(GLOBAL, "max_packet_size", TOP, "limits.message_size"),
    ADVISED(GLOBAL, "pkt_buf", "4096", NO_TUNING),
    ADVISED(GLOBAL, "sbuf_loopcnt", "5", NO_TUNING),
    ADVISED(GLOBAL, "tcp_socket_buffer", "0", NO_TUNING),
    ADVISED(GLOBAL, "listen_backlog", "128", "nothing to do: net.core.somaxconn is the bound"),
    ADVISED(GLOBAL, "so_reuseport", "0", NO_PEERS),
    ADVISED(GLOBAL, "tcp_defer_accept", NULL,
            "no counterpart: limits.login_timeout closes clients that say nothing"),
    ADVISED(GLOBAL, "tcp_keepalive", "1", NO_KEEPALIVE),
    ADVISED(GLOBAL, "tcp_keepcnt", "0", NO_KEEPALIVE),
    ADVISED(GLOBAL, "tcp_keepidle", "0", NO_KEEPALIVE),
    ADVISED(GLOBAL, "tcp_keepintvl", "0", NO_KEEPALIVE),
    ADVISED(GLOBAL, "tcp_user_timeout", "0",
            "no counterpart: set the system's net.ipv4.tcp_retries2 instead"),

    OWN(DATABASE, "dbname"),
    MAPPED(DATABASE, "host", SERVER, "host"),
    MAPPED(DATABASE, "port", SERVER, "port"),
    OWN(DATABASE, "user"),
    OWN(DATABASE, "password"),
    MAPPED(DATABASE, "pool_mode", TENANT, "pool.mode"),
    MAPPED(DATABASE, "pool_size", TENANT, "pool.size"),
    MAPPED(DATABASE, "min_pool_size", TENANT, "pool.min_size"),
    MAPPED(DATABASE, "reserve_pool", TENANT, "pool.reserve_size"),
    MAPPED(DATABASE, "reserve_pool_size", TENANT, "pool.reserve_size"),
    MAPPED(DATABASE, "max_db_connections", TENANT, "limits.connections", .zero = ""),
    MAPPED(DATABASE, "max_db_client_connections", TENANT, "limits.clients", .zero = ""),
    MAPPED(DATABASE, "server_lifetime", TENANT, "pool.lifetime", .zero = ""),
    MAPPED(DATABASE, "query_wait_timeout", TENANT, "timeouts.query_wait"),
    ADVISED(DATABASE, "load_balance_hosts", "disable",
            "no counterpart: the hosts of a server are tried in their order"),
    ADVISED(DATABASE, "auth_user", "", AUTH_QUERY),
    ADVISED(DATABASE, "auth_query", "", AUTH_QUERY),
    ADVISED(DATABASE, "auth_dbname", "", AUTH_QUERY),
    ADVISED(DATABASE, "connect_query", "",
            "no counterpart: for settings use tenants.NAME.settings, or ALTER ROLE ... IN DATABASE "
            "... SET on the server"),
    ADVISED(DATABASE, "client_encoding", NULL, NOT_IN_STARTUP),
    ADVISED(DATABASE, "datestyle", NULL, NOT_IN_STARTUP),
    ADVISED(DATABASE, "timezone", NULL, NOT_IN_STARTUP),
    ADVISED(DATABASE, "application_name", NULL, NOT_IN_STARTUP),

    MAPPED(USER, "max_user_client_connections", USER, "limits.clients", .zero = ""),
    ADVISED(USER, "pool_mode", NULL, NOT_PER_USER),
    ADVISED(USER, "pool_size", NULL, NOT_PER_USER),
    ADVISED(USER, "reserve_pool", NULL, NOT_PER_USER),
    ADVISED(USER, "reserve_pool_size", NULL, NOT_PER_USER),
    ADVISED(USER, "max_user_connections", "0", NOT_PER_USER),
    ADVISED(USER, "query_timeout", "0", NOT_PER_USER),
    ADVISED(USER, "query_wait_timeout", NULL, NOT_PER_USER),
    ADVISED(USER, "idle_transaction_timeout", "0", NOT_PER_USER),
    ADVISED(USER, "transaction_timeout", "0", NOT_PER_USER),
    ADVISED(USER, "client_idle_timeout", "0", NOT_PER_USER),

    ADVISED(PEER, "host", NULL, NO_PEERS),
    ADVISED(PEER, "port", NULL, NO_PEERS),
    ADVISED(PEER, "pool_size", NULL, NO_PEERS),
};

const size_t import_key_count = sizeof import_keys / sizeof import_keys[0];

#define NO_METHOD                                                                                  \
    "scram-sha-256 was written: set auth.method (and auth.hba_file) by hand, or give each user a " \
    "password or a SCRAM verifier under users"

static const struct import_word words[] = {
    {"auth.method", "any", "trust",
     "admin_users are still asked for by name: whoever calls itself so may use the console"},
    {"auth.method", "plain", "password", NULL},
    {"auth.method", "cert", "scram-sha-256", NO_METHOD},
    {"auth.method", "peer", "scram-sha-256", NO_METHOD},
    {"auth.method", "hba", "scram-sha-256", NO_METHOD},
    {"auth.method", "ldap", "scram-sha-256", NO_METHOD},
    {"auth.method", "pam", "scram-sha-256", NO_METHOD},
    {"log.level", "0", "", NULL},
    {"log.level", "1", "debug", NULL},
    {"log.level", "2", "debug", NULL},
    {"log.level", "3", "debug", NULL},
    {"reset", "0", "", NULL},
    {"reset", "1", "client",
     "DISCARD ALL runs whenever the client of a server connection changes; a server_reset_query of "
     "your own runs in session mode only"},
    {"listen.tls.mode", "verify-full", "verify-ca",
     NULL}, /* for clients PgBouncer means the same */
};

const char *import_section_name(enum import_section section)
{
    static const char *const names[IMPORT_SECTIONS] = {
        [IMPORT_GLOBAL] = "pgbouncer",
        [IMPORT_DATABASE] = "databases",
        [IMPORT_USER] = "users",
        [IMPORT_PEER] = "peers",
    };

    return names[section];
}

const struct import_key *import_key_find(enum import_section section, const char *name)
{
    for (size_t i = 0; i < import_key_count; i++) {
        if (import_keys[i].section == section && strcmp(import_keys[i].name, name) == 0) {
            return &import_keys[i];
        }
    }
    return NULL;
}

const char *import_key_suggest(enum import_section section, const char *word)
{
    const char *best = NULL;
    int least = 0;

    for (size_t i = 0; i < import_key_count; i++) {
        const struct import_key *key = &import_keys[i];
        int distance = suggest_distance(word, key->name);
        if (key->section == section && suggest_is_slip(word, key->name) &&
            (best == NULL || distance < least)) {
            best = key->name;
            least = distance;
        }
    }
    return best;
}

const struct import_word *import_word_find(const char *path, const char *value)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i].path, path) == 0 && strcmp(words[i].value, value) == 0) {
            return &words[i];
        }
    }
    return NULL;
}
