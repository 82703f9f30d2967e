// SPDX-License-Identifier: MIT
//
// config: the configuration as an immutable snapshot. load.h makes one from a file; the keys, their
// defaults, bounds and help are in schema.c, one row each. Every pointer in here leads into memory
// that the snapshot owns, so that it is valid as long as a reference is held: whoever keeps a
// pointer keeps a reference. Names of choices are spelled in schema.c.
//
// A tenant's entry is whole: the built-in defaults, tenants.defaults and its own keys are already
// merged, key by key. Patterns are well-formed: only the placeholders named beside a field occur.
//
// Written by the thread that loads, read by all. The count of references is atomic.
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "base/slice.h"

struct strings {
    const char *const *items; /* NULL when count is 0 */
    size_t count;
};

/* Where a secret comes from; secret/secret.h fetches it. */
enum secret_kind {
    SECRET_NONE,  /* not given */
    SECRET_TEXT,  /* in the configuration itself */
    SECRET_ENV,   /* an environment variable */
    SECRET_FILE,  /* a file's content */
    SECRET_EXEC,  /* what a program prints */
    SECRET_STORE, /* kept by a provider */
    SECRET_KINDS
};

struct provider_config;

struct secret_ref {
    enum secret_kind kind;
    uint32_t index;      /* position in config.secret_uses; equal refs of merged tenants share it */
    const char *value;   /* TEXT: the secret; ENV: name; FILE: absolute path; STORE: the id */
    const char *field;   /* STORE: field of the stored value, or NULL for the whole */
    struct strings argv; /* EXEC: program (searched in PATH) and arguments */
    const struct strings *variables;        /* EXEC: secrets.environment */
    const struct provider_config *provider; /* STORE */
};

/* One place that asks for a secret; `path` is its key for messages: "users.app.password". */
struct secret_use {
    const char *path;
    struct secret_ref ref;
};

enum tls_mode { TLS_DISABLE, TLS_ALLOW, TLS_PREFER, TLS_REQUIRE, TLS_VERIFY_CA, TLS_VERIFY_FULL };

enum tls_protocol { TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3 };
enum tls_negotiation { TLS_BY_REQUEST, TLS_DIRECT };

/* A certificate and its key: absolute paths. */
struct certificate_config {
    const char *certificate;
    const char *key;
};

struct certificates {
    const struct certificate_config *items; /* NULL when count is 0 */
    size_t count;
};

struct tls_config {
    enum tls_mode mode;
    const char *certificate; /* absolute path, or NULL; likewise below */
    const char *key;
    struct certificates certificates; /* listen: more of them, chosen by what a client asks for */
    const char *ca;
    const char *crl;
    enum tls_protocol min_protocol;
    const char *ciphers;              /* NULL: those that are good */
    const char *tls13_ciphers;        /* NULL: all, the quickest first */
    enum tls_negotiation negotiation; /* servers: whether PostgreSQL's request comes first */
};

struct listen_config {
    bool proxy_protocol; /* clients of proxy_networks come through a load balancer that says so */
    struct strings proxy_networks; /* each is one for cidr_parse */
    struct strings address;        /* names, addresses, "*"; may be empty */
    int port;
    const char *unix_dir; /* "" for none */
    struct tls_config tls;
};

enum server_protocol { PROTOCOL_3_0, PROTOCOL_3_2 };

enum server_role { SERVER_ANY, SERVER_PRIMARY, SERVER_STANDBY };

struct admin_login_config {
    const char *user; /* NULL: nothing can be provisioned on this server */
    struct secret_ref password;
    const char *database;
};

struct server_config {
    const char *name;
    struct strings host; /* at least one: name, address, or socket directory ('/' or '@' first) */
    int port;
    enum server_role role;
    enum server_protocol protocol; /* the newest that is asked for */
    int max_connections;           /* over all pools and workers; 0 = no limit */
    struct tls_config tls;
    struct admin_login_config admin;
    int64_t connect_timeout; /* ms, until the server is ready for queries; 0 = none */
    int64_t login_retry;     /* ms between attempts after a failed one */
};

enum auth_method {
    AUTH_TRUST,
    AUTH_PASSWORD,
    AUTH_MD5,
    AUTH_SCRAM,
    AUTH_CERT,
    AUTH_PEER,
    AUTH_HBA,
    AUTH_SERVICE /* PAM or LDAP; by rules only */
};

struct auth_query_config {
    const char *server; /* NULL: there is no auth query; else names a server that exists */
    const char *database;
    const char *user;
    struct secret_ref password;
    const char *sql; /* $1 user, $2 tenant, $3 database; tells name, secret and perhaps tenants */
    struct strings tenants; /* patterns, where the SQL tells none */
    int64_t cache;          /* ms; 0 = ask every time */
};

