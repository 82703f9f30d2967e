// SPDX-License-Identifier: MIT
#include "daemon/options.h"

#include <getopt.h>
#include <stdio.h>

#include "config/load.h"

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"takeover", no_argument, NULL, 't'},
    {"check", no_argument, NULL, 'k'},
    {"reference", no_argument, NULL, 'r'},
    {"version", no_argument, NULL, 'V'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct options options_parse(int argc, char **argv)
{
    struct options options = {.action = OPTION_RUN, .file = CONFIG_DEFAULT_FILE};
    int c;

    while ((c = getopt_long(argc, argv, "c:Vh", long_options, NULL)) != -1) {
        switch (c) {
        case 'c':
            options.file = optarg;
            break;
        case 't':
            options.takeover = true;
            break;
        case 'k':
            options.action = OPTION_CHECK;
            break;
        case 'r':
            options.action = OPTION_REFERENCE;
            break;
        case 'V':
            options.action = OPTION_VERSION;
            break;
        case 'h':
            options.action = OPTION_HELP;
            break;
        default:
            (void)fprintf(stderr, "Try \"fahrend --help\".\n");
            options.action = OPTION_BAD;
            return options;
        }
    }
    if (optind < argc) {
        (void)fprintf(stderr, "fahrend: unexpected argument \"%s\"\nTry \"fahrend --help\".\n",
                      argv[optind]);
        options.action = OPTION_BAD;
    }
    return options;
}

void options_print_help(void)
{
    (void)printf(
        "fahrend stands before PostgreSQL and lets each client see its tenant's data only.\n"
        "\n"
        "Usage:\n"
        "  fahrend [-c FILE]            run in the foreground, log to stderr\n"
        "  fahrend --check [-c FILE]    print every fault of the configuration\n"
        "  fahrend --reference          print every configuration key, with its help\n"
        "\n"
        "Options:\n"
        "  -c, --config FILE   configuration (default " CONFIG_DEFAULT_FILE ")\n"
        "      --takeover      take the place of the one that runs: it hands its sockets on, and\n"
        "                      ends when its clients have left\n"
        "  -V, --version       print the version\n"
        "  -h, --help          print this\n"
        "\n"
        "FAHREND_SERVERS__MAIN__HOST=… in the environment goes before servers.main.host of the\n"
        "file, and so for every key; the default file need not exist then.\n"
        "\n"
        "Signals: HUP reloads, TERM waits for clients and ends, INT waits for servers and ends,\n"
        "QUIT ends at once; a second TERM or INT ends at once. USR1 pauses, USR2 resumes.\n"
        "Exit status: 0 clean, 1 failed at run time, 2 bad usage or configuration.\n");
}
