// SPDX-License-Identifier: MIT
//
// Secrets in environment variables: prefix and id in a row are the variable's name. An id that is
// not a word is refused and not bent into one: two roles must never share a variable.
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "secret/secret_ops.h"
#include "secret/store_ops.h"

static bool is_word(const char *s)
{
    return s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

static int read_variable(const struct store_call *call, char **out, struct err *err)
{
    if (!is_word(call->key->id)) {
        return err_set(err, ERR_CONFIG, "cannot be part of the name of an environment variable");
    }
    char *name = x_printf("%s%s", call->provider->prefix, call->key->id);
    const char *value = getenv(name);
    int rc = value == NULL ? err_set(err, ERR_NO_SECRET, "variable %s is not set", name)
                           : secret_take(value, strlen(value), out, err);

    free(name);
    return rc;
}

const struct store_ops store_env_ops = {.type = "env", .read = read_variable};
