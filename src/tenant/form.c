// SPDX-License-Identifier: MIT
#include "tenant/form.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"

#define SWEEP_FROM 64 /* forms; below it is not worth while to look for those of no use */

struct form *form_ref(struct form *form)
{
    (void)atomic_fetch_add_explicit(&form->refs, 1, memory_order_relaxed);
    return form;
}

void form_unref(struct form *form)
{
    if (atomic_fetch_sub_explicit(&form->refs, 1, memory_order_acq_rel) == 1) {
        overlay_unref(form->overlay);
        free(form);
    }
}

static void drop(struct forms *forms, struct form *form)
{
    HASH_DEL(forms->by_options, form);
    form_unref(form);
}

/* Forms that no row has any more would stay for ever where tenants are changed often. */
static void sweep(struct forms *forms)
{
    struct form *form;
    struct form *next;

    HASH_ITER (hh, forms->by_options, form, next) {
        if (atomic_load_explicit(&form->refs, memory_order_acquire) == 1) {
            drop(forms, form);
        }
    }
    forms->swept = HASH_COUNT(forms->by_options);
}

static struct form *add(struct forms *forms, const char *options, size_t n, const char *name)
{
    struct form *form = x_zalloc(sizeof *form + n + 1);
    struct err err = {0};

    atomic_init(&form->refs, 1);
    memcpy(form->options, options, n + 1);
    if (forms->config != NULL) {
        form->overlay = overlay_build(forms->config, slice_of(options, n), &err);
    }
    if (err.code != 0) {
        log_warning("registry: tenants with these options are left out: %s first=%s", err.text,
                    name);
    }
    HASH_ADD_KEYPTR(hh, forms->by_options, form->options, n, form);
    return form;
}

struct form *forms_get(struct forms *forms, const char *options, const char *name)
{
    size_t n = strlen(options);
    struct form *form;

    HASH_FIND(hh, forms->by_options, options, n, form);
    if (form == NULL) {
        if (HASH_COUNT(forms->by_options) >= SWEEP_FROM + 2 * forms->swept) {
            sweep(forms);
        }
        form = add(forms, options, n, name);
    }
    return form_ref(form);
}

static void drop_all(struct forms *forms)
{
    struct form *form;
    struct form *next;

    HASH_ITER (hh, forms->by_options, form, next) {
        drop(forms, form);
    }
    forms->swept = 0;
}

void forms_follow(struct forms *forms, const struct config *config)
{
    const struct config *last = forms->config;

    drop_all(forms);
    forms->config = config_ref(config);
    config_unref(last);
}

void forms_fini(struct forms *forms)
{
    drop_all(forms);
    config_unref(forms->config);
    forms->config = NULL;
}
