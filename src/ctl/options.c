// SPDX-License-Identifier: MIT
#include "ctl/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "config/load.h"

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"host", required_argument, NULL, 'h'},
    {"port", required_argument, NULL, 'p'},
    {"user", required_argument, NULL, 'U'},
    {"allow", required_argument, NULL, 'a'},
    {"json", no_argument, NULL, 'j'},
    {"version", no_argument, NULL, 'V'},
    {"help", no_argument, NULL, 'H'},
    {NULL, 0, NULL, 0},
};

static void take_option(struct options *options, int c)
{
    switch (c) {
    case 'c':
        options->file = optarg;
        break;
    case 'h':
        options->host = optarg;
        break;
    case 'p':
        options->port = optarg;
        break;
    case 'U':
        options->user = optarg;
        break;
    case 'a':
        options->allow = optarg;
        break;
    case 'j':
        options->json = true;
        break;
    case 'V':
        options->action = OPTION_VERSION;
        break;
    case 'H':
        options->action = OPTION_HELP;
        break;
    default: /* getopt has named it */
        options->action = OPTION_BAD;
        break;
    }
}

static void join_words(struct buf *command, char **words, int count)
{
    for (int i = 0; i < count; i++) {
        buf_printf(command, "%s%s", i == 0 ? "" : " ", words[i]);
    }
    buf_append_u8(command, 0);
}

/* "import FILE" is no command of the console. */
static void take_import(struct options *options, char **words, int count)
{
    if (count == 0 || strcmp(words[0], "import") != 0) {
        return;
    }
    options->action = OPTION_IMPORT;
    options->import = words[1];
    if (count != 2) {
        (void)fprintf(stderr, "fahrenctl: import needs one file: fahrenctl import pgbouncer.ini\n");
        options->action = OPTION_BAD;
    }
}

/* "verify [TENANT]" is none either. */
static void take_verify(struct options *options, char **words, int count)
{
    if (count == 0 || strcmp(words[0], "verify") != 0) {
        return;
    }
    options->action = OPTION_VERIFY;
    options->tenant = count > 1 ? words[1] : NULL;
    if (count > 2) {
        (void)fprintf(stderr, "fahrenctl: verify takes one tenant, or none for all of the file\n");
        options->action = OPTION_BAD;
    }
}

/* "create tenants -f LIST [key = value, …]" runs many commands of the console. */
static void take_bulk(struct options *options, char **words, int count)
{
    if (count < 2 || strcmp(words[0], "create") != 0 || strcmp(words[1], "tenants") != 0) {
        return;
    }
    options->action = OPTION_BULK;
    if (count < 4 || count > 5 || strcmp(words[2], "-f") != 0) {
        (void)fprintf(stderr, "fahrenctl: create tenants needs a file of names, for example:"
                              " fahrenctl create tenants -f LIST 'strategy = schema'\n");
        options->action = OPTION_BAD;
        return;
    }
    options->list = words[3];
    options->with = count > 4 ? words[4] : NULL;
}

/* "url TENANT" and "exec TENANT SQL" are about a login of the tenant. */
static void take_login(struct options *options, char **words, int count)
{
    bool url = count > 0 && strcmp(words[0], "url") == 0;
    bool exec = count > 0 && strcmp(words[0], "exec") == 0;

    if (!url && !exec) {
        return;
    }
    options->action = url ? OPTION_URL : OPTION_EXEC;
    if (count != (url ? 2 : 3)) {
        (void)fprintf(stderr, url ? "fahrenctl: url needs a tenant: fahrenctl url acme\n"
                                  : "fahrenctl: exec needs a tenant and one text of SQL:"
                                    " fahrenctl exec acme 'SELECT 1'\n");
        options->action = OPTION_BAD;
        return;
    }
    options->tenant = words[1];
    options->sql = exec ? words[2] : NULL;
}

/* "ping" asks for no login. */
static void take_ping(struct options *options, char **words, int count)
{
    if (count == 0 || strcmp(words[0], "ping") != 0) {
        return;
    }
    options->action = OPTION_PING;
    if (count > 1) {
        (void)fprintf(stderr, "fahrenctl: ping takes nothing\n");
        options->action = OPTION_BAD;
    }
}

