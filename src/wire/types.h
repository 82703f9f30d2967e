// SPDX-License-Identifier: MIT
//
// types: the letters and numbers of PostgreSQL's frontend/backend protocol, version 3
// (documentation, "Message Formats"). Direction decides the meaning of a letter.
#ifndef WIRE_TYPES_H
#define WIRE_TYPES_H

enum wire_version {
    WIRE_PROTOCOL_3_0 = 196608, /* 3 << 16 */
    WIRE_PROTOCOL_3_2 = 196610, /* PostgreSQL 18 */
    WIRE_CANCEL_REQUEST = 80877102,
    WIRE_SSL_REQUEST = 80877103,
    WIRE_GSSENC_REQUEST = 80877104
};

/* From a client. */
enum wire_client {
    WIRE_QUERY = 'Q',
    WIRE_PARSE = 'P',
    WIRE_BIND = 'B',
    WIRE_DESCRIBE = 'D',
    WIRE_EXECUTE = 'E',
    WIRE_CLOSE = 'C',
    WIRE_SYNC = 'S',
    WIRE_FLUSH = 'H',
    WIRE_FUNCTION_CALL = 'F',
    WIRE_COPY_DATA = 'd', /* both directions */
    WIRE_COPY_DONE = 'c', /* both directions */
    WIRE_COPY_FAIL = 'f',
    WIRE_PASSWORD = 'p', /* also SASLInitialResponse, SASLResponse */
    WIRE_TERMINATE = 'X'
};

/* From a server. */
enum wire_server {
    WIRE_AUTHENTICATION = 'R',
    WIRE_BACKEND_KEY = 'K',
    WIRE_BIND_COMPLETE = '2',
    WIRE_CLOSE_COMPLETE = '3',
    WIRE_COMMAND_COMPLETE = 'C',
    WIRE_COPY_IN = 'G',
    WIRE_COPY_OUT = 'H',
    WIRE_COPY_BOTH = 'W',
    WIRE_DATA_ROW = 'D',
    WIRE_EMPTY_QUERY = 'I',
    WIRE_ERROR = 'E',
    WIRE_FUNCTION_RESULT = 'V',
    WIRE_NEGOTIATE = 'v',
    WIRE_NO_DATA = 'n',
    WIRE_NOTICE = 'N',
    WIRE_NOTIFICATION = 'A',
    WIRE_PARAMETER_DESCRIPTION = 't',
    WIRE_PARAMETER_STATUS = 'S',
    WIRE_PARSE_COMPLETE = '1',
    WIRE_PORTAL_SUSPENDED = 's',
    WIRE_READY = 'Z',
    WIRE_ROW_DESCRIPTION = 'T'
};

/* Authentication requests (the number behind 'R'). */
enum wire_auth {
    WIRE_AUTH_OK = 0,
    WIRE_AUTH_CLEARTEXT = 3,
    WIRE_AUTH_MD5 = 5,
    WIRE_AUTH_SASL = 10,
    WIRE_AUTH_SASL_CONTINUE = 11,
    WIRE_AUTH_SASL_FINAL = 12
};

#endif