/* Tokens in the place of passwords; none where neither file nor url is given. */
struct jwt_config {
    const char *file; /* a JSON Web Key Set, or NULL */
    const char *url;  /* … or where to fetch it */
    const char *issuer;
    const char *audience;
    const char *user_claim;
    const char *tenant_claim; /* NULL: a token names no tenant */
    int64_t leeway;           /* ms that clocks may differ */
    bool require_tls;         /* but over loopback and the Unix socket */
};

struct auth_config {
    enum auth_method method;
    const char *hba_file;   /* set when method is AUTH_HBA */
    const char *ident_file; /* NULL: there are no maps */
    struct auth_query_config query;
    struct jwt_config jwt;
};

struct user_config {
    const char *name;
    struct secret_ref password; /* plain, md5…, or SCRAM-SHA-256$… */
    struct strings tenants;     /* patterns in which '*' stands for any bytes */
    struct {
        int clients; /* 0 = no limit */
    } limits;
};

enum rule_kind {
    RULE_PARAMETER,
    RULE_USER,
    RULE_DATABASE,
    RULE_SNI,
    RULE_APPLICATION_NAME,
    RULE_CERTIFICATE
};

/* PARAMETER: `pattern` is a setting's name. CERTIFICATE: "cn". Else it holds {tenant} once and at
 * most once the rule's own {user}, {database} or {application_name}, with text between them. */
struct resolve_rule {
    enum rule_kind kind;
    const char *pattern;
};

enum unknown_tenant { UNKNOWN_REJECT, UNKNOWN_TEMPLATE, UNKNOWN_PROVISION };

struct resolve_rules {
    const struct resolve_rule *items; /* NULL when count is 0 */
    size_t count;
};

struct tenancy_config {
    struct resolve_rules resolve;
    enum unknown_tenant unknown;
    struct {
        int most; /* tenants there may be before logins make no more; 0 = no limit */
        int rate; /* tenants that logins may make in a minute; 0 = no limit */
    } provision;
    struct {
        const char *server; /* NULL: there is no registry; else names a server that exists */
        const char *database;
    } registry;
};

enum strategy_kind { STRATEGY_RLS, STRATEGY_SCHEMA, STRATEGY_DATABASE, STRATEGY_NONE };
enum login_kind { LOGIN_CLIENT, LOGIN_TENANT, LOGIN_FIXED };
enum rls_setup { RLS_MANUAL, RLS_AUTO };
enum reset_policy { RESET_TENANT, RESET_CLIENT, RESET_BACKEND, RESET_NEVER };
enum assert_policy { ASSERT_SWITCH, ASSERT_ALWAYS };
enum pool_mode { POOL_SESSION, POOL_TRANSACTION, POOL_STATEMENT };

struct login_config {
    enum login_kind kind;
    const char *user;           /* FIXED; pattern: {tenant} */
    struct secret_ref password; /* FIXED; may be SECRET_NONE */
};

struct rls_config {
    const char *setting; /* has a dot */
    bool seal;
    struct secret_ref key;       /* signs the seals; set where `seal` is */
    struct secret_ref spare_key; /* policies accept it as well; may be SECRET_NONE */
    const char *column;
    struct strings tables; /* empty: all that have the column */
    enum rls_setup setup;
};

struct setting {
    const char *name;
    const char *value;
};

struct settings {
    const struct setting *items; /* NULL when count is 0; names are unique, case aside */
    size_t count;
};

struct pool_config {
    enum pool_mode mode;
    int size;
    int shards;
    int min_size;
    int reserve_size;
    int64_t reserve_timeout; /* ms; likewise below; 0 = off */
    int64_t idle_timeout;
    int64_t lifetime;
    int prepared_statements; /* kept per server connection; 0 = names are not managed */
    int64_t check_delay;
    const char *reset_query; /* "" for none */
};

struct tenant_limits {
    int clients; /* 0 = no limit; likewise below */
    int connections;
    int waiting;
    int weight;  /* share of turns in a pool's queue, from 1 */
    int tampers; /* attempts before the tenant is suspended */
};

struct tenant_timeouts { /* ms; 0 = none */
    int64_t query_wait;
    int64_t query;
    int64_t transaction;
    int64_t idle_transaction;
    int64_t client_idle;
};

/* Tenants with the same keys share one. */
struct tenant_config {
    const char *server;   /* names a server that exists */
    const char *database; /* NULL: what the client asked for; pattern: {tenant} */
    enum strategy_kind strategy;
    struct login_config login;
    const char *role;             /* pattern: {tenant} */
    const char *owner;            /* NULL: the role; pattern: {tenant} */
    const char *application_name; /* pattern: {application_name}, {tenant}; "": the client's own */
    int password_epoch;           /* where the store derives passwords: which one the role has */
    struct rls_config rls;
    struct {
        const char *name;        /* pattern: {tenant} */
        const char *search_path; /* pattern: {tenant}, {schema}, {role} */
        const char *clone;       /* the schema whose objects a new one gets, or NULL */
        const char *template;    /* path of an SQL file, or NULL; pattern: {tenant} */
    } schema;
    struct {
        const char *name;     /* pattern: {tenant} */
        const char *template; /* pattern: {tenant} */
    } dedicated;
    struct settings settings; /* part of the context */
    enum reset_policy reset;
    enum assert_policy assertion; /* the key is "assert" */
    struct pool_config pool;
    struct tenant_limits limits;
    struct tenant_timeouts timeouts;
};

