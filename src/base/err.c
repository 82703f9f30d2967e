// SPDX-License-Identifier: MIT
#include "base/err.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, int code, const char *fmt, ...)
{
    va_list ap;

    if (err == NULL) {
        return code;
    }
    *err = (struct err){.code = code};
    va_start(ap, fmt);
    (void)vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    return code;
}

void err_hint(struct err *err, const char *fmt, ...)
{
    va_list ap;

    if (err == NULL) {
        return;
    }
    va_start(ap, fmt);
    (void)vsnprintf(err->hint, sizeof err->hint, fmt, ap);
    va_end(ap);
}

void err_wrap(struct err *err, const char *fmt, ...)
{
    char prefix[ERR_TEXT_MAX];
    va_list ap;

    if (err == NULL) {
        return;
    }
    va_start(ap, fmt);
    (void)vsnprintf(prefix, sizeof prefix - 2, fmt, ap);
    va_end(ap);
    size_t n = strlen(prefix);
    memcpy(prefix + n, ": ", 2);
    n += 2;
    memmove(err->text + n, err->text, sizeof err->text - n);
    memcpy(err->text, prefix, n);
    err->text[sizeof err->text - 1] = '\0';
}

const char *err_code_sqlstate(int code)
{
    switch (code) {
#define X(name, sqlstate, text)                                                                    \
    case name:                                                                                     \
        return sqlstate;
        ERR_MAP(X)
#undef X
    default: /* an errno: the network failed */
        return "08006";
    }
}

const char *err_code_text(int code)
{
    switch (code) {
#define X(name, sqlstate, text)                                                                    \
    case name:                                                                                     \
        return text;
        ERR_MAP(X)
#undef X
    default:
        return strerror(-code);
    }
}

const char *err_sqlstate(const struct err *err)
{
    return err->sqlstate[0] != '\0' ? err->sqlstate : err_code_sqlstate(err->code);
}

int err_index(const struct err *err)
{
    if (err == NULL) {
        return 0;
    }
    bool ours = err->code > ERR_FIRST && err->code <= ERR_SERVER;
    return (ours ? err->code : ERR_CONNECTION) - ERR_FIRST;
}

const char *err_index_word(int index)
{
    static const char *const words[ERR_INDEXES] = {[0] = "",
#define X(name, sqlstate, text) [name - ERR_FIRST] = #name,
                                                   ERR_MAP(X)
#undef X
    };

    return words[index] + (index == 0 ? 0 : sizeof "ERR_" - 1);
}

const char *err_index_sqlstate(int index)
{
    return index == 0 ? "" : err_code_sqlstate(ERR_FIRST + index);
}
