#!/bin/sh
# SPDX-License-Identifier: MIT
#
# application.sh: an application with two tenants, as small as can be. It writes a note for each, and
# prints what each sees, every PAUSE seconds; with TIMES set it ends after so many rounds. psql finds
# fahrend in PGHOST, PGPORT and PGPASSWORD.
set -eu

round=0
while [ "$round" -lt "${TIMES:-1000000}" ]; do
    round=$((round + 1))
    for tenant in acme globex; do
        psql -X -q -U "app.$tenant" -d "${DATABASE:-app}" \
            -c "INSERT INTO notes (body) VALUES ('note $round of $tenant')"
        psql -X -At -U "app.$tenant" -d "${DATABASE:-app}" \
            -c "SELECT '$tenant sees ' || count(*) || ' notes, all of ' || string_agg(DISTINCT tenant_id, ' and ') FROM notes"
    done
    sleep "${PAUSE:-5}"
done
