// SPDX-License-Identifier: MIT
//
// pattern: texts with {placeholders}, and the other small grammars of values. Pure.
#ifndef CONFIG_PATTERN_H
#define CONFIG_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

/* Why a text is refused, for a message. */
struct problem {
    char text[200];
};

/* Are all braces placeholders of the set `allowed` (PLACE_* in schema.h)? */
bool pattern_check(const char *text, unsigned allowed, struct problem *problem);

/* The same for a rule that finds a tenant: {tenant} once, the rule's own placeholder (0: it has
 * none) at most once, and never two side by side, since nothing would say where one ends. */
bool pattern_check_rule(const char *text, unsigned own, struct problem *problem);

/* Is it a setting's name: words of letters, digits, _ and $ with dots between, none led by a digit?
 */
bool pattern_is_setting(const char *text);

/* May it be a pattern of tenants' names: the bytes of a name, and '*'? */
bool pattern_is_tenants(const char *text);

#endif
