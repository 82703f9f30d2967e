// SPDX-License-Identifier: MIT
//
// AWS Secrets Manager: four of its calls, each a POST of JSON signed by libcurl. What AWS is too
// busy for is tried again a few times with growing pauses; keys that have expired are fetched
// again, once. Errors are AWS's own type and the first line of its message: the lines behind it, of
// a wrong signature, hold the session's token. A secret marked for deletion is none, and writing
// restores it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/encode.h"
#include "base/rand.h"
#include "secret/aws_keys.h"
#include "secret/http.h"
#include "secret/json.h"
#include "secret/secret.h"
#include "secret/secret_ops.h"
#include "secret/store_ops.h"

#define RECOVERY_DAYS 7 /* for which AWS keeps what was deleted: the least that it allows */

/* What an answer means. */
enum outcome {
    DONE,
    FAILED,
    MISSING, /* no such secret */
    DELETED, /* marked for deletion */
    EXISTS,  /* made meanwhile */
    BUSY,    /* again, later */
    EXPIRED, /* again, with other keys */
};

static bool begins(const char *text, const char *word)
{
    return strncmp(text, word, strlen(word)) == 0;
}

static enum outcome outcome_of(long status, const char *type)
{
    static const struct {
        const char *type;
        enum outcome outcome;
    } known[] = {
        {"ResourceNotFoundException", MISSING},
        {"InvalidRequestException", DELETED},
        {"ResourceExistsException", EXISTS},
        {"Throttling", BUSY},
        {"TooManyRequestsException", BUSY},
        {"RequestLimitExceeded", BUSY},
        {"ExpiredToken", EXPIRED},
        {"UnrecognizedClientException", EXPIRED},
        {"InvalidClientTokenId", EXPIRED},
        {"RequestExpired", EXPIRED},
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (begins(type, known[i].type)) {
            return known[i].outcome;
        }
    }
    return status == 200 ? DONE : status == 429 || status >= 500 ? BUSY : FAILED;
}

static int code_of(enum outcome outcome)
{
    return outcome == MISSING ? ERR_NO_SECRET : outcome == BUSY ? ERR_STORE_DOWN : ERR_STORE;
}

/* Says what AWS said: its type, which may have a name before a '#', and the message. */
static enum outcome judge(const struct http_answer *answer, struct err *err)
{
    char type[80] = "";
    char words[200] = "";
    struct err ignored;

    json_t *object = json_object_of(http_body(answer), &ignored);
    const char *full = json_text(object, "__type");
    const char *message = json_text(object, "message");
    message = message == NULL ? json_text(object, "Message") : message;
    if (full != NULL) {
        const char *hash = strrchr(full, '#');
        http_words(hash == NULL ? full : hash + 1, type, sizeof type);
    }
    http_words(message == NULL ? "" : message, words, sizeof words);
    json_decref(object);
    enum outcome outcome = outcome_of(answer->status, type);
    if (outcome == DONE) {
        return DONE;
    }
    char said[300];
    (void)snprintf(said, sizeof said, "%s%s%s%s", type[0] == '\0' ? "" : " ", type,
                   words[0] == '\0' ? "" : ": ", words);
    (void)http_refusal(err, code_of(outcome), "AWS", answer, said);
    return outcome;
}

/* One signed request, whatever comes of it. */
static int send(const struct store_call *call, const char *action, struct slice body,
                const struct session *keys, struct http_answer *answer, struct err *err)
{
    const struct provider_config *p = call->provider;
    const char *token = keys->parts[AWS_TOKEN];
    char *url = p->endpoint[0] != '\0'
                    ? x_printf("%s/", p->endpoint)
                    : x_printf("https://secretsmanager.%s.amazonaws.com/", p->region);
    char *target = x_printf("X-Amz-Target: secretsmanager.%s", action);
    char *sigv4 = x_printf("aws:amz:%s:secretsmanager", p->region);
    char *token_header = token == NULL ? NULL : x_printf("X-Amz-Security-Token: %s", token);
    struct http_request request = {
        .method = "POST",
        .url = url,
        .headers = {"Content-Type: application/x-amz-json-1.1", target, token_header},
        .body = body,
        .timeout_ms = p->timeout,
        .ca = p->ca,
        .sigv4 = sigv4,
        .access_key = keys->parts[AWS_ACCESS_KEY],
        .secret_key = keys->parts[AWS_SECRET_KEY]};

    int rc = http_ask(&request, answer, err);
    secure_free(token_header);
    free(sigv4);
    free(target);
    free(url);
    return rc;
}

/* One call, tried as often as makes sense. The answer is the caller's where it is DONE. */
static enum outcome ask(const struct store_call *call, const char *action, struct slice body,
                        struct http_answer *answer, struct err *err)
{
    enum outcome outcome = FAILED;
    bool renewed = false;

    for (int attempt = 0; attempt < HTTP_ATTEMPTS; attempt++) {
        struct session keys;
        if (aws_keys_get(store_sessions(call), call->provider, &keys, err) < 0) {
            return FAILED;
        }
        int rc = send(call, action, body, &keys, answer, err);
        outcome = rc < 0 ? FAILED : judge(answer, err);
        if (outcome == EXPIRED) {
            sessions_drop(store_sessions(call), call->provider, &keys);
        }
        session_fini(&keys);
        if (outcome == DONE) {
            return DONE;
        }
        http_answer_fini(answer);
        store_note_rest(call, answer);
        if (outcome == EXPIRED
                ? renewed
                : outcome != BUSY || !http_again(attempt, answer, call->provider->timeout)) {
            break;
        }
        renewed = renewed || outcome == EXPIRED;
    }
    err_wrap(err, "%s", action);
    return outcome;
}

