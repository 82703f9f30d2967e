// SPDX-License-Identifier: MIT
#include "tenant/tenant.h"

static const char *const state_names[TENANT_STATES] = {
#define X(state, name) [state] = (name),
    TENANT_STATE_MAP(X)
#undef X
};

const char *tenant_state_name(enum tenant_state state)
{
    return state_names[state];
}

bool tenant_state_parse(struct slice name, enum tenant_state *state)
{
    for (int i = 0; i < TENANT_STATES; i++) {
        if (slice_eq_str(name, state_names[i])) {
            *state = (enum tenant_state)i;
            return true;
        }
    }
    return false;
}

int tenant_admit(const struct tenant *tenant, struct err *err)
{
    switch (tenant->state) {
    case TENANT_ACTIVE:
    case TENANT_PAUSED:
        return 0;
    case TENANT_SUSPENDED:
        return err_set(err, ERR_SUSPENDED, "tenant \"%s\" is suspended", tenant->name);
    case TENANT_CREATING:
        return err_set(err, ERR_SUSPENDED, "tenant \"%s\" is being created", tenant->name);
    case TENANT_DROPPING:
    case TENANT_STATES:
        break;
    }
    return err_set(err, ERR_UNKNOWN_TENANT, "tenant \"%s\" does not exist", tenant->name);
}
