// SPDX-License-Identifier: MIT
#include "secret/aws_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "secret/http.h"
#include "secret/json.h"
#include "secret/secret.h"
#include "secret/secret_ops.h"

#define MARGIN_S 120 /* before keys expire, others are fetched */

#define CONTAINER_HOST "http://169.254.170.2"
#define MACHINE_HOST   "http://169.254.169.254"
#define MACHINE_ROLES  "/latest/meta-data/iam/security-credentials/"

/* A place to look: 1 and keys, 0 where it is not in use here, or a negative code. */
typedef int (*place_fn)(const struct provider_config *provider, struct session *keys,
                        struct err *err);

/* A variable that is set and not empty, or NULL. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value == NULL || value[0] == '\0' ? NULL : value;
}

static void set_part(struct session *keys, enum aws_part part, const char *value)
{
    secure_free(keys->parts[part]);
    keys->parts[part] = value == NULL ? NULL : x_strdup(value);
}

static bool is_whole(const struct session *keys)
{
    return keys->parts[AWS_ACCESS_KEY] != NULL && keys->parts[AWS_SECRET_KEY] != NULL;
}

static int from_environment(const struct provider_config *provider, struct session *keys,
                            struct err *err)
{
    (void)err;
    if (provider->profile[0] != '\0' || variable("AWS_ACCESS_KEY_ID") == NULL ||
        variable("AWS_SECRET_ACCESS_KEY") == NULL) {
        return 0;
    }
    set_part(keys, AWS_ACCESS_KEY, variable("AWS_ACCESS_KEY_ID"));
    set_part(keys, AWS_SECRET_KEY, variable("AWS_SECRET_ACCESS_KEY"));
    set_part(keys, AWS_TOKEN, variable("AWS_SESSION_TOKEN"));
    return 1;
}

/* ---- the shared file ---- */

static struct slice trim(struct slice s)
{
    while (s.n > 0 && strchr(" \t\r", s.p[0]) != NULL) {
        s = slice_from(s, 1);
    }
    while (s.n > 0 && strchr(" \t\r", s.p[s.n - 1]) != NULL) {
        s.n--;
    }
    return s;
}

/* "[name]" begins a profile; is it this one? */
static bool is_head_of(struct slice line, const char *profile)
{
    size_t n = strlen(profile);

    return line.n == n + 2 && line.p[n + 1] == ']' && memcmp(line.p + 1, profile, n) == 0;
}

static void take_pair(struct slice line, struct session *keys)
{
    static const char *const names[SESSION_PARTS] = {"aws_access_key_id", "aws_secret_access_key",
                                                     "aws_session_token"};
    const uint8_t *equals = memchr(line.p, '=', line.n);

    if (equals == NULL) {
        return;
    }
    struct slice name = trim(slice_of(line.p, (size_t)(equals - line.p)));
    struct slice value = trim(slice_from(line, name.n == 0 ? 1 : (size_t)(equals - line.p) + 1));
    for (size_t i = 0; i < SESSION_PARTS; i++) {
        if (slice_eq_str(name, names[i]) && value.n > 0 && memchr(value.p, 0, value.n) == NULL) {
            secure_free(keys->parts[i]);
            keys->parts[i] = x_strndup(value);
        }
    }
}

bool aws_keys_parse_file(struct slice text, const char *profile, struct session *keys)
{
    bool inside = false;

    while (text.n > 0) {
        const uint8_t *end = memchr(text.p, '\n', text.n);
        size_t n = end == NULL ? text.n : (size_t)(end - text.p);
        struct slice line = trim(slice_of(text.p, n));
        text = slice_from(text, end == NULL ? n : n + 1);
        if (line.n == 0 || line.p[0] == '#' || line.p[0] == ';') {
            continue;
        }
        if (line.p[0] == '[') {
            inside = is_head_of(line, profile);
        } else if (inside) {
            take_pair(line, keys);
        }
    }
    if (!is_whole(keys)) {
        session_fini(keys);
        return false;
    }
    return true;
}

/* The profile that somebody asked for must be there; "default" need not. */
static int from_file(const struct provider_config *provider, struct session *keys, struct err *err)
{
    const char *named = variable("AWS_SHARED_CREDENTIALS_FILE");
    const char *asked = provider->profile[0] != '\0' ? provider->profile : variable("AWS_PROFILE");
    const char *home = variable("HOME");
    struct secret_ref ref = {.kind = SECRET_FILE};
    char *text = NULL;

    if (named == NULL && home == NULL) {
        return 0;
    }
    char *path = named != NULL ? x_strdup(named) : x_printf("%s/.aws/credentials", home);
    ref.value = path;
    int rc = secret_resolve(&ref, &text, err);
    if (rc == 0) {
        const char *profile = asked == NULL ? "default" : asked;
        rc = aws_keys_parse_file(slice_str(text), profile, keys);
        if (rc == 0 && asked != NULL) {
            rc = err_set(err, ERR_CONFIG, "%s: has no keys in profile \"%s\"", path, asked);
        }
    } else if (named == NULL && asked == NULL) {
        rc = 0;
    }
    secure_free(text);
    free(path);
    return rc;
}