/* The same for a call whose answer tells nothing more. Consumes the body. */
static enum outcome tell(const struct store_call *call, const char *action, json_t *body,
                         struct err *err)
{
    struct http_answer answer;
    char *text = json_print(body);
    enum outcome outcome = ask(call, action, slice_str(text), &answer, err);

    if (outcome == DONE) {
        http_answer_fini(&answer);
    }
    secure_free(text);
    return outcome;
}

/* {name: prefix and id}, to which more is added. */
static json_t *body_with(const struct store_call *call, const char *name)
{
    json_begin();
    json_t *body = json_object();
    char *id = x_printf("%s%s", call->provider->prefix, call->key->id);

    (void)json_object_set_new(body, name, json_string(id));
    free(id);
    return body;
}

static json_t *body_with_value(const struct store_call *call, const char *name, const char *value,
                               const char *once)
{
    json_t *body = body_with(call, name);

    (void)json_object_set_new(body, "SecretString", json_string(value));
    (void)json_object_set_new(body, "ClientRequestToken", json_string(once));
    return body;
}

/* The names that AWS allows. */
static int check_name(const struct store_call *call, struct err *err)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_+=.@-:";
    const char *id = call->key->id;

    return id[strspn(id, allowed)] == '\0'
               ? 0
               : err_set(err, ERR_CONFIG, "is no name that AWS Secrets Manager allows");
}

static int take_binary(const char *text, char **out, struct err *err)
{
    size_t cap = strlen(text) / 4 * 3 + 3;
    uint8_t *bytes = x_alloc(cap);
    ptrdiff_t n = base64_decode(slice_str(text), bytes, cap);
    int rc = n < 0 ? err_set(err, ERR_STORE, "AWS tells a binary secret that is no base64")
                   : secret_take((const char *)bytes, (size_t)n, out, err);

    secure_zero(bytes, cap);
    free(bytes);
    return rc;
}

static int take_value(const struct http_answer *answer, char **out, struct err *err)
{
    json_t *object = json_object_of(http_body(answer), err);

    if (object == NULL) {
        err_wrap(err, "the answer of AWS");
        return err->code;
    }
    const char *text = json_text(object, "SecretString");
    const char *binary = json_text(object, "SecretBinary");
    int rc = text != NULL     ? secret_take(text, strlen(text), out, err)
             : binary != NULL ? take_binary(binary, out, err)
                              : err_set(err, ERR_STORE, "the answer of AWS has no SecretString");
    json_decref(object);
    return rc;
}

static int read_secret(const struct store_call *call, char **out, struct err *err)
{
    struct http_answer answer;

    if (check_name(call, err) < 0) {
        return err->code;
    }
    char *body = json_print(body_with(call, "SecretId"));
    enum outcome outcome = ask(call, "GetSecretValue", slice_str(body), &answer, err);
    free(body);
    if (outcome == DONE) {
        int rc = take_value(&answer, out, err);
        http_answer_fini(&answer);
        return rc;
    }
    if (outcome == DELETED) {
        err->code = ERR_NO_SECRET;
    }
    return err->code;
}

/* A new version of a secret, which is made or restored where that is needed. The token makes a call
 * that is repeated the same call to AWS. */
static int write_secret(const struct store_call *call, const char *value, struct err *err)
{
    char token[33];
    uint8_t bytes[16];

    if (check_name(call, err) < 0) {
        return err->code;
    }
    rand_bytes(bytes, sizeof bytes);
    hex_encode(slice_of(bytes, sizeof bytes), token);
    enum outcome outcome =
        tell(call, "PutSecretValue", body_with_value(call, "SecretId", value, token), err);
    if (outcome == MISSING) {
        outcome = tell(call, "CreateSecret", body_with_value(call, "Name", value, token), err);
    } else if (outcome == DELETED) {
        outcome = tell(call, "RestoreSecret", body_with(call, "SecretId"), err);
        outcome = outcome == DONE ? EXISTS : outcome;
    }
    if (outcome == EXISTS) {
        outcome =
            tell(call, "PutSecretValue", body_with_value(call, "SecretId", value, token), err);
    }
    return outcome == DONE ? 0 : err->code;
}

static int delete_secret(const struct store_call *call, struct err *err)
{
    if (check_name(call, err) < 0) {
        return err->code;
    }
    json_t *body = body_with(call, "SecretId");
    (void)json_object_set_new(body, "RecoveryWindowInDays", json_integer(RECOVERY_DAYS));
    enum outcome outcome = tell(call, "DeleteSecret", body, err);
    return outcome == DONE || outcome == MISSING || outcome == DELETED ? 0 : err->code;
}

const struct store_ops store_aws_ops = {.type = "aws-secrets-manager",
                                        .remembered = true,
                                        .read = read_secret,
                                        .write = write_secret,
                                        .remove = delete_secret};
