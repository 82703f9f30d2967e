// SPDX-License-Identifier: MIT
//
// main: fahrenctl: one command to the console of fahrend, through libpq, and its answer on stdout;
// or a pgbouncer.ini made into a configuration. Faults go to stderr.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "base/alloc.h"
#include "config/load.h"
#include "ctl/bulk.h"
#include "ctl/import.h"
#include "ctl/options.h"
#include "ctl/print.h"
#include "ctl/target.h"
#include "ctl/tenant_login.h"
#include "ctl/verify.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static void write_out(FILE *to, const struct buf *text)
{
    if (buf_size(text) > 0) {
        (void)fwrite(buf_slice(text).p, 1, buf_size(text), to);
    }
}

static int fail(const char *message)
{
    (void)fprintf(stderr, "fahrenctl: %s%s", message,
                  message[0] != '\0' && message[strlen(message) - 1] == '\n' ? "" : "\n");
    return EXIT_FAILED;
}

/* ---- connecting ---- */

static PGconn *connect_to(const struct target *target)
{
    const char *const keys[] = {"host",    "port",
                                "user",    "password",
                                "dbname",  "application_name",
                                "sslmode", "connect_timeout",
                                NULL};
    const char *const values[] = {
        target->host, target->port, target->user, target->password, target->database, "fahrenctl",
        "prefer",     "10",         NULL};

    return PQconnectdbParams(keys, values, 0);
}

/* NULL where there is no terminal to ask on. */
static char *ask_password(const char *user)
{
    struct termios shown;
    struct termios hidden;
    char text[1024];

    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &shown) < 0) {
        return NULL;
    }
    hidden = shown;
    hidden.c_lflag &= (tcflag_t)~ECHO;
    (void)fprintf(stderr, "Password of %s: ", user);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    char *line = fgets(text, sizeof text, stdin);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    (void)fprintf(stderr, "\n");
    if (line == NULL) {
        return NULL;
    }
    text[strcspn(text, "\n")] = '\0';
    char *password = x_strdup(text);
    secure_zero(text, sizeof text);
    return password;
}

static PGconn *connect_asking(struct target *target)
{
    PGconn *conn = connect_to(target);

    if (PQstatus(conn) != CONNECTION_OK && PQconnectionNeedsPassword(conn) &&
        target->password == NULL && (target->password = ask_password(target->user)) != NULL) {
        PQfinish(conn);
        conn = connect_to(target);
    }
    return conn;
}

/* ---- running ---- */

static void on_notice(void *data, const PGresult *result)
{
    struct buf *notices = data;
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    buf_printf(notices, "%s\n", text == NULL ? "" : text);
}

static int print_answer(const PGresult *result, const struct buf *notices, bool json)
{
    struct buf out = {0};
    bool rows = PQresultStatus(result) == PGRES_TUPLES_OK;

    if (rows && json) {
        print_json_rows(&out, result);
    } else if (rows) {
        print_table(&out, result);
    } else if (json) {
        print_json_command(&out, PQcmdStatus((PGresult *)(uintptr_t)result), buf_slice(notices));
    } else if (buf_size(notices) > 0) {
        buf_append_slice(&out, buf_slice(notices));
    } else {
        buf_printf(&out, "%s\n", PQcmdStatus((PGresult *)(uintptr_t)result));
    }
    if (rows) {
        write_out(stderr, notices);
    }
    write_out(stdout, &out);
    buf_release(&out);
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}

static int run_command(PGconn *conn, const char *command, bool json)
{
    struct buf notices = {0};
    int status;

    (void)PQsetNoticeReceiver(conn, on_notice, &notices);
    PGresult *result = PQexec(conn, command);
    switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
        status = print_answer(result, &notices, json);
        break;
    case PGRES_EMPTY_QUERY:
        status = EXIT_DONE;
        break;
    default:
        write_out(stderr, &notices);
        status = fail(PQerrorMessage(conn));
        break;
    }
    PQclear(result);
    buf_release(&notices);
    return status;
}

/* Says nothing where all is well, as a health check is asked every few seconds. */
static int ping(const struct target *target)
{
    const char *const keys[] = {"host", "port", "user", "dbname", "connect_timeout", NULL};
    const char *const values[] = {target->host,     target->port, target->user,
                                  target->database, "5",          NULL};

    switch (PQpingParams(keys, values, 0)) {
    case PQPING_OK:
        return EXIT_DONE;
    case PQPING_REJECT:
        return fail("fahrend takes no clients");
    case PQPING_NO_RESPONSE:
    case PQPING_NO_ATTEMPT:
        break;
    }
    return fail("fahrend does not answer");
}

