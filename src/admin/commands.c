// SPDX-License-Identifier: MIT
#include "admin/commands.h"

#include <string.h>
#include <strings.h>

#include "admin/act.h"
#include "admin/console.h"
#include "admin/help.h"
#include "admin/show.h"
#include "wire/build.h"

#define VERSION_TEXT "15.0/fahrend " FAHREND_VERSION

/* ---- variables ---- */

/* What is told in the greeting, spelled as PostgreSQL does; the values are in the table below. */
static const char *const reported[] = {
    "server_version",
    "server_encoding",
    "client_encoding",
    "application_name",
    "is_superuser",
    "DateStyle",
    "IntervalStyle",
    "TimeZone",
    "integer_datetimes",
    "in_hot_standby",
    "search_path",
    "standard_conforming_strings",
    "default_transaction_read_only",
};

static void run_value(struct console *c, const struct command *command);

/* What a session of PostgreSQL has and drivers look at; the same in every console. */
static const struct command_kind *find_variable(const char *name)
{
    for (size_t i = 0; i < command_kind_count; i++) {
        const struct command_kind *kind = &command_kinds[i];
        if (kind->run == run_value && strncmp(kind->words, "show ", 5) == 0 &&
            strcasecmp(kind->words + 5, name) == 0) {
            return kind;
        }
    }
    return NULL;
}

void commands_report(struct buf *out)
{
    for (size_t i = 0; i < sizeof reported / sizeof reported[0]; i++) {
        build_parameter_status(out, slice_str(reported[i]),
                               slice_str(find_variable(reported[i])->value));
    }
}

/* ---- commands without a file of their own ---- */

static void answer_text(struct console *c, const char *value)
{
    row_begin(&c->rows);
    row_text(&c->rows, value);
    row_end(&c->rows);
    console_done(c, c->command.kind->words[1] == 'e' ? "SELECT 1" : "SHOW");
}

static void run_value(struct console *c, const struct command *command)
{
    answer_text(c, command->kind->value);
}

static void run_current_user(struct console *c, const struct command *command)
{
    (void)command;
    answer_text(c, c->user);
}

static void run_current_database(struct console *c, const struct command *command)
{
    (void)command;
    answer_text(c, admin_config(c->admin)->admin.database);
}

static void run_one(struct console *c, const struct command *command)
{
    (void)command;
    row_begin(&c->rows);
    row_int(&c->rows, 1);
    row_end(&c->rows);
    console_done(c, "SELECT 1");
}

/* There are no transactions and nothing to reset; drivers wrap commands in them all the same. */
static void run_nothing(struct console *c, const struct command *command)
{
    console_done(c, command->kind->value);
}

/* A driver sets what every session has; what this one has cannot be changed. */
static void run_set(struct console *c, const struct command *command)
{
    struct err err;

    if (find_variable(command->name) != NULL) {
        console_notice(c, "SET ignored");
        console_done(c, "SET");
    } else if (!c->may_change) {
        (void)err_set(&err, ERR_RESERVED, "permission denied: SET %s needs an admin user",
                      command->name);
        console_fail(c, &err);
    } else {
        act_set(c, command);
    }
}

static void run_set_ignored(struct console *c, const struct command *command)
{
    (void)command;
    console_notice(c, "SET ignored");
    console_done(c, "SET");
}

/* ---- the table ---- */

static const struct column report_columns[] = {
    {"kind", COLUMN_TEXT}, {"object", COLUMN_TEXT}, {"text", COLUMN_TEXT}};

#define ONE_TEXT(title) COLUMNS(((const struct column[]){{title, COLUMN_TEXT}}))
#define ONE_INT(title)  COLUMNS(((const struct column[]){{title, COLUMN_INT}}))

#define SHOW(noun, of, text)                                                                       \
    {                                                                                              \
        .words = "show " noun, .looks = true, .run = show_run, .show = (of), .help = (text)        \
    }
#define VARIABLE(name, text)                                                                       \
    {                                                                                              \
        .words = "show " name, .looks = true, .run = run_value, .columns = ONE_TEXT(name),         \
        .value = (text)                                                                            \
    }
#define PROBE(text, title, answer)                                                                 \
    {                                                                                              \
        .words = "select " text, .looks = true, .run = run_value, .columns = ONE_TEXT(title),      \
        .value = (answer)                                                                          \
    }
#define NOTHING(text, tag)                                                                         \
    {                                                                                              \
        .words = (text), .argument = ARGUMENT_ANYTHING, .looks = true, .run = run_nothing,         \
        .value = (tag)                                                                             \
    }

