// SPDX-License-Identifier: MIT
#include "judge/judge.h"

#ifdef FAHREND_PAM

#include <security/pam_appl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* PostgreSQL's own, so that a file of rules means the same here. */
#define DEFAULT_SERVICE "postgresql"

bool judge_has_pam(void)
{
    return true;
}

/* The library frees what is answered with free. */
static char *copy(const char *text)
{
    return strdup(text);
}

/* A question that is not for the password has no answer here. */
static int converse(int count, const struct pam_message **messages, struct pam_response **responses,
                    void *data)
{
    const struct judge_question *question = data;
    struct pam_response *out;

    if (count <= 0 || count > PAM_MAX_NUM_MSG) {
        return PAM_CONV_ERR;
    }
    out = calloc((size_t)count, sizeof *out);
    for (int i = 0; out != NULL && i < count; i++) {
        switch (messages[i]->msg_style) {
        case PAM_PROMPT_ECHO_OFF:
            out[i].resp = copy(question->password);
            break;
        case PAM_ERROR_MSG:
        case PAM_TEXT_INFO:
            break;
        default:
            for (int k = 0; k < i; k++) {
                free(out[k].resp);
            }
            free(out);
            return PAM_CONV_ERR;
        }
    }
    *responses = out;
    return out == NULL ? PAM_BUF_ERR : PAM_SUCCESS;
}

static int verdict(pam_handle_t *pam, int rc, struct err *err)
{
    switch (rc) {
    case PAM_SUCCESS:
        return 0;
    case PAM_AUTHINFO_UNAVAIL:
    case PAM_SYSTEM_ERR:
    case PAM_SERVICE_ERR:
    case PAM_OPEN_ERR:
    case PAM_SYMBOL_ERR:
    case PAM_BUF_ERR:
    case PAM_ABORT:
        return err_set(err, ERR_CONNECTION, "PAM: %s", pam_strerror(pam, rc));
    default:
        return err_set(err, ERR_PASSWORD, "PAM: %s", pam_strerror(pam, rc));
    }
}

int judge_ask_pam(const struct judge_question *question, struct err *err)
{
    const char *service = question->service->pam_service;
    struct pam_conv conversation = {converse, (void *)(uintptr_t)question};
    pam_handle_t *pam = NULL;
    int rc =
        pam_start(service == NULL ? DEFAULT_SERVICE : service, question->user, &conversation, &pam);

    if (rc != PAM_SUCCESS) {
        return err_set(err, ERR_CONNECTION, "PAM cannot begin");
    }
    rc = pam_set_item(pam, PAM_RHOST, question->address);
    rc = rc == PAM_SUCCESS ? pam_authenticate(pam, 0) : rc;
    rc = rc == PAM_SUCCESS ? pam_acct_mgmt(pam, 0) : rc;
    int told = verdict(pam, rc, err);
    (void)pam_end(pam, rc);
    return told;
}

#else

bool judge_has_pam(void)
{
    return false;
}

/* A file of rules that asks for it is refused, so that nobody comes here. */
int judge_ask_pam(const struct judge_question *question, struct err *err)
{
    (void)question;
    return err_set(err, ERR_CONNECTION, "this build has no PAM");
}

#endif
