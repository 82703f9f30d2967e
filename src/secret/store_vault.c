// SPDX-License-Identifier: MIT
//
// HashiCorp Vault, its key/value engine of version 2. We come with a token, which is renewed when
// half of its lease has passed, or log in as a Kubernetes service account or by AppRole, and again
// when Vault refuses the token that it gave. A password that we write is the field `password`; what
// is read without a field is that one, or the only one. Errors are Vault's own, by their first
// line.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "secret/http.h"
#include "secret/json.h"
#include "secret/secret_ops.h"
#include "secret/sessions.h"
#include "secret/store_ops.h"

#define PASSWORD_FIELD "password"
#define MARGIN_S       30   /* before a token of ours ends, another is fetched */
#define RENEW_S        3600 /* until a token that cannot be renewed is tried again */

/* One request to Vault. */
struct ask {
    const char *method;
    const char *path;  /* behind /v1/ */
    const char *token; /* NULL: not needed */
    struct slice body;
};

static const char *namespace_of(const struct store_call *call)
{
    return call->provider->ns;
}

static bool is_busy(long status)
{
    return status == 412 || status == 429 || status == 472 || status == 473 || status >= 500;
}

static int code_of(long status)
{
    return status == 404 ? ERR_NO_SECRET : is_busy(status) ? ERR_STORE_DOWN : ERR_STORE;
}

static void say(const struct http_answer *answer, struct err *err)
{
    char words[200] = "";
    struct err ignored;

    json_t *object = json_object_of(http_body(answer), &ignored);
    const char *text = json_string_value(json_array_get(json_object_get(object, "errors"), 0));
    http_words(text == NULL ? "" : text, words, sizeof words);
    json_decref(object);
    char said[210];
    (void)snprintf(said, sizeof said, "%s%s", words[0] == '\0' ? "" : ": ", words);
    (void)http_refusal(err, code_of(answer->status), "Vault", answer, said);
}

static int send(const struct store_call *call, const struct ask *ask, struct http_answer *answer,
                struct err *err)
{
    char *url = x_printf("%s/v1/%s", call->provider->address, ask->path);
    char *token = ask->token == NULL ? NULL : x_printf("X-Vault-Token: %s", ask->token);
    char *ns = namespace_of(call)[0] == '\0'
                   ? NULL
                   : x_printf("X-Vault-Namespace: %s", namespace_of(call));
    struct http_request request = {
        .method = ask->method,
        .url = url,
        .headers = {"X-Vault-Request: true", "Content-Type: application/json"},
        .body = ask->body,
        .timeout_ms = call->provider->timeout,
        .ca = call->provider->ca};
    size_t n = 2;

    if (token != NULL) {
        request.headers[n++] = token;
    }
    if (ns != NULL) {
        request.headers[n++] = ns;
    }
    int rc = http_ask(&request, answer, err);
    secure_free(token);
    free(ns);
    free(url);
    return rc;
}

/* Tried again while Vault is busy. Returns 0 with a good answer, which is the caller's; or a
 * negative code with *status the last one, 0 for none. */
static int ask_vault(const struct store_call *call, const struct ask *ask,
                     struct http_answer *answer, long *status, struct err *err)
{
    *status = 0;
    for (int attempt = 0;; attempt++) {
        int rc = send(call, ask, answer, err);
        if (rc < 0) {
            return rc;
        }
        *status = answer->status;
        if (answer->status >= 200 && answer->status < 300) {
            return 0;
        }
        say(answer, err);
        http_answer_fini(answer);
        store_note_rest(call, answer);
        if (!is_busy(*status) || !http_again(attempt, answer, call->provider->timeout)) {
            return err->code;
        }
    }
}

/* ---- the token ---- */

/* {auth: {client_token, lease_duration}}; the token is kept. */
static int take_token(const struct store_call *call, const struct http_answer *answer,
                      struct session *session, struct err *err)
{
    json_t *object = json_object_of(http_body(answer), err);
    const json_t *auth = json_object_get(object, "auth");
    const char *token = json_text(auth, "client_token");
    int64_t lease = (int64_t)json_integer_value(json_object_get(auth, "lease_duration"));

