// SPDX-License-Identifier: MIT
#include "auth/scram.h"

#include <assert.h>

#include "auth/saslprep.h"
#include "base/alloc.h"
#include "base/encode.h"
#include "base/limits.h"
#include "base/rand.h"

struct scram_binding scram_binding_of(struct slice data)
{
    struct scram_binding binding = {.n = 0};

    if (data.n > 0 && data.n <= sizeof binding.data) {
        memcpy(binding.data, data.p, data.n);
        binding.n = (uint8_t)data.n;
    }
    return binding;
}

bool scram_parse_mechanism(struct slice name, bool *plus)
{
    *plus = slice_eq_str(name, SCRAM_MECHANISM_PLUS);
    return *plus || slice_eq_str(name, SCRAM_MECHANISM);
}

int scram_parse_offer(struct slice names, struct scram_offer *offer, struct err *err)
{
    *offer = (struct scram_offer){0};
    for (;;) {
        ptrdiff_t end = slice_find(names, '\0');
        if (end < 0) {
            return err_set(err, ERR_PROTOCOL, "list of SASL mechanisms has no end");
        }
        if (end == 0) {
            return 0;
        }
        bool plus;
        if (scram_parse_mechanism(slice_head(names, (size_t)end), &plus)) {
            offer->plus |= plus;
            offer->scram |= !plus;
        }
        names = slice_from(names, (size_t)end + 1);
    }
}

void scram_random_nonce(char nonce[SCRAM_NONCE + 1])
{
    uint8_t raw[SCRAM_NONCE / 4 * 3];
    struct buf text = {0};

    rand_bytes(raw, sizeof raw);
    base64_append(&text, slice_of(raw, sizeof raw));
    assert(buf_size(&text) == SCRAM_NONCE);
    memcpy(nonce, buf_slice(&text).p, SCRAM_NONCE);
    nonce[SCRAM_NONCE] = '\0';
    buf_release(&text);
}

void scram_derive(struct slice password, struct slice salt, uint32_t iterations,
                  struct scram_keys *keys)
{
    uint8_t salted[SCRAM_KEY];
    struct buf prepared = {0};

    assert(iterations >= 1 && iterations <= LIMIT_SCRAM_ITERATIONS);
    saslprep_append(&prepared, password);
    digest_pbkdf2(buf_slice(&prepared), salt, iterations, salted);
    buf_release_secret(&prepared);
    digest_hmac(slice_of(salted, sizeof salted), slice_str("Client Key"), keys->client);
    digest_hmac(slice_of(salted, sizeof salted), slice_str("Server Key"), keys->server);
    secure_zero(salted, sizeof salted);
}

int scram_check_message(struct slice message, struct err *err)
{
    if (message.n == 0) {
        return err_set(err, ERR_PROTOCOL, "malformed SCRAM message: it is empty");
    }
    if (message.n > LIMIT_PASSWORD_PACKET) {
        return err_set(err, ERR_PROTOCOL, "malformed SCRAM message: it is too long");
    }
    if (slice_find(message, '\0') >= 0) {
        return err_set(err, ERR_PROTOCOL, "malformed SCRAM message: it contains a NUL");
    }
    return 0;
}

int scram_take(struct slice *rest, char name, struct slice *value, struct err *err)
{
    if (rest->n > 0 && rest->p[0] == 'm') {
        return err_set(err, ERR_PROTOCOL, "peer requires an unsupported SCRAM extension");
    }
    if (rest->n < 2 || rest->p[0] != (uint8_t)name || rest->p[1] != '=') {
        return err_set(err, ERR_PROTOCOL, "malformed SCRAM message: attribute \"%c\" expected",
                       name);
    }
    struct slice text = slice_from(*rest, 2);
    ptrdiff_t comma = slice_find(text, ',');
    if (comma < 0) {
        *value = text;
        *rest = SLICE_EMPTY;
        return 0;
    }
    *value = slice_head(text, (size_t)comma);
    *rest = slice_from(text, (size_t)comma + 1);
    if (rest->n == 0) {
        return err_set(err, ERR_PROTOCOL, "malformed SCRAM message: it ends in a comma");
    }
    return 0;
}

static bool is_printable(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < 0x21 || s.p[i] > 0x7e) {
            return false;
        }
    }
    return true;
}

int scram_take_nonce(struct slice *rest, struct slice *nonce, struct err *err)
{
    int rc = scram_take(rest, 'r', nonce, err);

    if (rc != 0) {
        return rc;
    }
    if (nonce->n == 0 || nonce->n > SCRAM_NONCE_MAX || !is_printable(*nonce)) {
        return err_set(err, ERR_PROTOCOL, "malformed SCRAM message: invalid nonce");
    }
    return 0;
}

int scram_skip_extensions(struct slice *rest, char until, struct err *err)
{
    while (rest->n > 0 && rest->p[0] != (uint8_t)until) {
        uint8_t name = rest->p[0];
        struct slice value;
        if (!((name >= 'a' && name <= 'z') || (name >= 'A' && name <= 'Z'))) {
            return err_set(err, ERR_PROTOCOL, "malformed SCRAM message: invalid attribute name");
        }
        int rc = scram_take(rest, (char)name, &value, err);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

uint32_t scram_parse_iterations(struct slice digits)
{
    uint32_t n = 0;

    if (digits.n == 0 || digits.n > 9 || digits.p[0] == '0') {
        return 0;
    }
    for (size_t i = 0; i < digits.n; i++) {
        if (digits.p[i] < '0' || digits.p[i] > '9') {
            return 0;
        }
        n = n * 10 + (uint32_t)(digits.p[i] - '0');
    }
    return n <= LIMIT_SCRAM_ITERATIONS ? n : 0;
}

void scram_append_gs2(struct buf *out, char flag)
{
    if (flag == 'p') {
        buf_append_slice(out, slice_str("p=tls-server-end-point,,"));
    } else {
        buf_printf(out, "%c,,", flag);
    }
}

void scram_append_binding(struct buf *out, char flag, const struct scram_binding *binding)
{
    struct buf raw = {0};

    scram_append_gs2(&raw, flag);
    if (flag == 'p') {
        buf_append(&raw, binding->data, binding->n);
    }
    base64_append(out, buf_slice(&raw));
    buf_release(&raw);
}
