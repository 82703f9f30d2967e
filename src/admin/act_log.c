// SPDX-License-Identifier: MIT
//
// act_log: LOG TENANT: what concerns one tenant is logged at a level of its own, on every worker,
// from the answer on, until it is taken back or the process ends. The file does not know of it, so
// a reload leaves it.
#include "admin/act.h"

#include <strings.h>

#include "admin/console.h"

/* As struct log_origin has it, or -1. */
static int level_of(const char *word)
{
    if (word[0] == '\0') {
        return LOG_DEBUG + 1;
    }
    if (strcasecmp(word, "off") == 0) {
        return LOG_AS_CONFIGURED;
    }
    int level = log_level_of(word);
    return level < 0 ? -1 : level + 1;
}

/* On a worker. */
static enum gather_step set_level(struct proxy *proxy, const struct question *q,
                                  struct gather_part *part)
{
    (void)part;
    pools_set_level(&proxy->pools, slice_str(q->name), (uint8_t)q->flags);
    return GATHER_DONE;
}

static void on_set(struct console *c, const struct gather *answers)
{
    (void)answers;
    console_done(c, c->command.kind->value);
}

void act_log_tenant(struct console *c, const struct command *command)
{
    int level = level_of(command->value);
    struct question q;
    struct err err;

    if (level < 0) {
        (void)err_set(&err, ERR_INVALID_VALUE,
                      "invalid level: \"%.40s\"; it is debug, info, warning, error or off",
                      command->value);
        console_fail(c, &err);
        return;
    }
    if (!act_tenant_question(c, command, &q)) {
        return;
    }
    q.flags = (uint32_t)level;
    levels_set(&c->admin->levels, slice_str(q.name), (uint8_t)level);
    console_gather(c, &q, set_level, on_set);
}
