// SPDX-License-Identifier: MIT
//
// check: rules between keys, which no single row of the table can say. Faults stand where the value
// is written, be it in the tenants' defaults, or where it should be. Private to this layer.
#ifndef CONFIG_CHECK_H
#define CONFIG_CHECK_H

#include "config/config.h"
#include "config/faults.h"
#include "config/node.h"

void check_config(const struct config *config, const struct node *root,
                  struct config_faults *faults);

/* The same of a tenant that is not in the file; it has no name. */
void check_tenant_alone(const struct config *config, const struct tenant_config *tenant,
                        struct config_faults *faults);

#endif