/* A tenant of the file. */
struct tenant_entry {
    const char *name;
    const struct tenant_config *config;
};

enum provider_type {
    PROVIDER_FILES,
    PROVIDER_ENV,
    PROVIDER_EXEC,
    PROVIDER_AWS,
    PROVIDER_VAULT,
    PROVIDER_DERIVE
};

enum vault_login { VAULT_TOKEN, VAULT_KUBERNETES, VAULT_APPROLE };

struct provider_config {
    const char *name;
    enum provider_type type;
    const char *directory;   /* FILES: absolute path; set */
    int64_t timeout;         /* EXEC, AWS, VAULT: ms that one question may take */
    const char *ca;          /* AWS, VAULT: path of certificates to trust, or NULL: the system's */
    const char *profile;     /* AWS: of the shared credentials file; "" for the usual places */
    const char *region;      /* AWS; set */
    const char *prefix;      /* ENV, AWS, VAULT: put before the id; "" for none */
    struct strings command;  /* EXEC; set */
    const char *endpoint;    /* AWS: instead of the public one; "" for the public one */
    const char *address;     /* VAULT: URL; set */
    const char *mount;       /* VAULT */
    const char *ns;          /* VAULT: the namespace, or "" */
    enum vault_login login;  /* VAULT */
    const char *login_mount; /* VAULT: "" for the login's own name */
    const char *role;        /* VAULT_KUBERNETES; set */
    const char *jwt_file;    /* VAULT_KUBERNETES: absolute path */
    struct secret_ref token; /* VAULT_TOKEN; set */
    struct secret_ref role_id;   /* VAULT_APPROLE; set */
    struct secret_ref secret_id; /* VAULT_APPROLE; may be SECRET_NONE */
    struct secret_ref key;       /* DERIVE; set */
};

enum log_format { LOG_TEXT, LOG_JSON };

struct config {
    const char *file; /* as it was named, for messages */
    struct listen_config listen;
    int workers;           /* 0 = one per CPU */
    int64_t drain_timeout; /* ms; 0 = no bound */
    bool core_dumps;       /* the kernel may write them, and debuggers attach */
    struct auth_config auth;
    struct tenancy_config tenancy;
    struct {
        int clients; /* 0 = no limit; likewise below */
        int clients_per_address;
        int logins;                    /* at once: clients that have proved nothing yet */
        int failed_logins_per_address; /* in a minute */
        int64_t login_timeout;         /* ms */
        int64_t message_size; /* bytes of the largest message that is let through from a client */
    } limits;
    struct {
        const char *database;
        struct strings users;
        struct strings stats_users;
    } admin;
    struct {
        const char *address; /* or the absolute path of a Unix socket */
        int port;            /* 0 = off */
        int tenants;         /* that have their name in metrics */
        const char *user;    /* "" = no authentication */
        struct secret_ref password;
    } http;
    struct {
        enum log_level level;
        enum log_format format;
        int64_t slow_wait; /* ms that a client waits, to be told of; 0 = nobody is */
    } log;
    struct {
        const char *store; /* NULL: none; else names a provider that exists */
        int64_t cache;     /* ms for which what was read from a service is not asked again */
        struct strings environment; /* names of variables that programs get beside the usual ones */
        const struct provider_config *providers;
        size_t provider_count;
    } secrets;

    const struct server_config *servers; /* in the order of the file; at least one */
    size_t server_count;
    const struct user_config *users; /* in the order of the file */
    size_t user_count;
    struct tenant_config defaults;      /* for tenants that are not named */
    const struct tenant_entry *tenants; /* in the order of the file, without defaults */
    size_t tenant_count;
    const struct secret_use *secret_uses; /* every secret asked for; the first is SECRET_NONE */
    size_t secret_use_count;
};

/* A snapshot begins with one reference; the last unref clears and frees it. NULL is allowed. */
const struct config *config_ref(const struct config *config);
void config_unref(const struct config *config);

/* By exact name; NULL when there is none. */
const struct server_config *config_server(const struct config *config, const char *name);
const struct provider_config *config_provider(const struct config *config, const char *name);
const struct user_config *config_user(const struct config *config, struct slice name);
const struct tenant_entry *config_tenant(const struct config *config, struct slice name);

/* A tenant's name: 1 to 63 bytes of [A-Za-z0-9_][A-Za-z0-9_.-]*. Nothing else reaches SQL. */
bool config_valid_tenant_name(struct slice name);

#endif
