// SPDX-License-Identifier: MIT
#include "judge/judge.h"

int judge_ask(const struct judge_question *question, struct err *err)
{
    if (question->password[0] == '\0') { /* a directory would take it for nobody, and let it in */
        return err_set(err, ERR_PASSWORD, "the password is empty");
    }
    return question->service->ldap ? judge_ask_ldap(question, err) : judge_ask_pam(question, err);
}
