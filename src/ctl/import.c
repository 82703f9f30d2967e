// SPDX-License-Identifier: MIT
#include "ctl/import.h"

#include "base/err.h"
#include "config/load.h"
#include "ctl/import_read.h"
#include "ctl/import_write.h"

/* What would not load is not written: a value may be one that PgBouncer takes and we do not. */
static void check(struct import *im, const struct buf *yaml)
{
    struct import_origin whole = {.file = im->files[0]};
    struct config_faults faults = {0};
    const struct config *config = NULL;

    (void)config_parse(im->files[0], buf_slice(yaml), &config, &faults);
    for (size_t i = 0; i < faults.count; i++) {
        import_fault(im, whole, "cannot be written: %s", faults.items[i].text);
    }
    config_faults_fini(&faults);
    config_unref(config);
}

static int finish(struct import *im, struct buf *yaml, struct buf *notes)
{
    if (im->faults == 0) {
        import_write(im, yaml);
    }
    if (im->faults == 0) {
        check(im, yaml);
    }
    if (im->faults > 0) {
        buf_release_secret(yaml);
    }
    int faults = im->faults;
    buf_append_slice(notes, buf_slice(&im->notes));
    import_fini(im);
    return faults == 0 ? 0 : ERR_CONFIG;
}

int import_file(const char *path, struct buf *yaml, struct buf *notes)
{
    struct import im;

    import_init(&im);
    import_read(&im, path);
    return finish(&im, yaml, notes);
}

int import_text(const char *file, struct slice text, struct buf *yaml, struct buf *notes)
{
    struct import im;

    import_init(&im);
    import_read_text(&im, file, text);
    return finish(&im, yaml, notes);
}
