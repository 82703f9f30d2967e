// SPDX-License-Identifier: MIT
//
// fuzz_admin_command: the input is the text of a console command. What is read is a row of the
// table with terminated, bounded words, and only what the row asks for; what is refused says why.
#include <assert.h>
#include <string.h>

#include "admin/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct command *command)
{
    assert(memchr(command->name, '\0', sizeof command->name) != NULL);
    assert(memchr(command->value, '\0', sizeof command->value) != NULL);
    assert(memchr(command->options, '\0', sizeof command->options) != NULL);
    assert(command->has_name == (command->name[0] != '\0'));
    if (command->kind == NULL) {
        assert(command_columns(command).count == 0);
        return;
    }
    assert(command->kind >= command_kinds && command->kind < command_kinds + command_kind_count);
    assert(command_columns(command).count <= ROWS_COLUMNS_MAX);
    if (command->kind->argument == ARGUMENT_NONE) {
        assert(!command->has_name && command->number == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct command command;
    struct err err = {0};
    int rc = command_parse(slice_of(data, size), &command, &err);

    assert(rc == 0 || rc == ERR_SYNTAX);
    if (rc == 0) {
        check(&command);
    } else {
        assert(err.text[0] != '\0');
    }
    return 0;
}