    if (token == NULL || strpbrk(token, "\r\n") != NULL) {
        json_decref(object);
        return err_set(err, ERR_STORE, "the answer of Vault to the login has no token");
    }
    session->parts[0] = x_strdup(token);
    session->expires = lease <= 0 ? 0 : (int64_t)time(NULL) + lease;
    sessions_put(store_sessions(call), call->provider, session);
    json_decref(object);
    return 0;
}

/* What proves who we are; NULL with err set. To be freed with secure_free. */
static char *login_body(const struct store_call *call, struct err *err)
{
    const struct provider_config *p = call->provider;
    char *text = NULL;

    json_begin();
    if (p->login == VAULT_KUBERNETES && secret_token_read(p->jwt_file, &text, err) < 0) {
        return NULL;
    }
    json_t *body = json_object();
    if (p->login == VAULT_KUBERNETES) {
        (void)json_object_set_new(body, "role", json_string(p->role));
        (void)json_object_set_new(body, "jwt", json_string(text));
    } else {
        const char *secret = store_own(call, &p->secret_id);
        (void)json_object_set_new(body, "role_id", json_string(store_own(call, &p->role_id)));
        if (secret != NULL) {
            (void)json_object_set_new(body, "secret_id", json_string(secret));
        }
    }
    secure_free(text);
    return json_print(body);
}

static int log_in(const struct store_call *call, struct session *session, struct err *err)
{
    const struct provider_config *p = call->provider;
    const char *kind = p->login == VAULT_KUBERNETES ? "kubernetes" : "approle";
    struct http_answer answer;
    long status;

    char *body = login_body(call, err);
    if (body == NULL) {
        err_wrap(err, "login");
        return err->code;
    }
    char *path = x_printf("auth/%s/login", p->login_mount[0] == '\0' ? kind : p->login_mount);
    struct ask ask = {.method = "POST", .path = path, .body = slice_str(body)};
    int rc = ask_vault(call, &ask, &answer, &status, err);
    if (rc == 0) {
        rc = take_token(call, &answer, session, err);
        http_answer_fini(&answer);
    }
    if (rc == ERR_NO_SECRET) { /* it is not the secret that is missing */
        err->code = rc = ERR_STORE;
    }
    if (rc < 0) {
        err_wrap(err, "login by %s", kind);
    }
    free(path);
    secure_free(body);
    return rc;
}

/* Makes the configured token live longer, where Vault lets it; remembers for how long not to ask
 * again. */
static void renew(const struct store_call *call, struct session *session)
{
    struct ask ask = {.method = "POST",
                      .path = "auth/token/renew-self",
                      .token = session->parts[0],
                      .body = slice_str("{}")};
    struct http_answer answer;
    struct err ignored;
    int64_t lease = 0;

    if (send(call, &ask, &answer, &ignored) == 0) {
        json_t *object = json_object_of(http_body(&answer), &ignored);
        const json_t *auth = json_object_get(object, "auth");
        lease = (int64_t)json_integer_value(json_object_get(auth, "lease_duration"));
        json_decref(object);
        http_answer_fini(&answer);
    }
    session->expires = (int64_t)time(NULL) + (lease > 0 ? lease / 2 + 1 : RENEW_S);
    sessions_put(store_sessions(call), call->provider, session);
}

static int get_token(const struct store_call *call, struct session *session, struct err *err)
{
    const struct provider_config *p = call->provider;

    *session = (struct session){0};
    if (p->login != VAULT_TOKEN) {
        return sessions_get(store_sessions(call), p, MARGIN_S, session)
                   ? 0
                   : log_in(call, session, err);
    }
    const char *token = store_own(call, &p->token);
    if (sessions_get(store_sessions(call), p, 0, session) &&
        strcmp(session->parts[0], token) == 0) {
        return 0;
    }
    session_fini(session);
    session->parts[0] = x_strdup(token);
    renew(call, session);
    return 0;
}

/* ---- secrets ---- */

/* A request about the secret, with a token; once more after another login where it is refused. */
static int ask_secret(const struct store_call *call, struct ask *ask, struct http_answer *answer,
                      struct err *err)
{
    for (bool again = false;; again = true) {
        struct session session;
        long status;
        if (get_token(call, &session, err) < 0) {
            return err->code;
        }
        ask->token = session.parts[0];
        int rc = ask_vault(call, ask, answer, &status, err);
        if (status == 403) {
            sessions_drop(store_sessions(call), call->provider, &session);
        }
        session_fini(&session);
        if (status != 403 || again || call->provider->login == VAULT_TOKEN) {
            return rc;
        }
    }
}

