// SPDX-License-Identifier: MIT
#include "script.h"

#include <check.h>
#include <string.h>

#include "wire/build.h"
#include "wire/error.h"

void script_message(struct buf *out, char type, const void *body, size_t n)
{
    size_t start = build_begin(out, (uint8_t)type);

    buf_append(out, body, n);
    build_end(out, start);
}

void script_error(struct buf *out, const char *severity, const char *sqlstate, const char *message)
{
    struct err err = {0};

    (void)err_set(&err, ERR_SERVER, "%s", message);
    memcpy(err.sqlstate, sqlstate, 5);
    error_build(out, WIRE_ERROR, severity, &err);
}

static void notice(struct buf *out)
{
    struct err err = {0};

    (void)err_set(&err, ERR_INTERNAL, "by the way");
    error_build(out, WIRE_NOTICE, "NOTICE", &err);
}

static void say_as_server(struct buf *out, const char **at)
{
    static const char *const columns[] = {"?column?"};
    static const char copy[] = {0, 0, 1, 0, 0};
    static const char notification[] = "\0\0\0\7channel\0payload";
    static const char no_result[] = {-1, -1, -1, -1};
    struct slice one = slice_str("1");

    switch (**at) {
    case 'C':
        build_command_complete(out, "SELECT 1");
        break;
    case 'D':
        build_data_row(out, &one, 1);
        break;
    case 'T':
        build_row_description(out, columns, 1);
        break;
    case 'Z':
        build_ready(out, *++*at);
        break;
    case 'E':
        script_error(out, "ERROR", "22012", "division by zero");
        break;
    case 'N':
        notice(out);
        break;
    case 'A':
        script_message(out, 'A', notification, sizeof notification);
        break;
    case 'S':
        build_parameter_status(out, slice_str("TimeZone"), slice_str("UTC"));
        break;
    case 'G':
    case 'H':
        script_message(out, **at, copy, sizeof copy);
        break;
    case 'd':
        script_message(out, 'd', "row\n", 4);
        break;
    case 't':
        script_message(out, 't', "\0", 2);
        break;
    case 'V':
        script_message(out, 'V', no_result, sizeof no_result);
        break;
    default:
        ck_assert_msg(strchr("123nsIc", **at) != NULL, "a server has no letter '%c'", **at);
        build_empty(out, (uint8_t)(**at));
        break;
    }
}

void script_server(struct buf *out, const char *letters)
{
    for (const char *at = letters; *at != '\0'; at++) {
        say_as_server(out, &at);
    }
}

static void say_as_client(struct buf *out, char letter)
{
    static const char function[] = "\0\0\0\1\0\0\0\0\0";

    switch (letter) {
    case 'Q':
        build_query(out, "SELECT 1");
        break;
    case 'P':
        build_parse(out, "", "SELECT 1");
        break;
    case 'B':
        build_bind(out, "", NULL, 0);
        break;
    case 'D':
        script_message(out, 'D', "P", 2);
        break;
    case 'E':
        build_execute(out);
        break;
    case 'C':
        script_message(out, 'C', "P", 2);
        break;
    case 'F':
        script_message(out, 'F', function, sizeof function);
        break;
    case 'd':
        script_message(out, 'd', "row\n", 4);
        break;
    case 'f':
        script_message(out, 'f', "no more", 8);
        break;
    default:
        ck_assert_msg(strchr("SHcX", letter) != NULL, "a client has no letter '%c'", letter);
        build_empty(out, (uint8_t)letter);
        break;
    }
}

void script_client(struct buf *out, const char *letters)
{
    for (const char *at = letters; *at != '\0'; at++) {
        say_as_client(out, *at);
    }
}
