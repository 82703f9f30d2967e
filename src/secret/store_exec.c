// SPDX-License-Identifier: MIT
//
// A store behind a program of the user's: it is run with one of `read`, `write` and `delete`, and
// the id, behind its own arguments; no shell. A secret goes through stdin and stdout, never through
// the arguments, which every user of the machine can read. Ended with status 44 it says that there
// is no such secret.
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "secret/secret.h"
#include "secret/secret_ops.h"
#include "secret/store_ops.h"

static int run(const struct store_call *call, const char *verb, const char *input, char **out,
               struct err *err)
{
    const struct strings *command = &call->provider->command;
    struct secret_program program = {.variables =
                                         &secrets_config(call->secrets)->secrets.environment,
                                     .input = input,
                                     .timeout_ms = call->provider->timeout};

    if (call->key->id[0] == '-') {
        return err_set(err, ERR_CONFIG, "a program would take it for an option");
    }
    const char **words = x_alloc((command->count + 2) * sizeof *words);
    memcpy(words, command->items, command->count * sizeof *words);
    words[command->count] = verb;
    words[command->count + 1] = call->key->id;
    program.argv = (struct strings){.items = words, .count = command->count + 2};
    int rc = secret_program_run(&program, out, err);
    if (rc < 0 && program.status == SECRET_PROGRAM_NONE) {
        rc = err_set(err, ERR_NO_SECRET, "%s knows none of this name", words[0]);
    } else if (rc <
               0) { /* it may do better the next time: what was read before serves until then */
        rc = err->code = ERR_STORE;
    }
    free(words);
    return rc;
}

static int run_read(const struct store_call *call, char **out, struct err *err)
{
    return run(call, "read", NULL, out, err);
}

static int run_write(const struct store_call *call, const char *value, struct err *err)
{
    return run(call, "write", value, NULL, err);
}

static int run_delete(const struct store_call *call, struct err *err)
{
    return run(call, "delete", NULL, NULL, err);
}

const struct store_ops store_exec_ops = {
    .type = "exec", .remembered = true, .read = run_read, .write = run_write, .remove = run_delete};
