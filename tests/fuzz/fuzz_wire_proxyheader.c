// SPDX-License-Identifier: MIT
//
// fuzz_wire_proxyheader: what stands ahead of a client's first byte. A header is whole within its
// size: fewer bytes are "more", what follows changes nothing.
#include <assert.h>

#include "wire/proxy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proxy_header header;
    struct proxy_header again;
    struct err err;
    int rc = proxy_header_parse(slice_of(data, size), &header, &err);

    if (rc == 1) {
        assert(header.size > 0 && header.size <= size && header.size <= PROXY_HEADER_V2_MAX);
        assert(header.ip_size == 0 || header.ip_size == 4 || header.ip_size == 16);
        assert(proxy_header_parse(slice_of(data, header.size), &again, &err) == 1);
        assert(memcmp(&header, &again, sizeof header) == 0);
        assert(proxy_header_parse(slice_of(data, header.size - 1), &again, &err) == 0);
    } else {
        assert(rc == 0 ? size < PROXY_HEADER_V2_MAX : rc == ERR_PROTOCOL);
    }
    return 0;
}
