// SPDX-License-Identifier: MIT
//
// Any bytes as a pgbouncer.ini, a connection string and an auth_file: all readers come to an end.
// An import either has a fault and says so, or what it writes is a configuration. Texts that name
// other files are not imported.
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "config/load.h"
#include "ctl/import.h"
#include "ctl/ini.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t use(struct ini_text text)
{
    char *copy = ini_copy(text);
    size_t n = strlen(copy);

    assert(n <= text.raw.n);
    free(copy);
    return n;
}

static void read_lines(struct slice text)
{
    struct ini_reader reader = {.rest = text};
    struct ini_line line;
    struct err err = {0};
    int rc;

    while ((rc = ini_next(&reader, &line, &err)) != 0) {
        assert(rc < 0 || use(line.name) + use(line.value) <= text.n);
    }
    assert(reader.rest.n == 0);
}

static void read_others(struct slice text)
{
    struct ini_reader reader = {.rest = text};
    struct slice rest = text;
    struct slice word;
    struct ini_text name;
    struct ini_text value;
    struct err err = {0};
    int rc;

    while ((rc = ini_next_user(&reader, &name, &value, &err)) != 0) {
        assert(rc < 0 || use(name) + use(value) <= text.n);
    }
    while (ini_next_pair(&rest, &name, &value, &err) > 0) {
        assert(use(name) > 0 && use(value) <= text.n);
    }
    rest = text;
    while (ini_next_word(&rest, &word)) {
        assert(word.n > 0);
    }
}

static bool names_files(struct slice text)
{
    return memmem(text.p, text.n, "%include", 8) != NULL ||
           memmem(text.p, text.n, "auth_file", 9) != NULL;
}

/* Of the socket's folder it is known that a good file can hold what we refuse: the length; and a
 * file may ask for encryption without the files for it. */
static bool is_known(struct slice text, const struct buf *notes)
{
    struct slice told = buf_slice(notes);

    return memmem(told.p, told.n, "cannot be written: ", 19) == NULL ||
           memmem(text.p, text.n, "unix_socket_dir", 15) != NULL ||
           memmem(text.p, text.n, "_tls_sslmode", 12) != NULL;
}

static void import(struct slice text)
{
    struct config_faults faults = {0};
    const struct config *config = NULL;
    struct buf yaml = {0};
    struct buf notes = {0};

    if (import_text("fuzz.ini", text, &yaml, &notes) == 0) {
        int rc = config_parse("fuzz.yaml", buf_slice(&yaml), &config, &faults);
        assert(rc == 0);
        config_faults_fini(&faults);
        config_unref(config);
    } else {
        assert(buf_size(&notes) > 0 && buf_size(&yaml) == 0);
        assert(is_known(text, &notes));
    }
    buf_release(&yaml);
    buf_release(&notes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of(data, size);

    read_lines(text);
    read_others(text);
    if (size > 0 && !names_files(text)) {
        import(text);
    }
    return 0;
}