#define ACTION(text, what, does, tag, how, effect)                                                 \
    {                                                                                              \
        .words = (text), .argument = (what), .run = (does), .value = (tag), .usage = (how),        \
        .help = (effect)                                                                           \
    }

const struct command_kind command_kinds[] = {
    {.words = "show help", .looks = true, .run = help_run, .help = "this list"},
    SHOW("version", &show_version, "the program and its version"),
    SHOW("tenants", &show_tenants, "every tenant: how it is kept, how it is used"),
    SHOW("pools", &show_pools, "pools of server connections"),
    SHOW("clients", &show_clients, "client connections"),
    SHOW("servers", &show_servers, "server connections"),
    SHOW("databases", &show_databases, "databases that are named or in use"),
    SHOW("users", &show_users, "users and roles"),
    SHOW("stats", &show_stats, "figures of each database: totals and averages"),
    SHOW("stats_totals", &show_stats_totals, "the totals alone"),
    SHOW("stats_averages", &show_stats_averages, "the averages alone"),
    SHOW("totals", &show_totals, "the figures over all databases"),
    SHOW("mem", &show_mem, "what takes memory"),
    SHOW("sockets", &show_sockets, "connections of both sides, with their buffers"),
    SHOW("active_sockets", &show_active_sockets, "those in use"),
    SHOW("peers", &show_peers, NULL),
    SHOW("peer_pools", &show_peer_pools, NULL),
    SHOW("dns_hosts", &show_dns_hosts, NULL),
    SHOW("dns_zones", &show_dns_zones, NULL),
    SHOW("lists", &show_lists, "how many there are of each thing"),
    SHOW("config", &show_config, "every key of the configuration"),
    SHOW("state", &show_state, "active, paused, suspended"),
    ACTION("pause", ARGUMENT_OPTIONAL_NAME, act_pause, "PAUSE", "[database]",
           "close server connections as they come free; hold queries"),
    ACTION("resume", ARGUMENT_OPTIONAL_NAME, act_resume, "RESUME", "[database]",
           "end PAUSE, SUSPEND and KILL"),
    ACTION("suspend", ARGUMENT_NONE, act_suspend, "SUSPEND", NULL,
           "hold all queries, keep server connections"),
    ACTION("disable", ARGUMENT_NAME, act_disable, "DISABLE", "database",
           "refuse new clients of a database"),
    ACTION("enable", ARGUMENT_NAME, act_enable, "ENABLE", "database", "let them in again"),
    ACTION("reconnect", ARGUMENT_OPTIONAL_NAME, act_reconnect, "RECONNECT", "[database]",
           "make server connections anew as they come free"),
    ACTION("wait_close", ARGUMENT_OPTIONAL_NAME, act_wait_close, "WAIT_CLOSE", "[database]",
           "wait until what RECONNECT replaces is closed"),
    ACTION("kill", ARGUMENT_OPTIONAL_NAME, act_kill, "KILL", "[database]",
           "close all connections at once; queries wait for RESUME"),
    ACTION("kill_client", ARGUMENT_NUMBER, act_kill_client, "KILL_CLIENT", "id",
           "close one client connection"),
    ACTION("pause tenant", ARGUMENT_NAME, act_pause_tenant, "PAUSE TENANT", "name",
           "hold a tenant's queries"),
    ACTION("resume tenant", ARGUMENT_NAME, act_resume_tenant, "RESUME TENANT", "name",
           "let a paused or suspended tenant go on"),
    ACTION("suspend tenant", ARGUMENT_NAME, act_suspend_tenant, "SUSPEND TENANT", "name",
           "close a tenant's clients and refuse new ones"),
    ACTION("log tenant", ARGUMENT_LEVEL, act_log_tenant, "LOG TENANT", "name [level|off]",
           "log a tenant at a level of its own, debug where none is named"),
    {.words = "create tenant",
     .argument = ARGUMENT_CREATE,
     .run = act_create_tenant,
     .columns = COLUMNS(report_columns),
     .value = "CREATE TENANT",
     .usage = "name [WITH (key = value, ...)] [DRY RUN]",
     .help = "make a tenant: roles, schema or database, rights"},
    {.words = "alter tenant",
     .argument = ARGUMENT_ALTER,
     .run = act_alter_tenant,
     .columns = COLUMNS(report_columns),
     .value = "ALTER TENANT",
     .usage = "name SET (key = value, ...) [DRY RUN]|ROTATE PASSWORD",
     .help = "change a tenant that CREATE TENANT made"},
    {.words = "drop tenant",
     .argument = ARGUMENT_DROP,
     .run = act_drop_tenant,
     .columns = COLUMNS(report_columns),
     .value = "DROP TENANT",
     .usage = "name [CASCADE] [DRY RUN]",
     .help = "close a tenant's clients and remove all it has"},
    {.words = "setup rls",
     .argument = ARGUMENT_SETUP,
     .run = act_setup_rls,
     .columns = COLUMNS(report_columns),
     .usage = "[FOR TENANT name] [ON table, ...] [DRY RUN]",
     .help = "protect tables with row security, tell what is open"},
    {.words = "reload", .run = act_reload, .help = "take the configuration file anew"},
    {.words = "shutdown", .run = act_shutdown, .help = "end at once, closing all connections"},
    {.words = "shutdown wait_for_servers",
     .run = act_shutdown_wait_for_servers,
     .help = "end when no server connection is in use"},
    {.words = "shutdown wait_for_clients",
     .run = act_shutdown_wait_for_clients,
     .help = "end when the last client has left"},
    {.words = "set",
     .argument = ARGUMENT_ASSIGNMENT,
     .looks = true, /* drivers set variables; what changes something is checked by run_set */
     .run = run_set,
     .usage = "key = value",
     .help = "change log.level until the next reload"},

    VARIABLE("server_version", VERSION_TEXT),
    VARIABLE("server_encoding", "UTF8"),
    VARIABLE("client_encoding", "UTF8"),
    VARIABLE("application_name", ""),
    VARIABLE("is_superuser", "on"),
    VARIABLE("datestyle", "ISO, MDY"),
    VARIABLE("intervalstyle", "postgres"),
    VARIABLE("timezone", "GMT"),
    VARIABLE("integer_datetimes", "on"),
    VARIABLE("standard_conforming_strings", "on"),
    VARIABLE("default_transaction_isolation", "read committed"),
    VARIABLE("default_transaction_read_only", "off"),
    VARIABLE("transaction_isolation", "read committed"),
    VARIABLE("transaction isolation level", "read committed"),
    VARIABLE("transaction_read_only", "off"),
    VARIABLE("in_hot_standby", "off"),
    VARIABLE("extra_float_digits", "1"),
    VARIABLE("search_path", ""),
    VARIABLE("statement_timeout", "0"),

    PROBE("version ( )", "version", "PostgreSQL " VERSION_TEXT),
    PROBE("pg_catalog.version ( )", "version", "PostgreSQL " VERSION_TEXT),
    PROBE("current_schema", "current_schema", ""),
    PROBE("current_schema ( )", "current_schema", ""),
    PROBE("pg_is_in_recovery ( )", "pg_is_in_recovery", "f"),
    PROBE("pg_catalog.pg_is_in_recovery ( )", "pg_is_in_recovery", "f"),
    {.words = "select 1", .looks = true, .run = run_one, .columns = ONE_INT("?column?")},
    {.words = "select current_user",
     .looks = true,
     .run = run_current_user,
     .columns = ONE_TEXT("current_user")},
    {.words = "select session_user",
     .looks = true,
     .run = run_current_user,
     .columns = ONE_TEXT("session_user")},
    {.words = "select current_database ( )",
     .looks = true,
     .run = run_current_database,
     .columns = ONE_TEXT("current_database")},
    {.words = "set session characteristics",
     .argument = ARGUMENT_ANYTHING,
     .looks = true,
     .run = run_set_ignored},
    {.words = "set time zone",
     .argument = ARGUMENT_ANYTHING,
     .looks = true,
     .run = run_set_ignored},
    {.words = "set session", .argument = ARGUMENT_ASSIGNMENT, .looks = true, .run = run_set},
    NOTHING("begin", "BEGIN"),
    NOTHING("start transaction", "START TRANSACTION"),
    NOTHING("commit", "COMMIT"),
    NOTHING("end", "COMMIT"),
    NOTHING("rollback", "ROLLBACK"),
    NOTHING("abort", "ROLLBACK"),
    NOTHING("discard all", "DISCARD ALL"),
    NOTHING("deallocate all", "DEALLOCATE ALL"),
    NOTHING("reset all", "RESET"),
    NOTHING("close all", "CLOSE CURSOR ALL"),
    NOTHING("unlisten *", "UNLISTEN"),
};

const size_t command_kind_count = sizeof command_kinds / sizeof command_kinds[0];
