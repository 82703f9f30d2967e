// SPDX-License-Identifier: MIT
//
// stores: drives secret stores for tests/e2e/test_secret_services.py. Usage: stores FILE, a
// configuration; then lines on stdin, "read PROVIDER ID [FIELD]", "write PROVIDER ID VALUE",
// "delete PROVIDER ID", each answered by "ok VALUE" or "SQLSTATE message". All in one process, so
// that sessions last.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "config/load.h"
#include "secret/fetch.h"
#include "secret/store.h"

static const struct secrets *load(const char *file)
{
    struct config_faults faults = {0};
    struct buf report = {0};
    const struct config *config = NULL;
    const struct secrets *secrets = NULL;

    if (config_load(file, &config, &faults) < 0) {
        config_faults_print(&faults, &report);
    } else {
        (void)fetch_secrets(config, &secrets, &report);
    }
    if (secrets == NULL) {
        (void)fprintf(stderr, "%.*s", (int)buf_size(&report), (const char *)report.p);
        exit(2);
    }
    config_faults_fini(&faults);
    config_unref(config);
    return secrets;
}

static void run(const struct secrets *secrets, char *line)
{
    char *words[4] = {NULL};
    char *rest = line;
    char *value = NULL;
    struct err err = {0};

    line[strcspn(line, "\n")] = '\0';
    for (size_t i = 0; i < 4; i++) {
        words[i] = strsep(&rest, " ");
    }
    const struct provider_config *provider =
        words[1] == NULL ? NULL : config_provider(secrets_config(secrets), words[1]);
    if (provider == NULL || words[2] == NULL) {
        exit(2);
    }
    struct store_key key = {.id = words[2]};
    int rc;
    if (strcmp(words[0], "read") == 0) {
        key.field = words[3];
        rc = store_read(secrets, provider, &key, &value, &err);
    } else if (strcmp(words[0], "write") == 0) {
        rc = store_write(secrets, provider, &key, words[3], &err);
    } else {
        rc = store_delete(secrets, provider, &key, &err);
    }
    if (rc < 0) {
        (void)printf("%s %s\n", err_sqlstate(&err), err.text);
    } else {
        (void)printf("ok %s\n", value == NULL ? "" : value);
    }
    (void)fflush(stdout);
    secure_free(value);
}

int main(int argc, char **argv)
{
    char line[4096];

    if (argc != 2) {
        return 2;
    }
    const struct secrets *secrets = load(argv[1]);
    while (fgets(line, sizeof line, stdin) != NULL) {
        run(secrets, line);
    }
    secrets_unref(secrets);
    return 0;
}