/* What is done with a connection to the console. */
static int use_console(PGconn *conn, const struct options *options)
{
    struct buf out = {0};

    if (options->action == OPTION_RUN) {
        return run_command(conn, (const char *)buf_slice(&options->command).p, options->json);
    }
    int rc = bulk_create(conn, options->list, options->with, options->json, &out);
    write_out(stdout, &out);
    buf_release(&out);
    return rc < 0 ? EXIT_USAGE : rc > 0 || fflush(stdout) != 0 ? EXIT_FAILED : EXIT_DONE;
}

static int run(const struct options *options)
{
    struct target target;
    struct buf faults = {0};
    struct err err = {0};
    int status;

    if (target_find(options, &target, &faults, &err) < 0) {
        write_out(stderr, &faults);
        (void)fail(err.text);
        status = EXIT_USAGE;
    } else if (options->action == OPTION_PING) {
        status = ping(&target);
    } else {
        PGconn *conn = connect_asking(&target);
        status = PQstatus(conn) == CONNECTION_OK ? use_console(conn, options)
                                                 : fail(PQerrorMessage(conn));
        PQfinish(conn);
    }
    buf_release(&faults);
    target_fini(&target);
    return status;
}

/* The configuration to stdout, what there is to say about it to stderr. */
static int run_import(const char *path)
{
    struct buf yaml = {0};
    struct buf notes = {0};
    int rc = import_file(path, &yaml, &notes);

    write_out(stderr, &notes);
    write_out(stdout, &yaml);
    buf_release_secret(&yaml);
    buf_release(&notes);
    if (rc < 0) {
        return EXIT_USAGE;
    }
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}

/* NULL where the file cannot be used, which was told. */
static const struct config *load_config(const struct options *options)
{
    const char *file = options->file == NULL ? CONFIG_DEFAULT_FILE : options->file;
    struct config_faults faults = {0};
    const struct config *config = NULL;
    struct buf lines = {0};

    if (config_load(file, &config, &faults) < 0) {
        config_faults_print(&faults, &lines);
        write_out(stderr, &lines);
        buf_release(&lines);
    }
    config_faults_fini(&faults);
    return config;
}

static int run_url(const struct options *options, const struct config *config)
{
    struct buf out = {0};
    struct err err;
    int status = EXIT_DONE;

    if (tenant_login_url(config, options, options->tenant, &out, &err) < 0) {
        status = fail(err.text);
    } else {
        buf_printf(&out, "\n");
        write_out(stdout, &out);
    }
    buf_release(&out);
    return status;
}

static int run_exec(const struct options *options, const struct config *config)
{
    struct err err;
    PGconn *conn = tenant_login(config, options, options->tenant, &err);
    int status = conn == NULL ? fail(err.text) : run_command(conn, options->sql, options->json);

    PQfinish(conn);
    return status;
}

/* What a login of a tenant is made of stands in the file. */
static int run_login(const struct options *options)
{
    const struct config *config = load_config(options);
    int status = EXIT_USAGE;

    if (config != NULL) {
        status =
            options->action == OPTION_URL ? run_url(options, config) : run_exec(options, config);
    }
    config_unref(config);
    return status;
}

static int run_verify(const struct options *options)
{
    struct buf out = {0};
    struct buf faults = {0};
    struct err err = {0};
    int rc = verify_run(options, &out, &faults, &err);

    write_out(stderr, &faults);
    write_out(stdout, &out);
    buf_release(&out);
    buf_release(&faults);
    if (rc < 0) {
        (void)fail(err.text);
        return rc == ERR_CONFIG ? EXIT_USAGE : EXIT_FAILED;
    }
    return fflush(stdout) == 0 && rc == 0 ? EXIT_DONE : EXIT_FAILED;
}

int main(int argc, char **argv)
{
    struct options options;
    int status = EXIT_DONE;

    options_parse(&options, argc, argv);
    switch (options.action) {
    case OPTION_RUN:
    case OPTION_BULK:
    case OPTION_PING:
        status = run(&options);
        break;
    case OPTION_IMPORT:
        status = run_import(options.import);
        break;
    case OPTION_VERIFY:
        status = run_verify(&options);
        break;
    case OPTION_URL:
    case OPTION_EXEC:
        status = run_login(&options);
        break;
    case OPTION_HELP:
        options_print_help();
        break;
    case OPTION_VERSION:
        (void)printf("fahrenctl %s\n", FAHREND_VERSION);
        break;
    case OPTION_BAD:
        status = EXIT_USAGE;
        break;
    }
    options_fini(&options);
    return status;
}
