// SPDX-License-Identifier: MIT
#include "secret/json.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "secret/cleared.h"
#include "secret/secret_ops.h"

static void set_alloc(void)
{
    json_set_alloc_funcs(cleared_malloc, cleared_free);
}

void json_begin(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, set_alloc);
}

json_t *json_object_of(struct slice text, struct err *err)
{
    json_begin();
    json_t *root = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    if (root == NULL || !json_is_object(root)) {
        json_decref(root);
        (void)err_set(err, ERR_STORE, "is not a JSON object");
        return NULL;
    }
    return root;
}

const char *json_text(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

int json_pick(struct slice text, const char *field, char **out, struct err *err)
{
    json_t *object = json_object_of(text, err);

    if (object == NULL) {
        return err_set(err, ERR_CONFIG, "its value is not a JSON object: it has no field \"%s\"",
                       field);
    }
    const char *value = json_text(object, field);
    int rc = value == NULL
                 ? err_set(err, ERR_CONFIG, "its value has no field \"%s\" that is a text", field)
                 : secret_take(value, strlen(value), out, err);
    json_decref(object);
    return rc;
}

char *json_print(json_t *object)
{
    json_begin();
    char *text = json_dumps(object, JSON_COMPACT);
    char *copy = x_strdup(text == NULL ? "{}" : text);

    cleared_free(text);
    json_decref(object);
    return copy;
}
