// SPDX-License-Identifier: MIT
#include "config/suggest.h"

#include <ctype.h>
#include <string.h>

#include "base/limits.h"

const char *suggest_key(enum key_scope scope, const char *section, const char *word)
{
    const char *best = NULL;
    int least = LIMIT_NAME;

    for (size_t i = 0; i < schema_key_count; i++) {
        if (!schema_in_section(&schema_keys[i], scope, section)) {
            continue;
        }
        const char *leaf = schema_leaf(&schema_keys[i]);
        int distance = suggest_distance(word, leaf);
        if (suggest_is_slip(word, leaf) && distance < least) {
            best = leaf;
            least = distance;
        }
    }
    return best;
}

const char *suggest_path(enum key_scope scope, const char *path)
{
    const char *best = NULL;
    int least = LIMIT_NAME;

    for (size_t i = 0; i < schema_key_count; i++) {
        const struct key *key = &schema_keys[i];
        if (key->scope != scope || key->type == KEY_SECTION || key->type == KEY_NAMED) {
            continue;
        }
        int distance = suggest_distance(path, key->path);
        bool likely = suggest_is_slip(path, key->path) || strcmp(path, schema_leaf(key)) == 0;
        if (likely && distance < least) {
            best = key->path;
            least = distance;
        }
    }
    return best;
}

static int least_of(int a, int b, int c)
{
    int ab = a < b ? a : b;

    return ab < c ? ab : c;
}

static bool same_letter(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

int suggest_distance(const char *a, const char *b)
{
    int rows[3][66] = {{0}};
    size_t n = strlen(a);
    size_t m = strlen(b);

    if (n > 64 || m > 64) {
        return 64;
    }
    for (size_t j = 0; j <= m; j++) {
        rows[0][j] = (int)j;
    }
    for (size_t i = 1; i <= n; i++) {
        int *row = rows[i % 3];
        const int *above = rows[(i - 1) % 3];
        row[0] = (int)i;
        for (size_t j = 1; j <= m; j++) {
            int replace = above[j - 1] + (same_letter(a[i - 1], b[j - 1]) ? 0 : 1);
            row[j] = least_of(above[j] + 1, row[j - 1] + 1, replace);
            bool swapped = i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) &&
                           same_letter(a[i - 2], b[j - 1]);
            if (swapped && rows[(i - 2) % 3][j - 2] + 1 < row[j]) {
                row[j] = rows[(i - 2) % 3][j - 2] + 1;
            }
        }
    }
    return rows[n % 3][m];
}

bool suggest_is_slip(const char *a, const char *b)
{
    size_t n = strlen(a);
    size_t m = strlen(b);
    size_t shorter = n < m ? n : m;

    return suggest_distance(a, b) <= (shorter < 3 ? 1 : shorter < 6 ? 2 : 3);
}
