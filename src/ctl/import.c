// SPDX-License-Identifier: MIT
#include "ctl/import.h"

#include "base/err.h"
#include "ctl/import_read.h"
#include "ctl/import_write.h"

static int finish(struct import *im, struct buf *yaml, struct buf *notes)
{
    if (im->faults == 0) {
        import_write(im, yaml);
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