/* Paths must mean what they say: no step up, no empty step. */
static int check_steps(const char *id, struct err *err)
{
    for (const char *step = id;; step++) {
        size_t n = strcspn(step, "/");
        if (n == 0 || (n == 1 && step[0] == '.') || (n == 2 && memcmp(step, "..", 2) == 0)) {
            return err_set(err, ERR_CONFIG, "is no path of a secret");
        }
        step += n;
        if (*step == '\0') {
            return 0;
        }
    }
}

/* "kv/data/fahrend/tenant_acme", or metadata; NULL with err set. To be freed. */
static char *secret_path(const struct store_call *call, const char *what, struct err *err)
{
    struct buf path = {0};

    if (check_steps(call->key->id, err) < 0) {
        return NULL;
    }
    buf_printf(&path, "%s/%s/", call->provider->mount, what);
    http_escape(&path, call->provider->prefix, "/");
    http_escape(&path, call->key->id, "/");
    buf_append_u8(&path, 0);
    return (char *)path.p;
}

/* The one field that is meant where none is named. */
static int take_password(json_t *fields, char **out, struct err *err)
{
    const char *value = json_text(fields, PASSWORD_FIELD);

    if (value == NULL && json_object_size(fields) == 1) {
        value = json_string_value(json_object_iter_value(json_object_iter(fields)));
    }
    return value == NULL ? err_set(err, ERR_CONFIG,
                                   "has no field \"" PASSWORD_FIELD
                                   "\", and more than one or none that is a text")
                         : secret_take(value, strlen(value), out, err);
}

static int take_fields(const struct store_call *call, const struct http_answer *answer, char **out,
                       struct err *err)
{
    json_t *object = json_object_of(http_body(answer), err);

    if (object == NULL) {
        err_wrap(err, "the answer of Vault");
        return err->code;
    }
    json_t *fields = json_object_get(json_object_get(object, "data"), "data");
    int rc = 0;
    if (!json_is_object(fields)) {
        rc = err_set(err, ERR_STORE, "the answer of Vault has no data: is \"%s\" of version 2?",
                     call->provider->mount);
    } else if (call->key->field != NULL) {
        *out = json_print(json_incref(fields)); /* store.c picks the field */
    } else {
        rc = take_password(fields, out, err);
    }
    json_decref(object);
    return rc;
}

static int read_secret(const struct store_call *call, char **out, struct err *err)
{
    struct http_answer answer;
    char *path = secret_path(call, "data", err);

    if (path == NULL) {
        return err->code;
    }
    struct ask ask = {.method = "GET", .path = path};
    int rc = ask_secret(call, &ask, &answer, err);
    if (rc == 0) {
        rc = take_fields(call, &answer, out, err);
        http_answer_fini(&answer);
    }
    free(path);
    return rc;
}

static int write_secret(const struct store_call *call, const char *value, struct err *err)
{
    struct http_answer answer;
    char *path = secret_path(call, "data", err);

    if (path == NULL) {
        return err->code;
    }
    json_begin();
    json_t *fields = json_object();
    json_t *body = json_object();
    (void)json_object_set_new(fields, PASSWORD_FIELD, json_string(value));
    (void)json_object_set_new(body, "data", fields);
    char *text = json_print(body);
    struct ask ask = {.method = "POST", .path = path, .body = slice_str(text)};
    int rc = ask_secret(call, &ask, &answer, err);
    if (rc == 0) {
        http_answer_fini(&answer);
    }
    secure_free(text);
    free(path);
    return rc;
}

/* With all its versions. */
static int delete_secret(const struct store_call *call, struct err *err)
{
    struct http_answer answer;
    char *path = secret_path(call, "metadata", err);

    if (path == NULL) {
        return err->code;
    }
    struct ask ask = {.method = "DELETE", .path = path};
    int rc = ask_secret(call, &ask, &answer, err);
    if (rc == 0) {
        http_answer_fini(&answer);
    }
    free(path);
    return rc;
}

const struct store_ops store_vault_ops = {.type = "vault",
                                          .remembered = true,
                                          .read = read_secret,
                                          .write = write_secret,
                                          .remove = delete_secret};
