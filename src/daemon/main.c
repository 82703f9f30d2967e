// SPDX-License-Identifier: MIT
//
// main: the command line of fahrend.
#include <stdio.h>

#include "config/load.h"
#include "config/show.h"
#include "daemon/daemon.h"
#include "daemon/options.h"
#include "proxy/named_files.h"

static void print(struct buf *text)
{
    if (buf_size(text) > 0) {
        (void)fwrite(buf_slice(text).p, 1, buf_size(text), stdout);
    }
    buf_release(text);
}

static int check(const char *file)
{
    const struct config *config = NULL;
    struct config_faults faults = {0};
    struct buf text = {0};
    int rc = config_load(file, &config, &faults);
    struct named_files files = {0};
    int refused = rc == 0 ? named_files_load(&files, config, &text) : 0;
    named_files_fini(&files);

    config_faults_print(&faults, &text);
    print(&text);
    config_faults_fini(&faults);
    config_unref(config);
    return rc == 0 && refused == 0 ? 0 : 2;
}

static int print_reference(void)
{
    struct buf text = {0};

    config_reference(&text);
    print(&text);
    return 0;
}

int main(int argc, char **argv)
{
    struct options options = options_parse(argc, argv);

    switch (options.action) {
    case OPTION_RUN:
        return daemon_run(options.file, options.takeover);
    case OPTION_CHECK:
        return check(options.file);
    case OPTION_REFERENCE:
        return print_reference();
    case OPTION_VERSION:
        (void)printf("fahrend %s\n", FAHREND_VERSION);
        return 0;
    case OPTION_HELP:
        options_print_help();
        return 0;
    case OPTION_BAD:
        break;
    }
    return 2;
}
