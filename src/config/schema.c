// SPDX-License-Identifier: MIT
//
// The rows stand in the order of the reference. A section's row stands before its keys.
#include "config/schema.h"

#include <string.h>

#include "config/config.h"

static const char *const auth_methods[] = {"trust", "password", "md5", "scram-sha-256",
                                           "cert",  "peer",     "hba", NULL};
static const char *const tls_modes[] = {"disable",   "allow",       "prefer", "require",
                                        "verify-ca", "verify-full", NULL};
static const char *const tls_protocols[] = {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3", NULL};
static const char *const tls_negotiations[] = {"postgres", "direct", NULL};
static const char *const server_protocols[] = {"3.0", "3.2", NULL};
static const char *const server_roles[] = {"any", "primary", "standby", NULL};
static const char *const unknown_tenants[] = {"reject", "template", "provision", NULL};
static const char *const strategies[] = {"rls", "schema", "database", "none", NULL};
static const char *const rls_setups[] = {"manual", "auto", NULL};
static const char *const reset_policies[] = {"tenant", "client", "backend", "never", NULL};
static const char *const assert_policies[] = {"switch", "always", NULL};
static const char *const pool_modes[] = {"session", "transaction", "statement", NULL};
static const char *const provider_types[] = {"files", "env",    "exec", "aws-secrets-manager",
                                             "vault", "derive", NULL};
static const char *const vault_logins[] = {"token", "kubernetes", "approle", NULL};
static const char *const log_levels[] = {"debug", "info", "warning", "error", NULL};
static const char *const log_formats[] = {"text", "json", NULL};

#define STRUCT_TOP      struct config
#define STRUCT_SERVER   struct server_config
#define STRUCT_USER     struct user_config
#define STRUCT_TENANT   struct tenant_config
#define STRUCT_PROVIDER struct provider_config

/* A key with a member of the scope's struct; more fields of the row may follow the help. */
#define ROW(scope_, path_, type_, member_, fallback_, help_, ...)                                  \
    {                                                                                              \
        .scope = SCOPE_##scope_, .path = path_, .type = KEY_##type_,                               \
        .offset = offsetof(STRUCT_##scope_, member_), .fallback = fallback_, .help = help_,        \
        __VA_ARGS__                                                                                \
    }
#define SECTION(scope_, path_, help_)                                                              \
    {                                                                                              \
        .scope = SCOPE_##scope_, .path = path_, .type = KEY_SECTION, .help = help_                 \
    }
#define NAMED(path_, entries_, help_)                                                              \
    {                                                                                              \
        .scope = SCOPE_TOP, .path = path_, .type = KEY_NAMED, .entries = SCOPE_##entries_,         \
        .help = help_                                                                              \
    }

#define PORT_MAX  65535
#define COUNT_MAX 1000000

#define AUTH_SQL                                                                                   \
    "SELECT rolname, CASE WHEN rolvaliduntil < pg_catalog.now() THEN NULL ELSE rolpassword END "   \
    "FROM pg_catalog.pg_authid WHERE rolname = $1 AND rolcanlogin"

const struct key schema_keys[] = {
    SECTION(TOP, "listen", "Where clients connect."),
    ROW(TOP, "listen.address", STRINGS, listen.address, "[127.0.0.1]",
        "Names or addresses; \"*\" is every address of the machine; [] is none.",
        .effect = EFFECT_RESTART),
    ROW(TOP, "listen.port", INT, listen.port, "6432",
        "The port of every address, and the number in the socket's name.", .min = 1,
        .max = PORT_MAX, .effect = EFFECT_RESTART),
    ROW(TOP, "listen.unix_dir", PATH, listen.unix_dir, "/run/fahrend",
        "Folder of the Unix socket .s.PGSQL.PORT; \"\" is none.", .effect = EFFECT_RESTART),
    ROW(TOP, "listen.proxy_protocol", BOOL, listen.proxy_protocol, "false",
        "Connections of proxy_networks begin with a header of the PROXY protocol, version 1 or 2, "
        "which tells the client's address."),
    ROW(TOP, "listen.proxy_networks", STRINGS, listen.proxy_networks, "[]",
        "Addresses of load balancers: networks such as 10.0.0.0/8. Who comes from elsewhere is a "
        "client itself."),
    SECTION(TOP, "listen.tls", "Encryption between clients and fahrend."),
    ROW(TOP, "listen.tls.mode", CHOICE, listen.tls.mode, "disable",
        "allow and prefer take both kinds of client, require only encrypted ones; verify-ca also "
        "asks for a certificate, verify-full for one in the user's name.",
        .choices = tls_modes),
    ROW(TOP, "listen.tls.certificate", PATH, listen.tls.certificate, NULL,
        "PEM file with our certificate and what leads to its root.", .example = "server.crt",
        .some = true),
    ROW(TOP, "listen.tls.key", PATH, listen.tls.key, NULL, "PEM file with our private key.",
        .example = "server.key", .some = true),
    ROW(TOP, "listen.tls.ca", PATH, listen.tls.ca, NULL,
        "PEM file with the roots of clients' certificates.", .example = "clients.crt",
        .some = true),
    ROW(TOP, "listen.tls.crl", PATH, listen.tls.crl, NULL,
        "PEM file with the certificates that those roots have revoked.", .example = "clients.crl",
        .some = true),
    ROW(TOP, "listen.tls.certificates", PAIRS, listen.tls.certificates, "[]",
        "More certificates, each with its key: {certificate: FILE, key: FILE}. A client that asks "
        "for a host's name is shown the first that has it."),
    ROW(TOP, "listen.tls.min_protocol", CHOICE, listen.tls.min_protocol, "TLSv1.2",
        "The oldest protocol that is taken.", .choices = tls_protocols),
    ROW(TOP, "listen.tls.ciphers", TEXT, listen.tls.ciphers, NULL,
        "Ciphers for TLS up to 1.2, as OpenSSL writes them. When not given, those with forward "
        "secrecy.",
        .example = "HIGH:!aNULL", .some = true),
    ROW(TOP, "listen.tls.tls13_ciphers", TEXT, listen.tls.tls13_ciphers, NULL,
        "Ciphers for TLS 1.3, as OpenSSL writes them. When not given, its three, AES-128 first.",
        .example = "TLS_AES_256_GCM_SHA384", .some = true),
    ROW(TOP, "workers", INT, workers, "auto", "Event loops; auto is one for each CPU.", .min = 1,
        .max = 64, .zero = "auto", .effect = EFFECT_RESTART),
    ROW(TOP, "drain_timeout", TIME, drain_timeout, "0",
        "How long a drain waits for clients before it closes them; 0 is without end.",
        .effect = EFFECT_NOW),
    ROW(TOP, "core_dumps", BOOL, core_dumps, "false",
        "Whether a crash may leave a core dump, and a debugger of the same user attach: memory has "
        "passwords in it.",
        .effect = EFFECT_RESTART),

    NAMED("servers", SERVER, "PostgreSQL servers by name; at least one."),
    ROW(SERVER, "host", STRINGS, host, "[127.0.0.1]",
        "Name, address or folder of a Unix socket, or a list of them that is tried in order.",
        .some = true),
    ROW(SERVER, "port", INT, port, "5432", "The port of every host.", .min = 1, .max = PORT_MAX),
    ROW(SERVER, "role", CHOICE, role, "any",
        "Which of the hosts will do: any, only a primary, or only a standby.",
        .choices = server_roles),
    ROW(SERVER, "protocol", CHOICE, protocol, "3.0",
        "The newest protocol that the server is asked for. 3.2 has longer cancel keys, and needs "
        "PostgreSQL 18; what stands before a server may not let it through.",
        .choices = server_protocols),
    ROW(SERVER, "max_connections", INT, max_connections, "90",
        "Connections to this server, over all pools; 0 is no limit.", .max = COUNT_MAX),
    ROW(SERVER, "connect_timeout", TIME, connect_timeout, "15s",
        "How long a connection may take until it is ready for queries; 0 is without end."),
    ROW(SERVER, "login_retry", TIME, login_retry, "15s",
        "Pause after a failed connection before the next one is tried."),
    SECTION(SERVER, "tls", "Encryption between fahrend and the server."),
    ROW(SERVER, "tls.mode", CHOICE, tls.mode, "prefer",
        "As libpq's sslmode: verify-ca checks the server's certificate, verify-full its name too.",
        .choices = tls_modes),
    ROW(SERVER, "tls.certificate", PATH, tls.certificate, NULL,
        "PEM file with the certificate that we show.", .example = "client.crt", .some = true),
    ROW(SERVER, "tls.key", PATH, tls.key, NULL, "PEM file with its private key.",
        .example = "client.key", .some = true),
    ROW(SERVER, "tls.ca", PATH, tls.ca, NULL,
        "PEM file with the roots of servers' certificates. Where it is given, a certificate is "
        "checked in every mode.",
        .example = "ca.crt", .some = true),
    ROW(SERVER, "tls.crl", PATH, tls.crl, NULL,
        "PEM file with the certificates that those roots have revoked.", .example = "ca.crl",
        .some = true),
    ROW(SERVER, "tls.min_protocol", CHOICE, tls.min_protocol, "TLSv1.2",
        "The oldest protocol that is taken.", .choices = tls_protocols),
    ROW(SERVER, "tls.ciphers", TEXT, tls.ciphers, NULL,
        "Ciphers for TLS up to 1.2, as OpenSSL writes them. When not given, those with forward "
        "secrecy.",
        .example = "HIGH:!aNULL", .some = true),
    ROW(SERVER, "tls.tls13_ciphers", TEXT, tls.tls13_ciphers, NULL,
        "Ciphers for TLS 1.3, as OpenSSL writes them. When not given, its three, AES-128 first.",
        .example = "TLS_AES_256_GCM_SHA384", .some = true),
    ROW(SERVER, "tls.negotiation", CHOICE, tls.negotiation, "postgres",
        "postgres asks the server first whether it has TLS; direct begins with it, which saves a "
        "round trip and needs PostgreSQL 17 and a mode from require on.",
        .choices = tls_negotiations),
    SECTION(SERVER, "admin", "The login that makes tenants; without it none can be made here."),
    ROW(SERVER, "admin.user", NAME, admin.user, NULL,
        "A role that may create roles, schemas and databases.", .example = "postgres"),
    ROW(SERVER, "admin.password", SECRET, admin.password, NULL, "Its password.",
        .example = "{file: /run/secrets/admin}"),
    ROW(SERVER, "admin.database", NAME, admin.database, "postgres",
        "The database to connect to for work that belongs to no tenant's."),

    SECTION(TOP, "auth", "How clients prove who they are."),
    ROW(TOP, "auth.method", CHOICE, auth.method, "scram-sha-256",
        "hba lets the rules of a file choose for each connection.", .choices = auth_methods),
    ROW(TOP, "auth.hba_file", PATH, auth.hba_file, NULL, "Rules in the format of pg_hba.conf.",
        .example = "/etc/fahrend/hba.conf", .some = true),
    ROW(TOP, "auth.ident_file", PATH, auth.ident_file, NULL,
        "Maps for the methods cert and peer in the format of pg_ident.conf.",
        .example = "/etc/fahrend/ident.conf", .some = true),
    SECTION(TOP, "auth.query", "Asks a server for the verifiers of users that are not below."),
    ROW(TOP, "auth.query.server", NAME, auth.query.server, NULL, "The server to ask.",
        .example = "main"),
    ROW(TOP, "auth.query.database", NAME, auth.query.database, NULL, "The database to ask.",
        .example = "app"),
    ROW(TOP, "auth.query.user", NAME, auth.query.user, NULL, "The role that asks.",
        .example = "auth_reader"),
    ROW(TOP, "auth.query.password", SECRET, auth.query.password, NULL, "Its password.",
        .example = "{env: AUTH_PASSWORD}"),
    ROW(TOP, "auth.query.sql", TEXT, auth.query.sql, "\"" AUTH_SQL "\"",
        "One row with name and secret for the user $1, or none; a third column, if any, holds the "
        "tenants that the user may enter, with commas between. $2 is the tenant that the client "
        "names and $3 the database, \"\" for none.",
        .some = true),
    ROW(TOP, "auth.query.tenants", STRINGS, auth.query.tenants, "[\"*\"]",
        "Tenants that its users may enter, where the SQL has no third column."),
    ROW(TOP, "auth.query.cache", TIME, auth.query.cache, "10s",
        "How long an answer is kept; 0 asks every time."),

    SECTION(TOP, "auth.jwt",
            "Tokens (JWT) in the place of passwords, where the method is password."),
    ROW(TOP, "auth.jwt.file", PATH, auth.jwt.file, NULL, "A JSON Web Key Set.",
        .example = "/etc/fahrend/jwks.json", .some = true),
    ROW(TOP, "auth.jwt.url", TEXT, auth.jwt.url, NULL,
        "Where one is fetched when a token names a key that is not known; https://, or http:// on "
        "this machine.",
        .example = "\"https://login.example.com/.well-known/jwks.json\"", .some = true),
    ROW(TOP, "auth.jwt.issuer", TEXT, auth.jwt.issuer, NULL, "What iss must be.",
        .example = "\"https://login.example.com\"", .some = true),
    ROW(TOP, "auth.jwt.audience", TEXT, auth.jwt.audience, NULL, "What aud must hold.",
        .example = "fahrend", .some = true),
    ROW(TOP, "auth.jwt.user_claim", TEXT, auth.jwt.user_claim, "sub",
        "The claim that names the user.", .some = true),
    ROW(TOP, "auth.jwt.tenant_claim", TEXT, auth.jwt.tenant_claim, NULL,
        "The claim that names the tenant, which rules must agree with; who has it need not be one "
        "of the users.",
        .example = "tenant", .some = true),
    ROW(TOP, "auth.jwt.leeway", TIME, auth.jwt.leeway, "30s", "How far clocks may be apart."),
    ROW(TOP, "auth.jwt.require_tls", BOOL, auth.jwt.require_tls, "true",
        "Refuse tokens that come in clear, but over loopback and the Unix socket."),

    NAMED("users", USER, "Who may log in to fahrend, by name."),
    ROW(USER, "password", SECRET, password, NULL,
        "A secret: a text, {env: NAME}, {file: PATH}, {exec: [PROGRAM, ARGUMENT]} or {store: "
        "PROVIDER, id: NAME, key: FIELD}. It holds a password, or a verifier (md5… or "
        "SCRAM-SHA-256$…).",
        .example = "{env: APP_PASSWORD}", .needed = true),
    ROW(USER, "tenants", STRINGS, tenants, "[\"*\"]",
        "Tenants that this user may enter; * stands for any characters, [] for none."),
    SECTION(USER, "limits", "Caps of this user over all tenants; 0 is no limit."),
    ROW(USER, "limits.clients", INT, limits.clients, "0", "Client connections.", .max = COUNT_MAX),
    SECTION(TOP, "tenancy", "How a client's tenant is found."),
    ROW(TOP, "tenancy.resolve", RULES, tenancy.resolve, "[{parameter: app.tenant}]",
        "Rules in order; every one that yields a name must yield the same. parameter: a startup "
        "parameter's name; user, database, sni, application_name: a pattern such as "
        "\"{user}.{tenant}\"; certificate: cn."),
    ROW(TOP, "tenancy.unknown", CHOICE, tenancy.unknown, "reject",
        "A tenant that is neither named nor registered: reject it, let it in by the defaults "
        "(template), or make it on its first login (provision).",
        .choices = unknown_tenants),
    SECTION(TOP, "tenancy.provision", "Bounds of tenancy.unknown: provision; 0 is no limit."),
    ROW(TOP, "tenancy.provision.most", INT, tenancy.provision.most, "1000",
        "Where there are so many tenants, logins make no more.", .max = COUNT_MAX),
    ROW(TOP, "tenancy.provision.rate", INT, tenancy.provision.rate, "60",
        "Tenants that logins may make in one minute.", .max = COUNT_MAX),
    SECTION(TOP, "tenancy.registry", "Where tenants made at run time are kept."),
    ROW(TOP, "tenancy.registry.server", NAME, tenancy.registry.server, NULL, "The server.",
        .example = "main", .effect = EFFECT_NOW),
    ROW(TOP, "tenancy.registry.database", NAME, tenancy.registry.database, NULL, "The database.",
        .example = "app", .effect = EFFECT_NOW),

    NAMED("tenants", TENANT,
          "The entry \"defaults\" holds for every tenant; an entry by a tenant's name holds what "
          "differs, key by key."),
    ROW(TENANT, "server", NAME, server, NULL, "A server's name; the first one when not given.",
        .example = "main"),
    ROW(TENANT, "database", NAME, database, NULL, "When not given, what the client asked for.",
        .places = PLACE_TENANT, .example = "app"),
    ROW(TENANT, "strategy", CHOICE, strategy, "rls",
        "What keeps tenants apart: row level security in shared tables, a schema each, a database "
        "each, or nothing of ours.",
        .choices = strategies),
    ROW(TENANT, "login", LOGIN, login, "client",
        "Who logs in to the server: the client's user (client), the tenant's role (tenant), or "
        "{user: NAME, password: SECRET}."),
    ROW(TENANT, "role", NAME, role, "\"tenant_{tenant}\"", "The tenant's role.",
        .places = PLACE_TENANT),
    ROW(TENANT, "owner", NAME, owner, NULL,
        "The role that owns what CREATE TENANT makes; the tenant's role, or who logs in instead, "
        "then reads and writes but changes no table. When not given, the tenant's role owns it.",
        .places = PLACE_TENANT, .example = "\"owner_{tenant}\""),
    ROW(TENANT, "application_name", TEXT, application_name, "\"\"",
        "What the server is told as application_name, as in \"{application_name} [{tenant}]\", so "
        "that pg_stat_activity and its log name the tenant; the client sees its own. With "
        "{client_addr} clients of different addresses take turns by a switch. \"\" is what the "
        "client says.",
        .places = PLACE_TENANT | PLACE_APPLICATION | PLACE_CLIENT),
    ROW(TENANT, "password_epoch", INT, password_epoch, "0",
        "Which password in a row the role has, where secrets.store derives them: count it up, "
        "RELOAD, "
        "then CREATE TENANT again. The former one is good until then.",
        .max = COUNT_MAX),
    SECTION(TENANT, "rls", "The strategy rls."),
    ROW(TENANT, "rls.setting", TEXT, rls.setting, "app.tenant",
        "The setting that policies read; its name has a dot."),
    ROW(TENANT, "rls.seal", BOOL, rls.seal, "false",
        "Sign the setting, so that SQL of a client cannot choose another tenant."),
    ROW(TENANT, "rls.key", SECRET, rls.key, NULL,
        "The key that seals are signed with, of 32 bytes or more; SETUP RLS tells it to the "
        "server.",
        .example = "{file: /run/secrets/seal_key}"),
    ROW(TENANT, "rls.spare_key", SECRET, rls.spare_key, NULL,
        "A second key that policies accept too: the next one, or the last one, while keys change.",
        .example = "{file: /run/secrets/seal_key_old}"),
    ROW(TENANT, "rls.column", NAME, rls.column, "tenant_id", "The column that names the tenant."),
    ROW(TENANT, "rls.tables", STRINGS, rls.tables, "[]",
        "Tables that are set up; [] is all that have the column."),
    ROW(TENANT, "rls.setup", CHOICE, rls.setup, "manual",
        "Whether policies are made at start (auto) or only by SETUP RLS.", .choices = rls_setups),
    SECTION(TENANT, "schema", "The strategy schema."),
    ROW(TENANT, "schema.name", NAME, schema.name, "\"tenant_{tenant}\"", "The tenant's schema.",
        .places = PLACE_TENANT),
    ROW(TENANT, "schema.search_path", TEXT, schema.search_path, "\"{schema}\"",
        "The tenant's search_path; names that are filled in are quoted.",
        .places = PLACE_TENANT | PLACE_SCHEMA | PLACE_ROLE, .some = true),
    ROW(TENANT, "schema.clone", NAME, schema.clone, NULL,
        "Schema of the same database whose tables, views and functions a new tenant's schema gets, "
        "without rows.",
        .example = "model", .some = true),
    ROW(TENANT, "schema.template", PATH, schema.template, NULL,
        "SQL file that is run in the new schema of a tenant.", .places = PLACE_TENANT,
        .example = "schema.sql", .some = true),
    SECTION(TENANT, "dedicated", "The strategy database."),
    ROW(TENANT, "dedicated.name", NAME, dedicated.name, "\"tenant_{tenant}\"",
        "The tenant's database.", .places = PLACE_TENANT),
    ROW(TENANT, "dedicated.template", NAME, dedicated.template, "template1",
        "The database that a new one is copied from.", .places = PLACE_TENANT),
    ROW(TENANT, "settings", SETTINGS, settings, "{}",
        "Settings that are in force in the tenant's sessions, merged by name with those of the "
        "defaults; null takes one out."),
    ROW(TENANT, "reset", CHOICE, reset, "tenant",
        "When a server connection is scrubbed: as it changes tenant, as it changes client, never; "
        "backend closes it at a change of tenant.",
        .choices = reset_policies),
    ROW(TENANT, "assert", CHOICE, assertion, "switch",
        "When the context is set: as it changes, or always, ahead of each transaction.",
        .choices = assert_policies),
    SECTION(TENANT, "pool", "Server connections."),
    ROW(TENANT, "pool.mode", CHOICE, pool.mode, "transaction",
        "How long a client keeps a server connection.", .choices = pool_modes),
    ROW(TENANT, "pool.size", INT, pool.size, "20", "Connections of one pool; 0 is no limit.",
        .max = COUNT_MAX),
    ROW(TENANT, "pool.shards", INT, pool.shards, "1",
        "Parts that a pool is split into, each on a worker of its own with its share of the size.",
        .min = 1, .max = 1024),
    ROW(TENANT, "pool.min_size", INT, pool.min_size, "0", "Connections that are kept open.",
        .max = COUNT_MAX),
    ROW(TENANT, "pool.reserve_size", INT, pool.reserve_size, "0",
        "Connections beyond the size, for clients that have waited for reserve_timeout.",
        .max = COUNT_MAX),
    ROW(TENANT, "pool.reserve_timeout", TIME, pool.reserve_timeout, "5s",
        "How long a client waits before the reserve is used; 0 never uses it."),
    ROW(TENANT, "pool.idle_timeout", TIME, pool.idle_timeout, "10m",
        "An idle server connection is closed after so long; 0 keeps it."),
    ROW(TENANT, "pool.lifetime", TIME, pool.lifetime, "1h",
        "A server connection is closed at so old, when it is idle; 0 keeps it."),
    ROW(TENANT, "pool.prepared_statements", INT, pool.prepared_statements, "200",
        "Clients' prepared statements that are kept on one server connection; 0 leaves them "
        "alone.",
        .max = COUNT_MAX),
    ROW(TENANT, "pool.check_delay", TIME, pool.check_delay, "30s",
        "A server connection that was idle for longer is tried before it is used; 0 always."),
    ROW(TENANT, "pool.reset_query", TEXT, pool.reset_query, "DISCARD ALL",
        "What runs when a client leaves a pool in session mode; \"\" is nothing."),
    SECTION(TENANT, "limits", "Caps of this tenant; 0 is no limit."),
    ROW(TENANT, "limits.clients", INT, limits.clients, "0", "Client connections.",
        .max = COUNT_MAX),
    ROW(TENANT, "limits.connections", INT, limits.connections, "0", "Server connections.",
        .max = COUNT_MAX),
    ROW(TENANT, "limits.waiting", INT, limits.waiting, "0",
        "Clients that wait for a server connection.", .max = COUNT_MAX),
    ROW(TENANT, "limits.weight", INT, limits.weight, "1",
        "Turns in the queue of a pool that several tenants share.", .min = 1, .max = 1000),
    ROW(TENANT, "limits.tampers", INT, limits.tampers, "0",
        "Attempts to be another tenant or role, as far as the server tells of them, after which "
        "the tenant is suspended until RESUME TENANT. A key of the seal that the server does not "
        "know counts as well.",
        .max = COUNT_MAX),
    SECTION(TENANT, "timeouts", "Bounds in time; 0 is none."),
    ROW(TENANT, "timeouts.query_wait", TIME, timeouts.query_wait, "2m",
        "A query that waits longer for a server connection fails."),
    ROW(TENANT, "timeouts.query", TIME, timeouts.query, "0", "A query that runs longer fails."),
    ROW(TENANT, "timeouts.transaction", TIME, timeouts.transaction, "0",
        "A transaction that takes longer is ended."),
    ROW(TENANT, "timeouts.idle_transaction", TIME, timeouts.idle_transaction, "0",
        "A client that does nothing in a transaction for longer is closed."),
    ROW(TENANT, "timeouts.client_idle", TIME, timeouts.client_idle, "0",
        "A client that does nothing for longer is closed."),

    SECTION(TOP, "limits", "Caps of the whole; 0 is no limit."),
    ROW(TOP, "limits.clients", INT, limits.clients, "10000", "Client connections.",
        .max = 10 * COUNT_MAX),
    ROW(TOP, "limits.clients_per_address", INT, limits.clients_per_address, "0",
        "Client connections from one address.", .max = COUNT_MAX),
    ROW(TOP, "limits.logins", INT, limits.logins, "5000",
        "Connections in all that have not proved who they are yet. Beyond it one that has been "
        "silent "
        "for a second makes room, else who comes is refused. 0 is without end.",
        .max = 10 * COUNT_MAX),
    ROW(TOP, "limits.failed_logins_per_address", INT, limits.failed_logins_per_address, "0",
        "Wrong passwords from one address in a minute, after which it is refused until the next.",
        .max = COUNT_MAX),
    ROW(TOP, "limits.login_timeout", TIME, limits.login_timeout, "1m",
        "A client that has not logged in by then is closed; 0 is without end."),
    ROW(TOP, "limits.message_size", SIZE, limits.message_size, "1GiB",
        "The largest message that is let through from a client.", .min = 64 * 1024,
        .max = 0x7FFFFFFF, .effect = EFFECT_NOW),

    SECTION(TOP, "secrets", "Where the passwords of tenants' roles are kept."),
    ROW(TOP, "secrets.store", NAME, secrets.store, NULL,
        "The provider that new passwords are written to.", .example = "files",
        .effect = EFFECT_NOW),
    ROW(TOP, "secrets.cache", TIME, secrets.cache, "5m",
        "How long a password that was read from AWS, Vault or a program is used without asking "
        "again; longer where the store fails.",
        .effect = EFFECT_NOW),
    ROW(TOP, "secrets.environment", STRINGS, secrets.environment, "[]",
        "Names of environment variables that programs (exec) get beside PATH, HOME, USER, LANG, "
        "LC_ALL, TZ and TMPDIR: what they need to reach what they read.",
        .example = "[AWS_REGION, VAULT_ADDR]"),
    NAMED("secrets.providers", PROVIDER, "Stores by name."),
    ROW(PROVIDER, "type", CHOICE, type, "files",
        "files in a folder, env (variables), exec (a program), aws-secrets-manager, vault "
        "(HashiCorp's), or derive (an HMAC of the name: nothing is stored).",
        .choices = provider_types),
    ROW(PROVIDER, "directory", PATH, directory, "/var/lib/fahrend/secrets", "Type files.",
        .some = true),
    ROW(PROVIDER, "region", TEXT, region, NULL, "Type aws-secrets-manager.",
        .example = "eu-central-1", .some = true),
    ROW(PROVIDER, "prefix", TEXT, prefix, "\"\"",
        "Types env, aws-secrets-manager and vault: what stands before every id."),
    ROW(PROVIDER, "command", STRINGS, command, "[]",
        "Type exec: a program and its arguments; \"read\", \"write\" or \"delete\" and the id "
        "follow, "
        "the secret is read or printed, and status 44 says that there is none."),
    ROW(PROVIDER, "profile", TEXT, profile, "\"\"",
        "Type aws-secrets-manager: a profile of the shared credentials file; else credentials come "
        "from the environment, a web identity, that file, the container or the machine."),
    ROW(PROVIDER, "endpoint", TEXT, endpoint, "\"\"",
        "Type aws-secrets-manager: a URL to ask instead of the public one."),
    ROW(PROVIDER, "address", TEXT, address, NULL, "Type vault: its URL.",
        .example = "\"https://vault:8200\"", .some = true),
    ROW(PROVIDER, "mount", TEXT, mount, "kv", "Type vault: where its key/value engine is mounted.",
        .some = true),
    ROW(PROVIDER, "namespace", TEXT, ns, "\"\"", "Type vault: the namespace."),
    ROW(PROVIDER, "login", CHOICE, login, "token",
        "Type vault: with a token, as a Kubernetes service account, or by AppRole.",
        .choices = vault_logins),
    ROW(PROVIDER, "login_mount", TEXT, login_mount, "\"\"",
        "Type vault: where that way of logging in is mounted; \"\" is its own name."),
    ROW(PROVIDER, "token", SECRET, token, NULL, "Type vault, login token: what to ask with.",
        .example = "{file: /run/secrets/vault_token}"),
    ROW(PROVIDER, "role", TEXT, role, NULL, "Type vault, login kubernetes: the role.",
        .example = "fahrend", .some = true),
    ROW(PROVIDER, "jwt_file", PATH, jwt_file, "/var/run/secrets/kubernetes.io/serviceaccount/token",
        "Type vault, login kubernetes: the service account's token."),
    ROW(PROVIDER, "role_id", SECRET, role_id, NULL, "Type vault, login approle.",
        .example = "{file: /run/secrets/role_id}"),
    ROW(PROVIDER, "secret_id", SECRET, secret_id, NULL,
        "Type vault, login approle; need not be where the role is bound to addresses.",
        .example = "{file: /run/secrets/secret_id}"),
    ROW(PROVIDER, "timeout", TIME, timeout, "8s",
        "Types exec, aws-secrets-manager and vault: how long the program, or one request, may "
        "take.",
        .min = 1),
    ROW(PROVIDER, "ca", PATH, ca, NULL,
        "Types aws-secrets-manager and vault: certificates to trust instead of the system's.",
        .example = "/etc/ssl/vault-ca.pem"),
    ROW(PROVIDER, "key", SECRET, key, NULL, "Type derive: the key that passwords are made from.",
        .example = "{file: /run/secrets/master}"),

    SECTION(TOP, "admin", "The console."),
    ROW(TOP, "admin.database", NAME, admin.database, "fahrend",
        "The name of the database that is the console; \"pgbouncer\" is it too."),
    ROW(TOP, "admin.users", STRINGS, admin.users, "[]", "Users who may run every command."),
    ROW(TOP, "admin.stats_users", STRINGS, admin.stats_users, "[]", "Users who may only look."),
    SECTION(TOP, "http", "Metrics and health: /metrics, /livez, /readyz, and a page at /."),
    ROW(TOP, "http.address", TEXT, http.address, "127.0.0.1",
        "The address to listen on; an absolute path is a Unix socket, and the port only has to be "
        "on.",
        .effect = EFFECT_RESTART, .some = true),
    ROW(TOP, "http.port", INT, http.port, "9632", "The port; 0 is off.", .max = PORT_MAX,
        .effect = EFFECT_RESTART),
    ROW(TOP, "http.tenants", INT, http.tenants, "100",
        "How many tenants have their name in /metrics: the busiest; the rest are summed up under "
        "tenant=\"other\". The same number of pools is shown.",
        .max = 100000, .effect = EFFECT_NOW),
    ROW(TOP, "http.user", TEXT, http.user, "\"\"",
        "Who may see the page and the metrics (basic authentication); empty: everyone. /livez and "
        "/readyz are for everyone.",
        .effect = EFFECT_NOW),
    ROW(TOP, "http.password", SECRET, http.password, NULL, "That user's password.",
        .example = "{file: /run/secrets/http_password}", .effect = EFFECT_NOW),
    SECTION(TOP, "log", "What is written to stderr."),
    ROW(TOP, "log.level", CHOICE, log.level, "info", "The least that is written.",
        .choices = log_levels, .effect = EFFECT_NOW),
    ROW(TOP, "log.format", CHOICE, log.format, "text", "Lines for people, or JSON.",
        .choices = log_formats, .effect = EFFECT_NOW),
    ROW(TOP, "log.slow_wait", TIME, log.slow_wait, "1s",
        "A client that waited as long for a server connection is told of, as a warning; 0 is "
        "never.",
        .effect = EFFECT_NOW),
};

const size_t schema_key_count = sizeof schema_keys / sizeof schema_keys[0];

const struct scope schema_scopes[SCOPES] = {
    [SCOPE_TOP] = {.prefix = "", .size = sizeof(struct config)},
    [SCOPE_SERVER] = {.prefix = "servers.",
                      .example = "main",
                      .size = sizeof(struct server_config)},
    [SCOPE_USER] = {.prefix = "users.", .example = "app", .size = sizeof(struct user_config)},
    [SCOPE_TENANT] = {.prefix = "tenants.",
                      .example = "defaults",
                      .size = sizeof(struct tenant_config)},
    [SCOPE_PROVIDER] = {.prefix = "secrets.providers.",
                        .example = "files",
                        .size = sizeof(struct provider_config)},
};

const struct key *schema_find(enum key_scope scope, const char *path)
{
    for (size_t i = 0; i < schema_key_count; i++) {
        if (schema_keys[i].scope == scope && strcmp(schema_keys[i].path, path) == 0) {
            return &schema_keys[i];
        }
    }
    return NULL;
}

const char *schema_leaf(const struct key *key)
{
    const char *dot = strrchr(key->path, '.');

    return dot == NULL ? key->path : dot + 1;
}

bool schema_in_section(const struct key *key, enum key_scope scope, const char *path)
{
    size_t n = strlen(path);
    const char *leaf = schema_leaf(key);

    if (key->scope != scope) {
        return false;
    }
    if (n == 0) {
        return leaf == key->path;
    }
    return leaf == key->path + n + 1 && strncmp(key->path, path, n) == 0;
}
