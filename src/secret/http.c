// SPDX-License-Identifier: MIT
#include "secret/http.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>
#include <openssl/ssl.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/rand.h"
#include "secret/cleared.h"

#define PAUSE_MS        100  /* before the second attempt */
#define RETRY_AFTER_MAX 3600 /* seconds: nobody means more */

static void begin(void)
{
    (void)curl_global_init_mem(CURL_GLOBAL_ALL, cleared_malloc, cleared_free, cleared_realloc,
                               cleared_strdup, cleared_calloc);
}

void http_begin(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, begin);
}

/* libcurl's: what came is added; a return other than the size ends the transfer. */
static size_t on_body(char *bytes, size_t size, size_t count, void *data)
{
    struct http_answer *answer = data;
    size_t n = size * count;

    if (n > HTTP_ANSWER_MAX - answer->size) {
        return 0;
    }
    char *grown = cleared_realloc(answer->body, answer->size + n + 1);
    if (grown == NULL) {
        return 0;
    }
    memcpy(grown + answer->size, bytes, n);
    answer->body = grown;
    answer->size += n;
    grown[answer->size] = '\0';
    return n;
}

/* libcurl's, before it connects. OpenSSL takes a record apart where it was read, and frees that
 * buffer as it is: what came would stay in memory for as long as nobody overwrites it. */
static CURLcode on_tls(CURL *curl, void *context, void *data)
{
    (void)curl;
    (void)data;
    (void)SSL_CTX_set_options(context, SSL_OP_CLEANSE_PLAINTEXT);
    return CURLE_OK;
}

static struct curl_slist *list_headers(const struct http_request *request)
{
    struct curl_slist *list = NULL;

    for (size_t i = 0; i < HTTP_HEADERS && request->headers[i] != NULL; i++) {
        list = curl_slist_append(list, request->headers[i]);
    }
    return list;
}

static void set_body(CURL *curl, const struct http_request *request)
{
    if (strcmp(request->method, "GET") != 0 && request->body.n > 0) {
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)request->body.n);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)request->body.p);
    } else if (strcmp(request->method, "POST") == 0) {
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, 0L);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
    }
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
}

static void set_options(CURL *curl, const struct http_request *request, struct http_answer *answer)
{
    (void)curl_easy_setopt(curl, CURLOPT_URL, request->url);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                           request->near ? 1000L : (long)HTTP_CONNECT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    (void)curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, on_tls);
    if (request->ca != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO, request->ca);
    }
    if (request->near) {
        (void)curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    }
    if (request->sigv4 != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, request->sigv4);
        (void)curl_easy_setopt(curl, CURLOPT_USERNAME, request->access_key);
        (void)curl_easy_setopt(curl, CURLOPT_PASSWORD, request->secret_key);
    }
    set_body(curl, request);
}

/* "https://host:8200" of a URL: what may stand in a message. */
static void host_of(const char *url, char *out, size_t cap)
{
    const char *host = strstr(url, "://");
    const char *from = host == NULL ? url : host + 3;
    size_t n = strcspn(from, "/?#");
    const char *at = memchr(from, '@', n); /* a password before it would be told */

    if (at != NULL) {
        n -= (size_t)(at + 1 - from);
        from = at + 1;
    }
    (void)snprintf(out, cap, "%.*s", (int)n, from);
}

/* One request while libcurl has it. */
struct asking {
    const struct http_request *request;
    struct http_answer *answer;
    char why[CURL_ERROR_SIZE]; /* libcurl's own words, where it has some; of what went wrong only */
};

static int fail(const struct asking *asking, CURLcode code, struct err *err)
{
    const struct http_request *request = asking->request;
    char host[128];
    char why[160];

    host_of(request->url, host, sizeof host);
    http_words(asking->why[0] == '\0' ? curl_easy_strerror(code) : asking->why, why, sizeof why);
    switch ((int)code) {
    case CURLE_WRITE_ERROR:
        return err_set(err, ERR_STORE, "%s: the answer is larger than %d bytes", host,
                       HTTP_ANSWER_MAX);
    case CURLE_OPERATION_TIMEDOUT:
        return err_set(err, ERR_STORE_DOWN, "%s: did not answer within %lld ms", host,
                       (long long)request->timeout_ms);
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
        return err_set(err, ERR_STORE_DOWN, "%s: the connection ended before the answer did", host);
    default:
        return err_set(err, ERR_STORE_DOWN, "%s: %s", host, why);
    }
}

/* What an answer says beside its body. */
static void note_head(CURL *curl, struct http_answer *answer)
{
    const char *to = NULL;
    curl_off_t seconds = 0;

    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
    (void)curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &seconds);
    (void)curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &to);
    answer->retry_after = seconds < 0 ? 0 : seconds > RETRY_AFTER_MAX ? RETRY_AFTER_MAX : seconds;
    if (to != NULL) {
        char host[sizeof answer->redirect];
        host_of(to, host, sizeof host);
        http_words(host, answer->redirect, sizeof answer->redirect);
    }
}

int http_ask(const struct http_request *request, struct http_answer *answer, struct err *err)
{
    struct asking asking = {.request = request, .answer = answer};

    http_begin();
    *answer = (struct http_answer){0};
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = list_headers(request);
    if (curl == NULL || (headers == NULL && request->headers[0] != NULL)) {
        curl_slist_free_all(headers);
        curl_easy_cleanup(curl);
        return err_set(err, ERR_STORE, "out of memory");
    }
    set_options(curl, request, answer);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, asking.why);
    CURLcode code = curl_easy_perform(curl);
    note_head(curl, answer);
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    if (code != CURLE_OK) {
        int rc = fail(&asking, code, err);
        http_answer_fini(answer);
        return rc;
    }
    return 0;
}

void http_answer_fini(struct http_answer *answer)
{
    cleared_free(answer->body);
    answer->body = NULL;
    answer->size = 0;
}

bool http_again(int attempt, const struct http_answer *answer, int64_t timeout_ms)
{
    int64_t ms = (int64_t)PAUSE_MS << attempt;
    int64_t asked = (int64_t)answer->retry_after * 1000;
    struct timespec pause;

    if (attempt + 1 >= HTTP_ATTEMPTS || asked > timeout_ms) {
        return false;
    }
    ms += asked + (int64_t)(rand_u32() % (uint32_t)ms);
    pause = (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&pause, NULL); /* shorter does no harm */
    return true;
}

int http_refusal(struct err *err, int code, const char *who, const struct http_answer *answer,
                 const char *words)
{
    char more[160] = "";

    if (answer->redirect[0] != '\0') {
        (void)snprintf(more, sizeof more, "; it sends us to %s, where we do not go",
                       answer->redirect);
    } else if (answer->retry_after > 0) {
        (void)snprintf(more, sizeof more, "; it wants to be asked in %ld s", answer->retry_after);
    }
    return err_set(err, code, "%s answers %ld%s%s", who, answer->status, words, more);
}

void http_words(const char *said, char *out, size_t cap)
{
    size_t n = 0;

    for (; n + 1 < cap && said[n] != '\0' && said[n] != '\n' && said[n] != '\r'; n++) {
        out[n] = said[n] >= 0x20 && said[n] < 0x7F ? said[n] : '?';
    }
    out[n] = '\0';
}

void http_escape(struct buf *out, const char *text, const char *keep)
{
    static const char free[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (; *text != '\0'; text++) {
        if (strchr(free, *text) != NULL || strchr(keep, *text) != NULL) {
            buf_append_u8(out, (uint8_t)*text);
        } else {
            buf_printf(out, "%%%02X", (unsigned char)*text);
        }
    }
}
