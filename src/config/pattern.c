// SPDX-License-Identifier: MIT
#include "config/pattern.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "config/schema.h"

struct place {
    const char *name;
    unsigned bit;
};

static const struct place places[] = {
    {"{tenant}", PLACE_TENANT},      {"{schema}", PLACE_SCHEMA},
    {"{role}", PLACE_ROLE},          {"{user}", PLACE_USER},
    {"{database}", PLACE_DATABASE},  {"{application_name}", PLACE_APPLICATION},
    {"{client_addr}", PLACE_CLIENT},
};

enum { PLACES = sizeof places / sizeof places[0] };

static const struct place *find_place(const char *text)
{
    for (size_t i = 0; i < PLACES; i++) {
        if (strncmp(text, places[i].name, strlen(places[i].name)) == 0) {
            return &places[i];
        }
    }
    return NULL;
}

/* "{tenant}, {schema}" */
static void list_places(unsigned allowed, char *out, size_t cap)
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < PLACES; i++) {
        if ((places[i].bit & allowed) != 0) {
            int n = snprintf(out + used, cap - used, "%s%s", used == 0 ? "" : ", ", places[i].name);
            used += (size_t)n;
        }
    }
}

static bool refuse_place(const char *text, unsigned allowed, struct problem *problem)
{
    char list[100];
    int n = (int)strcspn(text, "}");

    n += text[n] == '}' ? 1 : 0;
    list_places(allowed, list, sizeof list);
    (void)snprintf(problem->text, sizeof problem->text, "%.*s is no placeholder here, only %s",
                   n > 40 ? 40 : n, text, list);
    return false;
}

bool pattern_check(const char *text, unsigned allowed, struct problem *problem)
{
    const char *p = text + strcspn(text, "{}");

    while (*p != '\0') {
        if (*p == '}') {
            (void)snprintf(problem->text, sizeof problem->text, "a } stands without its {");
            return false;
        }
        const struct place *place = find_place(p);
        if (place == NULL || (place->bit & allowed) == 0) {
            return refuse_place(p, allowed, problem);
        }
        p += strlen(place->name);
        p += strcspn(p, "{}");
    }
    return true;
}

static int count_in(const char *text, const char *word)
{
    int count = 0;

    for (const char *p = strstr(text, word); p != NULL; p = strstr(p + 1, word)) {
        count++;
    }
    return count;
}

bool pattern_check_rule(const char *text, unsigned own, struct problem *problem)
{
    if (!pattern_check(text, PLACE_TENANT | own, problem)) {
        return false;
    }
    if (count_in(text, "{tenant}") != 1) {
        (void)snprintf(problem->text, sizeof problem->text, "{tenant} must stand in it once");
        return false;
    }
    for (size_t i = 0; i < PLACES; i++) {
        if ((places[i].bit & own) != 0 && count_in(text, places[i].name) > 1) {
            (void)snprintf(problem->text, sizeof problem->text, "%s may stand in it only once",
                           places[i].name);
            return false;
        }
    }
    if (strstr(text, "}{") != NULL) {
        (void)snprintf(problem->text, sizeof problem->text,
                       "two placeholders need a text between them");
        return false;
    }
    return true;
}

static bool is_word_byte(char c, bool first)
{
    return isalpha((unsigned char)c) || c == '_' ||
           (!first && (isdigit((unsigned char)c) || c == '$'));
}

bool pattern_is_setting(const char *text)
{
    bool first = true;

    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '.' && !first) {
            first = true;
        } else if (is_word_byte(*p, first)) {
            first = false;
        } else {
            return false;
        }
    }
    return !first;
}

bool pattern_is_tenants(const char *text)
{
    size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.*-");

    return n > 0 && text[n] == '\0' && text[0] != '.' && text[0] != '-';
}
