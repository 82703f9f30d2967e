// SPDX-License-Identifier: MIT
#include "ctl/attacks.h"

#include <string.h>

const struct attack attacks[] = {
#define ATTACK(id_, what_, open_, by_, advice_, lasting_)                                          \
    {.id = (id_),                                                                                  \
     .what = (what_),                                                                              \
     .open = (open_),                                                                              \
     .by = (by_),                                                                                  \
     .advice = (advice_),                                                                          \
     .lasting = (lasting_)},
#include <attacks_table.inc>
#undef ATTACK
};

const size_t attack_count = sizeof attacks / sizeof attacks[0];

const struct attack *attack_find(const char *id)
{
    for (size_t i = 0; i < attack_count; i++) {
        if (strcmp(attacks[i].id, id) == 0) {
            return &attacks[i];
        }
    }
    return NULL;
}
