// SPDX-License-Identifier: MIT
#include "config/faults.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* A message is one line, whatever it quotes. */
static void blank_controls(char *text)
{
    for (char *p = text; *p != '\0'; p++) {
        if ((unsigned char)*p < ' ' || *p == 0x7F) {
            *p = '?';
        }
    }
}

static bool is_known(const struct config_faults *faults, const struct config_fault *fault)
{
    for (size_t i = 0; i < faults->count; i++) {
        const struct config_fault *f = &faults->items[i];
        if (f->line == fault->line && f->column == fault->column &&
            strcmp(f->text, fault->text) == 0) {
            return true;
        }
    }
    return false;
}

static void keep(struct config_faults *faults, struct config_fault fault)
{
    if (faults->count == faults->cap) {
        faults->cap = faults->cap == 0 ? 16 : faults->cap * 2;
        faults->items = x_realloc(faults->items, faults->cap * sizeof *faults->items);
    }
    faults->items[faults->count++] = fault;
}

void config_faults_add(struct config_faults *faults, int line, int column, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    if (faults->count >= CONFIG_FAULTS_MAX) {
        return;
    }
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    blank_controls(text);
    struct config_fault fault = {.line = line, .column = column, .text = text};
    if (!is_known(faults, &fault)) {
        fault.text = x_strdup(text);
        keep(faults, fault);
    }
}

int config_faults_variable(struct config_faults *faults, const char *name)
{
    size_t count = faults->variable_count + 1;

    faults->variables = x_realloc(faults->variables, count * sizeof *faults->variables);
    faults->variables[faults->variable_count] = x_strdup(name);
    faults->variable_count = count;
    return (int)count;
}

static int compare(const void *left, const void *right)
{
    const struct config_fault *a = left;
    const struct config_fault *b = right;

    if (a->line != b->line) {
        return a->line < b->line ? -1 : 1;
    }
    if (a->column != b->column) {
        return a->column < b->column ? -1 : 1;
    }
    return strcmp(a->text, b->text);
}

void config_faults_sort(struct config_faults *faults)
{
    if (faults->count > 1) {
        qsort(faults->items, faults->count, sizeof *faults->items, compare);
    }
}

void config_faults_print(const struct config_faults *faults, struct buf *out)
{
    for (size_t i = 0; i < faults->count; i++) {
        const struct config_fault *f = &faults->items[i];
        if (f->line == 0) {
            buf_printf(out, "environment: %s: %s\n", faults->variables[f->column - 1], f->text);
        } else {
            buf_printf(out, "%s:%d:%d: %s\n", faults->file, f->line, f->column, f->text);
        }
    }
}

void config_faults_fini(struct config_faults *faults)
{
    for (size_t i = 0; i < faults->count; i++) {
        free(faults->items[i].text);
    }
    for (size_t i = 0; i < faults->variable_count; i++) {
        free(faults->variables[i]);
    }
    free(faults->variables);
    free(faults->items);
    free(faults->file);
    *faults = (struct config_faults){.count = 0};
}
