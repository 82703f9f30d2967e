// SPDX-License-Identifier: MIT
#include "pool/letter.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "pool/pools.h"

struct letter {
    struct mail mail;
    struct pools *to;
    enum letter_kind kind;
    char name[];
};

static void read_letter(struct letter *letter)
{
    struct pools *pools = letter->to;
    struct host *host;

    switch (letter->kind) {
    case LETTER_STARVING:
    case LETTER_PLACE:
        HASH_FIND_STR(pools->hosts, letter->name, host);
        if (host == NULL) {
            return; /* never asked for one, has never had one */
        }
        if (letter->kind == LETTER_STARVING) {
            host_close_idle(host);
        } else {
            host_receive_place(host);
        }
        break;
    case LETTER_LINKS:
        pools_retry_full(pools, letter->name);
        break;
    }
}

static void deliver(struct mail *mail)
{
    struct letter *letter = container_of(mail, struct letter, mail);

    read_letter(letter);
    free(letter);
}

void letter_post(const struct pools *from, uint32_t worker, enum letter_kind kind, const char *name)
{
    const struct crew_member *member = &from->crew->members[worker];
    size_t n = strlen(name) + 1;
    struct letter *letter = x_alloc(sizeof *letter + n);

    letter->mail.deliver = deliver;
    letter->to = member->pools;
    letter->kind = kind;
    memcpy(letter->name, name, n);
    mailbox_post(member->box, &letter->mail);
}

void letter_post_all(const struct pools *from, uint64_t workers, enum letter_kind kind,
                     const char *name)
{
    for (uint32_t i = 0; workers >> i != 0; i++) {
        if ((workers >> i & 1) != 0) {
            letter_post(from, i, kind, name);
        }
        if (i == CREW_MAX - 1) {
            break; /* a shift by all bits is none */
        }
    }
}