/* ---- the endpoints ---- */

/* In a header, where a line break would begin another one. */
static bool is_one_line(const char *text)
{
    return text == NULL || strpbrk(text, "\r\n") == NULL;
}

static bool can_be_sent(const struct session *keys)
{
    return is_one_line(keys->parts[AWS_ACCESS_KEY]) && is_one_line(keys->parts[AWS_TOKEN]);
}

/* "2026-11-24T19:00:00Z"; 0, which is never, for anything else. */
static int64_t parse_time(const char *text)
{
    struct tm tm = {0};

    return text == NULL || strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) == NULL ? 0
                                                                            : (int64_t)timegm(&tm);
}

static int take_keys(const json_t *object, const char *token, struct session *keys, struct err *err)
{
    set_part(keys, AWS_ACCESS_KEY, json_text(object, "AccessKeyId"));
    set_part(keys, AWS_SECRET_KEY, json_text(object, "SecretAccessKey"));
    set_part(keys, AWS_TOKEN, json_text(object, token));
    const json_t *expires = json_object_get(object, "Expiration");
    keys->expires = json_is_number(expires) ? (int64_t)json_number_value(expires)
                                            : parse_time(json_string_value(expires));
    if (!is_whole(keys) || !can_be_sent(keys)) {
        session_fini(keys);
        return err_set(err, ERR_STORE, "the endpoint for credentials told no keys");
    }
    return 1;
}

/* Asks, again where the endpoint is too busy, and wants status 200. */
static int ask(const struct provider_config *provider, struct http_request *request,
               struct http_answer *answer, const char *what, struct err *err)
{
    request->timeout_ms = provider->timeout;
    for (int attempt = 0;; attempt++) {
        if (http_ask(request, answer, err) < 0) {
            break;
        }
        if (answer->status == 200) {
            return 0;
        }
        http_answer_fini(answer);
        bool busy = answer->status == 429 || answer->status >= 500;
        (void)http_refusal(err, busy ? ERR_STORE_DOWN : ERR_STORE, "it", answer, "");
        if (!busy || !http_again(attempt, answer, provider->timeout)) {
            break;
        }
    }
    err_wrap(err, "%s", what);
    return err->code;
}

static int take_answer(struct http_answer *answer, const char *token, struct session *keys,
                       struct err *err)
{
    json_t *object = json_object_of(http_body(answer), err);
    int rc = object == NULL ? err->code : take_keys(object, token, keys, err);

    json_decref(object);
    http_answer_fini(answer);
    return rc;
}

/* The header by which a container's endpoint knows us; to be freed, NULL for none. */
static int container_token(char **header, struct err *err)
{
    const char *path = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *token = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    char *text = NULL;

    *header = NULL;
    if (path != NULL) {
        int rc = secret_token_read(path, &text, err);
        if (rc < 0) {
            return rc;
        }
    } else if (token != NULL) {
        text = x_strdup(token);
    }
    int rc = is_one_line(text) ? 0 : err_set(err, ERR_CONFIG, "the token holds a line break");
    if (text != NULL && rc == 0) {
        *header = x_printf("Authorization: %s", text);
    }
    secure_free(text);
    return rc;
}

static int from_container(const struct provider_config *provider, struct session *keys,
                          struct err *err)
{
    const char *relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    struct http_answer answer;
    char *header = NULL;

    if (relative == NULL && full == NULL) {
        return 0;
    }
    if (container_token(&header, err) < 0) {
        return err->code;
    }
    char *url = relative != NULL ? x_printf("%s%s", CONTAINER_HOST, relative) : x_strdup(full);
    struct http_request request = {.method = "GET", .url = url, .headers = {header}, .near = true};
    int rc = ask(provider, &request, &answer, "credentials of the container", err);
    rc = rc < 0 ? rc : take_answer(&answer, "Token", keys, err);
    free(url);
    secure_free(header);
    return rc;
}

/* The machine's role has a name, which is asked for first. */
static int ask_machine(const struct provider_config *provider, const char *host, const char *header,
                       struct session *keys, struct err *err)
{
    struct http_answer answer;
    char *url = x_printf("%s%s", host, MACHINE_ROLES);
    struct http_request request = {.method = "GET", .url = url, .headers = {header}, .near = true};
    int rc = ask(provider, &request, &answer, "role of the machine", err);