void options_parse(struct options *options, int argc, char **argv)
{
    int c;

    *options = (struct options){.action = OPTION_RUN};
    optind = 1;
    /* "+": what follows the first word is the command's. */
    while (options->action == OPTION_RUN &&
           (c = getopt_long(argc, argv, "+c:h:p:U:jV", long_options, NULL)) != -1) {
        take_option(options, c);
    }
    join_words(&options->command, argv + optind, argc - optind);
    if (options->action == OPTION_RUN && optind == argc) {
        (void)fprintf(stderr, "fahrenctl: no command; for example: fahrenctl show tenants\n");
        options->action = OPTION_BAD;
    } else if (options->action == OPTION_RUN) {
        take_import(options, argv + optind, argc - optind);
        take_verify(options, argv + optind, argc - optind);
        take_bulk(options, argv + optind, argc - optind);
        take_login(options, argv + optind, argc - optind);
        take_ping(options, argv + optind, argc - optind);
    }
    if (options->action == OPTION_BAD) {
        (void)fprintf(stderr, "Try \"fahrenctl --help\".\n");
    }
}

void options_fini(struct options *options)
{
    buf_release(&options->command);
}

void options_print_help(void)
{
    (void)printf(
        "fahrenctl runs a command on the console of a running fahrend and prints the answer.\n"
        "\n"
        "Usage:\n"
        "  fahrenctl [-c FILE] [-h HOST] [-p PORT] [-U USER] [--json] COMMAND …\n"
        "  fahrenctl [-c FILE] [-h HOST] [-p PORT] ping\n"
        "  fahrenctl import FILE.ini > fahrend.yaml\n"
        "  fahrenctl [-c FILE] create tenants -f LIST ['key = value, …']\n"
        "  fahrenctl [-c FILE] [-U USER] url TENANT\n"
        "  fahrenctl [-c FILE] [-U USER] [--json] exec TENANT SQL\n"
        "  fahrenctl [-c FILE] [-U USER] [--json] [--allow ID,…] verify [TENANT]\n"
        "\n"
        "Options:\n"
        "  -c, --config FILE   take address, port and an admin user from this file\n"
        "                      (default %s, where it can be read)\n"
        "  -h, --host HOST     address, name or socket directory of fahrend\n"
        "  -p, --port PORT     its port\n"
        "  -U, --user USER     a user of admin.users or admin.stats_users\n"
        "      --allow ID,…    attacks that verify may find open; \"trap\" for what catalogs tell\n"
        "  -j, --json          print rows as JSON, to be read by programs\n"
        "  -V, --version       print the version\n"
        "      --help          print this\n"
        "\n"
        "What -h, -p and -U say goes before what the file says. The password is the file's where\n"
        "it is there in plain text, or in the environment or file that it names; else\n"
        "$PGPASSWORD, ~/.pgpass, or asked for on a terminal.\n"
        "\n"
        "Commands, for example:\n"
        "  fahrenctl show tenants           what each tenant is and does\n"
        "  fahrenctl show pools             who waits, and for what\n"
        "  fahrenctl --json show stats      figures, for a program\n"
        "  fahrenctl create tenant acme     make a tenant; … with '(strategy = schema)' says how\n"
        "  fahrenctl drop tenant acme       remove one that has no data; … cascade with its data\n"
        "  fahrenctl alter tenant acme set '(limits.clients = 50)'\n"
        "  fahrenctl suspend tenant acme    close its clients and let nobody in; resume ends it\n"
        "  fahrenctl pause tenant acme      hold a tenant's queries, for a move without errors\n"
        "  fahrenctl resume tenant acme     … and let them go on\n"
        "  fahrenctl reload                 take the configuration file anew, whole or not at all\n"
        "  fahrenctl show help              every command that there is\n"
        "\n"
        "create tenants makes one for each line of LIST (- is stdin): a name, and behind it what\n"
        "differs for this one, as pool.size=5. url prints the connection string of a tenant; exec\n"
        "runs SQL as the tenant. Both take the first user of the file that may enter it, or -U.\n"
        "\n"
        "ping asks whether fahrend answers clients, without a user: for the health check of a\n"
        "container.\n"
        "\n"
        "import writes a configuration that does what a pgbouncer.ini does, and says on stderr\n"
        "what has no counterpart and what to do about it; it needs no running fahrend.\n"
        "\n"
        "verify logs in as a tenant (-U: as this user of the file) and tries what a tenant with "
        "SQL\n"
        "of its own may try against another one, without a change to anything; it says what gets\n"
        "through and what to do, and ends with 1 where something does that --allow does not name.\n"
        "\n"
        "Exit status: 0 the command was done, 1 it failed or fahrend was not reached,\n"
        "2 bad usage or configuration.\n",
        CONFIG_DEFAULT_FILE);
}
