// SPDX-License-Identifier: MIT
//
// replay: main for a fuzz harness that was not built with libFuzzer. Gives it the empty input,
// every file of the folder named, and every prefix of each, so that the corpus is an ordinary test.
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay_prefixes(const uint8_t *data, size_t size)
{
    size_t step = size / 512 + 1;

    for (size_t n = 0; n <= size; n += step) {
        /* A heap copy of the exact size, so that the sanitizer sees a read beyond it. */
        uint8_t *copy = malloc(n == 0 ? 1 : n);
        if (copy == NULL) {
            abort();
        }
        memcpy(copy, data, n);
        (void)LLVMFuzzerTestOneInput(copy, n);
        free(copy);
    }
}

static void replay_file(const char *path)
{
    static uint8_t data[1 << 20];
    FILE *f = fopen(path, "rb");

    if (f == NULL) {
        perror(path);
        exit(1);
    }
    size_t n = fread(data, 1, sizeof data, f);
    (void)fclose(f);
    replay_prefixes(data, n);
    (void)LLVMFuzzerTestOneInput(data, n);
}

int main(int argc, char **argv)
{
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    int files = 0;

    if (folder == NULL) {
        (void)fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
        return 2;
    }
    for (struct dirent *e = readdir(folder); e != NULL; e = readdir(folder)) {
        if (e->d_name[0] != '.') {
            char path[1024];
            (void)snprintf(path, sizeof path, "%s/%.255s", argv[1], e->d_name);
            replay_file(path);
            files++;
        }
    }
    (void)closedir(folder);
    (void)printf("%d inputs replayed\n", files);
    return files > 0 ? 0 : 1;
}