    free(url);
    if (rc < 0) {
        return rc;
    }
    struct buf path = {0};
    buf_printf(&path, "%s%s", host, MACHINE_ROLES);
    if (answer.body != NULL) {
        answer.body[strcspn(answer.body, "\r\n")] = '\0';
        http_escape(&path, answer.body, "+=,@");
    }
    buf_append_u8(&path, 0);
    http_answer_fini(&answer);
    request.url = (const char *)path.p;
    rc = ask(provider, &request, &answer, "credentials of the machine", err);
    rc = rc < 0 ? rc : take_answer(&answer, "Token", keys, err);
    buf_release(&path);
    return rc;
}

static int from_machine(const struct provider_config *provider, struct session *keys,
                        struct err *err)
{
    const char *disabled = variable("AWS_EC2_METADATA_DISABLED");
    const char *host = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    struct http_answer answer;

    if (disabled != NULL && strcmp(disabled, "true") == 0) {
        return 0;
    }
    host = host == NULL ? MACHINE_HOST : host;
    char *url = x_printf("%s/latest/api/token", host);
    struct http_request request = {.method = "PUT",
                                   .url = url,
                                   .headers = {"X-aws-ec2-metadata-token-ttl-seconds: 300"},
                                   .near = true};
    int rc = ask(provider, &request, &answer, "token of the machine", err);
    free(url);
    if (rc < 0) {
        return rc;
    }
    if (!is_one_line(answer.body)) {
        http_answer_fini(&answer);
        return err_set(err, ERR_STORE, "the token of the machine holds a line break");
    }
    char *header = x_printf("X-aws-ec2-metadata-token: %s", answer.body == NULL ? "" : answer.body);
    http_answer_fini(&answer);
    rc = ask_machine(provider, host, header, keys, err);
    secure_free(header);
    return rc;
}

/* ---- a pod's service account ---- */

static void add_field(struct buf *form, const char *name, const char *value)
{
    buf_printf(form, "%s%s=", buf_size(form) > 0 ? "&" : "", name);
    http_escape(form, value, "");
}

static int take_identity(struct http_answer *answer, struct session *keys, struct err *err)
{
    json_t *object = json_object_of(http_body(answer), err);
    const json_t *at = json_object_get(object, "AssumeRoleWithWebIdentityResponse");

    at = json_object_get(at, "AssumeRoleWithWebIdentityResult");
    int rc = object == NULL
                 ? err->code
                 : take_keys(json_object_get(at, "Credentials"), "SessionToken", keys, err);
    json_decref(object);
    http_answer_fini(answer);
    return rc;
}

static int assume_role(const struct provider_config *provider, const char *role, const char *token,
                       struct session *keys, struct err *err)
{
    const char *endpoint = variable("AWS_ENDPOINT_URL_STS");
    const char *name = variable("AWS_ROLE_SESSION_NAME");
    struct http_answer answer;
    struct buf form = {0};
    char *url = endpoint != NULL ? x_strdup(endpoint)
                                 : x_printf("https://sts.%s.amazonaws.com/", provider->region);

    add_field(&form, "Action", "AssumeRoleWithWebIdentity");
    add_field(&form, "Version", "2011-06-15");
    add_field(&form, "RoleArn", role);
    add_field(&form, "RoleSessionName", name == NULL ? "fahrend" : name);
    add_field(&form, "WebIdentityToken", token);
    struct http_request request = {
        .method = "POST",
        .url = url,
        .headers = {"Content-Type: application/x-www-form-urlencoded", "Accept: application/json"},
        .ca = provider->ca,
        .body = buf_slice(&form)};
    int rc = ask(provider, &request, &answer, "AssumeRoleWithWebIdentity", err);
    rc = rc < 0 ? rc : take_identity(&answer, keys, err);
    buf_release_secret(&form);
    free(url);
    return rc;
}

static int from_web_identity(const struct provider_config *provider, struct session *keys,
                             struct err *err)
{
    const char *role = variable("AWS_ROLE_ARN");
    const char *path = variable("AWS_WEB_IDENTITY_TOKEN_FILE");
    char *token = NULL;

    if (role == NULL || path == NULL || provider->profile[0] != '\0') {
        return 0;
    }
    int rc = secret_token_read(path, &token, err);
    rc = rc < 0 ? rc : assume_role(provider, role, token, keys, err);
    secure_free(token);
    return rc;
}

int aws_keys_get(struct sessions *sessions, const struct provider_config *provider,
                 struct session *keys, struct err *err)
{
    static const place_fn places[] = {from_environment, from_web_identity, from_file,
                                      from_container, from_machine};

    *keys = (struct session){0};
    if (sessions_get(sessions, provider, MARGIN_S, keys)) {
        return 0;
    }
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        int rc = places[i](provider, keys, err);
        if (rc < 0) {
            err_wrap(err, "no credentials");
            return rc;
        }
        if (rc > 0) {
            sessions_put(sessions, provider, keys);
            return 0;
        }
    }
    return err_set(err, ERR_STORE,
                   "no credentials: not in the environment, in a file, of a container or machine");
}
