# SPDX-License-Identifier: MIT
"""The defects of PgBouncer, as edits that put each of them into fahrend: see run.py.

By the names of test_pgbouncer_defects.py's WHERE. `edits`: file, text that occurs once in it, what
stands there instead. `tests`: where not all of the defect's are meant. `release`: its tests run the
release build.
"""

TIMEOUTS = "src/proxy/timeouts.c"
REPLIES = "src/pool/replies.c"
REWRITE = "src/proxy/rewrite.c"
SUPPLY = "src/pool/supply.c"

MUTANTS = {
    "client_idle_timeout of one user ends the clients of all": [{
        "what": "it ends every client of the worker",
        "edits": [(TIMEOUTS, '''    close_with(container_of(deadline, struct frontend, deadline), ERR_IDLE_SESSION,
               "client_idle_timeout", "client_idle");
''', '''    struct proxy *proxy = container_of(deadline, struct frontend, deadline)->proxy;
    list_each_safe (node, tmp, &proxy->clients) {
        struct frontend *f = container_of(node, struct frontend, node);
        if (f->greeted) {
            close_with(f, ERR_IDLE_SESSION, "client_idle_timeout", "client_idle");
        }
    }
''')],
    }],
    "transaction_timeout ends a look-up of auth_query in flight": [{
        "what": "the look-up is bounded as the tenant's queries are",
        "edits": [("src/provision/auth_query.c", "statement_timeout=10s", "statement_timeout=300ms")],
    }],
    "Parse of a name whose first Parse failed ends the client": [{
        "what": "the client's name stays",
        "edits": [("src/proxy/note.c", "    if (!answered) {\n        client_statements_unlist",
                   "    if (!answered && cs == NULL) {\n        client_statements_unlist")],
    }, {
        "what": "the server's statement stays",
        "edits": [("src/pool/owed.c", "        prepared_remove(&b->statements, entry->arg);", "")],
    }],
    "a tracked value above 127 bytes is not followed, the last client's stays": [{
        "what": "a switch leaves it out",
        "edits": [("src/pool/switch.c", "        if ((s->fixed || !order->fixed_only) && !in_force(",
                   "        if (s->value.n <= 127 && (s->fixed || !order->fixed_only) && !in_force(")],
    }, {
        "what": "a report of it is not followed",
        "edits": [("src/proxy/follow.c", "    if (number < 0 ||\n", "    if (value.n > 127 || number < 0 ||\n")],
    }],
    "a SET above 300 bytes is cut off": [{
        "what": "a switch cuts it",
        "edits": [("src/pool/switch.c", 's->value.p == NULL ? slice_str("") : s->value;',
                   's->value.p == NULL ? slice_str("") : slice_head(s->value, s->value.n < 300 ? '
                   's->value.n : 300);')],
    }],
    "min_pool_size does nothing where pool_size is 0": [{
        "what": "nothing is made for nobody",
        "edits": [(SUPPLY, "pool->count < (uint32_t)pool->settings.min_size && pool->refs > 0",
                   "pool->size != 0 && pool->count < (uint32_t)pool->settings.min_size && "
                   "pool->refs > 0")],
    }],
    "an error text above 500 bytes becomes an end without a word": [{
        "what": "a long one is not sent",
        "edits": [("src/proxy/frontend.c", "        if (!is_within_message(f)) {\n            say",
                   "        if (!is_within_message(f) && strlen(err->text) < 470) {\n            say")],
    }],
    "a ParameterStatus that is too large hangs at full CPU": [{
        "what": "a login takes any",
        "edits": [("src/pool/backend_login.c", "+ frame->size > PARAMETERS_MAX", "+ frame->size == 0")],
        "tests": ["unit/pool/test_backend_login.c:parameters_without_end_are_refused"],
    }, {
        "what": "a linked connection waits for any",
        "edits": [(REPLIES, "frame.size > LIMIT_WHOLE_MESSAGE", "frame.size == 0")],
        "tests": ["unit/pool/test_replies.c:a_message_that_must_be_whole_has_a_bound"],
    }, {
        "what": "pieces of it are taken for all",
        "edits": [(REPLIES, "type == WIRE_READY || type == WIRE_PARAMETER_STATUS;",
                   "type == WIRE_READY;")],
        "tests": ["unit/pool/test_replies_state.c:a_parameter_of_10_kb_in_pieces_is_told_once_and_whole"],
    }],
    "a failed RELOAD resets settings and shuts administrators out": [{
        "what": "faults are no hindrance",
        "edits": [("src/config/load.c", "    if (faults->count > 0) {\n        config_faults_sort",
                   "    if (faults->count > 1000) {\n        config_faults_sort")],
    }, {
        "what": "what was read so far is in force",
        "edits": [("src/daemon/daemon.c", "    if (realm == NULL) {\n        log_lines(LOG_ERROR, "
                   '"reload refused: ", &faults);', "    if (realm == NULL) {\n        "
                   "((struct config *)(uintptr_t)realm_config(d->realm))->admin.users.count = 0;\n"
                   '        log_lines(LOG_ERROR, "reload refused: ", &faults);')],
    }],
    "answers to PAUSE and WAIT_CLOSE are lost, or go to another console": [{
        "what": "WAIT_CLOSE does not wait",
        "edits": [("src/admin/act_close.c", "has_none_to_close) ? GATHER_DONE : GATHER_WAIT",
                   "has_none_to_close) ? GATHER_DONE : GATHER_DONE")],
    }, {
        "what": "PAUSE does not wait",
        "edits": [("src/admin/act_pause.c", "        return GATHER_WAIT;\n", "")],
    }, {
        "what": "the answer goes to the console that waits longest",
        "edits": [("src/admin/console.c", "    c->gathered = gathered;\n    c->gather = gather_start(",
                   "    static struct console *first;\n    if (work == NULL || first == NULL || "
                   "first->gather == NULL) {\n        first = c;\n    }\n    c->gathered = gathered;\n"
                   "    void *data = first;\n    c->gather = gather_start("),
                  ("src/admin/console.c", "question, work, on_gathered, c);",
                   "question, work, on_gathered, data);")],
    }, {
        "what": "RESUME leaves who waits without an answer",
        "edits": [("src/admin/act_pause.c", "    bool undone = (scope_flags(&proxy->pools.gates, q) & "
                   "q->flags) == 0;\n", "    bool undone = (scope_flags(&proxy->pools.gates, q) & "
                   "q->flags) == 0;\n    if (undone) {\n        return GATHER_WAIT;\n    }\n")],
    }],
    "the console says `not allowed` before the password": [{
        "what": "to all who are not listed",
        "edits": [("src/proxy/client_login.c",
                   "    rc = check_certificate_name(login, err);\n    return rc < 0",
                   "    rc = check_certificate_name(login, err);\n"
                   '    if (slice_eq_str(login->identity.full_database, "fahrend") &&\n'
                   '        !slice_eq_str(login->identity.full_user, "admin")) {\n'
                   '        return err_set(err, ERR_NO_TENANT, "not allowed");\n    }\n'
                   "    return rc < 0")],
    }],
    "memory is taken for clients that have proved nothing": [{
        "what": "a startup packet may be large",
        "edits": [("src/base/limits.h", "LIMIT_STARTUP_PACKET = 10000,", "LIMIT_STARTUP_PACKET = 10000000,")],
        "tests": ["e2e/test_hostile.py:test_a_startup_of_10001_bytes"],
    }, {
        "what": "a password may be large",
        "edits": [("src/base/limits.h", "LIMIT_PASSWORD_PACKET = 65535,", "LIMIT_PASSWORD_PACKET = 65535000,"),
                  ("src/base/limits.h", "LIMIT_SASL_PACKET = 1024, ", "LIMIT_SASL_PACKET = 1024000, ")],
        "tests": ["e2e/test_auth.py:test_a_password_beyond_the_limit_ends_the_connection"],
    }],
    "names of databases that there are not fill the memory": [{
        "what": "an account for each tenant that is asked for",
        "edits": [("src/proxy/enter.c", "    const struct tenant *tenant =\n        "
                   "registry_find_or_template(realm_registry(f->realm), name, storage);",
                   "    (void)pools_account(&f->proxy->pools, name);\n    const struct tenant *tenant =\n"
                   "        registry_find_or_template(realm_registry(f->realm), name, storage);")],
    }],
    "query_wait_timeout of one user counts for others": [{
        "what": "who gives up makes the whole pool give up",
        "edits": [(TIMEOUTS, '    frontend_fail_batch(f, &err);\n',
                   "    struct pool *pool = f->request.lane->pool;\n    frontend_fail_batch(f, &err);\n"
                   "    lane_refuse_all(pool, &err);\n")],
    }, {
        "what": "the shortest of all counts from then on",
        "edits": [(TIMEOUTS, "    int64_t most = limits(f)->query_wait;\n\n    if (!f->greeted) {",
                   "    static int64_t least = INT64_MAX;\n    least = limits(f)->query_wait < least ? "
                   "limits(f)->query_wait : least;\n    int64_t most = least;\n\n    if (!f->greeted) {")],
    }],
    "users of auth_query stay known in other databases": [{
        "what": "an answer counts for every tenant and database",
        "edits": [("src/proxy/directory.c", "    HASH_FIND_BYHASHVALUE(hh, d->entries, question, sizeof "
                   "*question, hash_of(d, question), entry);", "    struct directory_entry *one;\n"
                   "    struct directory_entry *next;\n    entry = NULL;\n"
                   "    HASH_ITER (hh, d->entries, one, next) {\n"
                   "        if (one->question.kind == question->kind &&\n"
                   "            strcmp(one->question.user, question->user) == 0) {\n"
                   "            entry = one;\n        }\n    }")],
    }],
    "a `reject` line of the HBA file is skipped": [{
        "what": "the next line that fits counts",
        "edits": [("src/auth/hba.c", "        if (answer == NAME_YES) {",
                   "        if (answer == NAME_YES && hba->entries[i].rule.method != HBA_REJECT) {")],
    }],
    "RECONNECT exceeds pool_size by one": [{
        "what": "those that are to go count no more",
        "edits": [(SUPPLY, "    return pool->size == 0 || pool->count < pool->size + reserve;",
                   "    struct backend *oldest = container_of(list_head(&pool->all), struct backend, "
                   "pool_node);\n    uint32_t gone = !list_empty(&pool->all) && oldest->close_when_free ? "
                   "1 : 0;\n    return pool->size == 0 || pool->count < pool->size + reserve + gone;")],
    }],
    "connections with a cancel under way survive RECONNECT": [{
        "what": "they are passed over",
        "edits": [("src/pool/pool.c", "        b->close_when_free = true;\n        b->ending = "
                   "BACKEND_END_ORDER;", "        b->close_when_free = b->close_when_free || b->cancels "
                   "== 0;\n        b->ending = BACKEND_END_ORDER;")],
    }],
    "the time of those who waited in vain is in no statistic": [{
        "what": "only of who is served",
        "edits": [("src/pool/lane.c", "    note_wait(request);\n}", "}"),
                  ("src/pool/lane.c", "    lane_withdraw(request);\n    if (--lane->credit == 0",
                   "    lane_withdraw(request);\n    note_wait(request);\n    if (--lane->credit == 0")],
    }],
    "cancels go in plain text to servers that take TLS only": [{
        "what": "nobody asks for TLS",
        "edits": [("src/pool/cancel.c", "    securing_copy(&cancel->securing, &b->securing);\n", "")],
    }],
    "credentials for PAM and LDAP are taken in before the login": [{
        "what": "64 KiB for each name, for good",
        "edits": [("src/proxy/proof_word.c", "void proof_word_start_service(struct client_proof *proof)\n{\n",
                   "void proof_word_start_service(struct client_proof *proof)\n{\n"
                   "    static void *kept[100000];\n    static size_t count;\n"
                   "    kept[count] = x_zalloc(65536);\n"
                   "    memset(kept[count], 1, 65536);\n    count++;\n"),
                  ("src/proxy/proof_word.c", '#include "base/limits.h"', '#include "base/alloc.h"\n#include "base/limits.h"')],
        "release": True,
    }, {
        "what": "all logins ask in one queue",
        "edits": [("src/proxy/client_proof.c", "client_identity_lane(proof->identity, proof->realm));",
                   "SLICE_EMPTY);")],
        "tests": ["e2e/test_services.py:test_a_directory_that_hangs_holds_up_nobody_else"],
    }],
    "answers that are made up overtake real ones (#1555)": [{
        "what": "a Close is answered at once",
        "edits": [(REWRITE, "    (void)note_push(f, LEDGER_CLOSE, LEDGER_MAKE_UP, 0, note);",
                   "    (void)note;\n    static const uint8_t closed[] = {'3', 0, 0, 0, 4};\n"
                   "    (void)frontend_send(f, slice_of(closed, sizeof closed));")],
    }, {
        "what": "a Parse is answered at once",
        "edits": [(REWRITE, "    if (note_push(f, LEDGER_PARSE, there ? LEDGER_MAKE_UP : LEDGER_FORWARD, number,\n"
                   "                  note_new(NOTE_PARSE, cs)) &&\n        !there) {",
                   "    static const uint8_t parsed[] = {'1', 0, 0, 0, 4};\n    if (there) {\n"
                   "        (void)frontend_send(f, slice_of(parsed, sizeof parsed));\n        cs->in_flight = false;\n"
                   "        return;\n    }\n    if (note_push(f, LEDGER_PARSE, LEDGER_FORWARD, number, note_new("
                   "NOTE_PARSE, cs))) {")],
    }, {
        "what": "one is made up within a message",
        "edits": [(REPLIES, "head->action == LEDGER_MAKE_UP && b->body_left == 0;",
                   "head->action == LEDGER_MAKE_UP;")],
    }],
    "a named Parse in two segments is never answered (#1532)": [{
        "what": "a part of a Parse goes as it is",
        "edits": [(REWRITE, "    if (rest.n < frame->size) {\n        return REWRITE_SHORT;\n    }\n"
                   "    struct slice body = frame_body(rest, frame);\n    if (extended_parse(",
                   "    if (rest.n < frame->size) {\n        return REWRITE_PLAIN;\n    }\n"
                   "    struct slice body = frame_body(rest, frame);\n    if (extended_parse(")],
        "tests": ["e2e/test_pgbouncer_defects.py:test_a_named_parse_in_two_segments_is_answered"],
    }, {
        "what": "a part of a Bind goes as it is",
        "edits": [(REWRITE, "rest.n < REWRITE_NAMES_MAX ? REWRITE_SHORT : REWRITE_PLAIN;",
                   "rest.n < REWRITE_NAMES_MAX ? REWRITE_PLAIN : REWRITE_PLAIN;")],
        "tests": ["e2e/test_prepared.py:test_a_bind_that_comes_in_two_segments_at_every_byte"],
    }],
    "DEALLOCATE ALL in a pipeline drops what is prepared behind it (#1535)": [{
        "what": "the server's statements behind it are forgotten",
        "edits": [(REPLIES, "entry->action != LEDGER_MAKE_UP && entry->arg != 0) {\n            prepared_add(",
                   "entry->action != LEDGER_MAKE_UP && entry->arg == 0) {\n            prepared_add(")],
    }, {
        "what": "the client's names behind it are forgotten",
        "edits": [(REWRITE, "    client_statements_clear(statements(f), &f->statements, false);",
                   "    client_statements_clear(statements(f), &f->statements, true);")],
    }, {
        "what": "nothing waits for its answer",
        "edits": [("src/proxy/rewrite_sql.c", "    f->deallocates = true;",
                   "    f->deallocates = false;")],
    }],
    "a server is released between pipelined messages, or at an error and a Flush (#714 #759 #52)": [{
        "what": "at a ReadyForQuery that others follow",
        "edits": [(REPLIES, "    b->synced = ledger_empty(&b->ledger);", "    b->synced = true;"),
                  ("src/pool/backend.h", "b->status == 'I' && ledger_empty(&b->ledger) && !b->copy_in",
                   "b->status == 'I' && !b->copy_in")],
    }, {
        "what": "at an error and a Flush",
        "edits": [(REPLIES, "    owed_skip_batch(b);\n    return verdict;",
                   "    owed_skip_batch(b);\n    b->synced = ledger_empty(&b->ledger);\n    return verdict;")],
    }, {
        "what": "when all that was asked is answered, before the Sync",
        "edits": [("src/pool/backend.h", "    return b->synced && b->status == 'I'", "    return b->status == 'I'")],
    }],
    "the end of a COPY races, late CopyData reaches the next client (#1470 #1471 #57 #1025)": [{
        "what": "a copy that failed counts as one",
        "edits": [(REPLIES, "        owed_skip_copy(b);\n    }\n    end_copy(b);\n    if (head->action",
                   "        owed_skip_copy(b);\n    }\n    if (head->action"),
                  (REPLIES, "        fail_head(b);\n        end_copy(b);", "        fail_head(b);"),
                  (REPLIES, "    owed_drop_copy_ends(b);\n    end_copy(b);\n    b->status", "    owed_drop_copy_ends(b);\n    b->status")],
    }, {
        "what": "late CopyData goes to the server",
        "edits": [("src/proxy/passage.c", "    return !f->backend->copy_in && ledger_empty(&f->backend->ledger);",
                   "    return f->backend == NULL;"),
                  ("src/proxy/relay.c", "    case CLASS_COPY:\n        return skip_drop(f, rest, &frame, false);\n    case CLASS_REQUEST:",
                   "    case CLASS_COPY:\n    case CLASS_REQUEST:")],
    }, {
        "what": "a connection in a copy is given on",
        "edits": [("src/pool/backend.c", "    if (broken || b->copy_in || b->close_when_free) {",
                   "    if (broken || b->close_when_free) {"),
                  ("src/pool/backend.c", "    if (backend_settled(b) && reset_query == NULL) {",
                   "    if ((b->copy_in || backend_settled(b)) && reset_query == NULL) {")],
    }, {
        "what": "the end of a copy is an answer that is owed",
        "edits": [("src/pool/owed.h", "    while (b->ledger.count > 0 && b->ledger.ring[b->ledger.head].kind == LEDGER_COPY_END) {",
                   "    while (b->ledger.count > 1000 && b->ledger.ring[b->ledger.head].kind == LEDGER_COPY_END) {")],
    }],
    "a cancel reaches another client's query (#717 #245 #141 #147)": [{
        "what": "a connection is given on while one is under way",
        "edits": [("src/pool/backend.c", "    if (b->cancels > 0) {\n        if (b->state", "    if (b->cancels > 1000) {\n        if (b->state")],
        "tests": ["e2e/test_cancel.py:test_a_connection_is_not_handed_on_while_a_cancel_is_under_way"],
    }, {
        "what": "the key is the slot only",
        "edits": [("src/proxy/proxy.c", "    if (!cancel_key_equal(&own, key)) {", "    if (own.pid != key->pid) {")],
        "tests": ["e2e/test_cancel.py:test_a_late_cancel_never_reaches_another_client",
                  "e2e/test_cancel.py:test_a_cancel_with_a_wrong_key_does_nothing"],
    }],
    "wrong answers of unknown cause (#164 #1484)": [{
        "what": "a connection is given on before its last answers",
        "edits": [("src/pool/backend.h", "b->status == 'I' && ledger_empty(&b->ledger) && !b->copy_in",
                   "b->status == 'I' && !b->copy_in"),
                  (REPLIES, "    b->synced = ledger_empty(&b->ledger);", "    b->synced = true;")],
        "release": True,
    }, {
        "what": "a statement is taken for there that was evicted",
        "edits": [("src/pool/prepared.c", "    uint32_t number = entry->number;\n    drop(prepared, entry);\n    return number;",
                   "    uint32_t number = entry->number;\n    list_remove(&entry->node);\n    list_push_head(&prepared->used, &entry->node);\n"
                   "    prepared->count--;\n    return number;")],
        "release": True,
    }],
    "NegotiateProtocolVersion is sent twice (#1459)": [{
        "what": "again when the user was looked up",
        "edits": [("src/proxy/client_login.c", "    rc = check_certificate_name(login, err);\n    return rc < 0",
                   "    rc = check_certificate_name(login, err);\n    negotiate(login, startup->version);\n"
                   "    return rc < 0")],
    }],
}
