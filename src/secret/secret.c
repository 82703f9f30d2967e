// SPDX-License-Identifier: MIT
#include "secret/secret.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "secret/secret_ops.h"

static int resolve_none(const struct secret_ref *ref, char **out, struct err *err)
{
    (void)ref;
    (void)err;
    *out = NULL;
    return 0;
}

static int resolve_text(const struct secret_ref *ref, char **out, struct err *err)
{
    return secret_take(ref->value, strlen(ref->value), out, err);
}

static int resolve_env(const struct secret_ref *ref, char **out, struct err *err)
{
    const char *value = getenv(ref->value);

    if (value == NULL) {
        return err_set(err, ERR_CONFIG, "%s: is not set", ref->value);
    }
    int result = secret_take(value, strlen(value), out, err);
    if (result < 0) {
        err_wrap(err, "%s", ref->value);
    }
    return result;
}

static const struct secret_ops ops[SECRET_KINDS] = {
    [SECRET_NONE] = {"none", resolve_none},        [SECRET_TEXT] = {"text", resolve_text},
    [SECRET_ENV] = {"env", resolve_env},           [SECRET_FILE] = {"file", secret_file_resolve},
    [SECRET_EXEC] = {"exec", secret_exec_resolve},
};

int secret_resolve(const struct secret_ref *ref, char **out, struct err *err)
{
    assert(ref->kind < SECRET_STORE);
    *out = NULL;
    int result = ops[ref->kind].resolve(ref, out, err);
    if (result < 0) {
        err_wrap(err, "%s", ops[ref->kind].name);
    }
    return result;
}

int secret_take(const char *bytes, size_t n, char **out, struct err *err)
{
    if (n > 0 && bytes[n - 1] == '\n') {
        n--;
        n -= n > 0 && bytes[n - 1] == '\r' ? 1 : 0;
    }
    if (n == 0) {
        return err_set(err, ERR_CONFIG, "is empty");
    }
    if (n > SECRET_SIZE_MAX) {
        return err_set(err, ERR_CONFIG, "is longer than %d bytes", SECRET_SIZE_MAX);
    }
    if (memchr(bytes, 0, n) != NULL) {
        return err_set(err, ERR_CONFIG, "holds a NUL byte");
    }
    *out = x_strndup(slice_of(bytes, n));
    return 0;
}
