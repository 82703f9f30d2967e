// SPDX-License-Identifier: MIT
#include "provision/rls_catalog.h"

const char rls_catalog_tables[] =
    "WITH RECURSIVE chosen(oid) AS ("
    "  SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    "  WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND CASE"
    "    WHEN $2::oid[] IS NOT NULL THEN c.oid = ANY ($2::oid[])"
    "    ELSE n.nspname NOT IN ('fahrend', 'information_schema') AND n.nspname !~ '^pg_'"
    "      AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid"
    "                  AND a.attname = $1::text AND a.attnum > 0 AND NOT a.attisdropped) END"
    "  UNION SELECT i.inhrelid FROM chosen JOIN pg_inherits i ON i.inhparent = chosen.oid)"
    "SELECT c.oid, n.nspname, c.relname, c.relkind,"
    "  CASE WHEN t.typtype = 'd' THEN b.typname ELSE t.typname END,"
    "  pg_get_expr(d.adbin, d.adrelid),"
    "  coalesce(a.attidentity <> '' OR a.attgenerated <> '', false),"
    "  (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid AND p.polpermissive"
    "     AND p.polname <> 'fahrend_tenant'),"
    "  c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (SELECT FROM pg_policy p"
    "     WHERE p.polrelid = c.oid AND p.polname = 'fahrend_tenant') "
    "FROM chosen JOIN pg_class c USING (oid) JOIN pg_namespace n ON n.oid = c.relnamespace"
    "  LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = $1::text AND a.attnum > 0"
    "    AND NOT a.attisdropped"
    "  LEFT JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type b ON b.oid = t.typbasetype"
    "  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum "
    "ORDER BY n.nspname, c.relname";

/* Every parameter has a type in every question, whether or not it is used there. */
#define PARAMETERS                                                                                 \
    "WITH given AS (SELECT $1::text AS tenant_column, $2::oid[] AS tables, $3::text AS role),"     \
    " logins AS (SELECT r.oid, r.rolname, r.rolsuper, r.rolbypassrls FROM pg_roles r, given"       \
    "   WHERE r.rolcanlogin AND CASE WHEN given.role IS NOT NULL THEN r.rolname = given.role"      \
    "     ELSE NOT r.rolsuper AND EXISTS (SELECT FROM unnest(given.tables) t"                      \
    "       WHERE has_table_privilege(r.oid, t, 'SELECT')) END) "

/* A duplicate is refused whoever has the other one: so a tenant learns that it exists. */
static const char unique_keys[] = PARAMETERS
    "SELECT i.indexrelid::regclass::text,"
    "  format('does not begin with %I: an insert tells whether another tenant has the same key',"
    "         given.tenant_column) "
    "FROM given, pg_index i WHERE i.indrelid = ANY (given.tables) AND i.indisunique"
    "  AND coalesce((SELECT a.attname FROM pg_attribute a WHERE a.attrelid = i.indrelid"
    "                AND a.attnum = i.indkey[0]), '') <> given.tenant_column ORDER BY 1";

/* A view reads with its owner's rights, and a materialized one has everybody's rows in it. */
static const char views[] = PARAMETERS
    "SELECT DISTINCT v.oid::regclass::text, CASE v.relkind WHEN 'm'"
    "  THEN 'is a materialized view: it has the rows of all tenants'"
    "  ELSE format('reads with the rights of its owner: ALTER VIEW %s SET (security_invoker)',"
    "              v.oid::regclass) END "
    "FROM given, pg_depend d JOIN pg_rewrite w ON w.oid = d.objid AND d.classid = "
    "  'pg_rewrite'::regclass JOIN pg_class v ON v.oid = w.ev_class "
    "WHERE d.refobjid = ANY (given.tables) AND d.refclassid = 'pg_class'::regclass"
    "  AND v.relkind IN ('v', 'm') AND NOT coalesce((SELECT o.option_value::boolean FROM"
    "    pg_options_to_table(v.reloptions) o WHERE o.option_name = 'security_invoker'), false)"
    " ORDER BY 1";

static const char bypassing_roles[] =
    PARAMETERS "SELECT format('role %I', rolname), CASE WHEN rolsuper"
               "  THEN 'is a superuser: no policy holds for it' ELSE format("
               "    'bypasses row security: ALTER ROLE %I NOBYPASSRLS', rolname) END "
               "FROM logins WHERE rolsuper OR rolbypassrls ORDER BY 1";

/* Policies are forced on the owner too, but the owner may take them away. */
static const char owning_roles[] = PARAMETERS
    "SELECT c.oid::regclass::text, format("
    "  'may be altered by role %I, which has the rights of its owner %I', l.rolname, o.rolname) "
    "FROM given, logins l, pg_class c JOIN pg_roles o ON o.oid = c.relowner "
    "WHERE c.oid = ANY (given.tables) AND NOT l.rolsuper"
    "  AND pg_has_role(l.oid, c.relowner, 'USAGE') ORDER BY 1, 2";

static const char table_grants[] = PARAMETERS
    "SELECT c.oid::regclass::text, format('%s is not subject to row security:"
    " REVOKE %s ON %s FROM %s', a.privilege_type, a.privilege_type, c.oid::regclass,"
    "  CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END) "
    "FROM given, pg_class c, aclexplode(c.relacl) a WHERE c.oid = ANY (given.tables)"
    "  AND a.grantee <> c.relowner AND a.privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER')"
    " ORDER BY 1, 2";

/* What every role of the server has of a database, and how it is taken away. Who logs in needs a
 * grant of its own to CONNECT then. */
#define PUBLIC_RIGHTS                                                                              \
    "SELECT format('database %I', datname), CASE a.privilege_type WHEN 'CONNECT' THEN format("     \
    "  'CONNECT is granted to PUBLIC, every role may log in: GRANT it to those that should, then"  \
    " REVOKE CONNECT ON DATABASE %I FROM PUBLIC', datname) ELSE format("                           \
    "  '%s is granted to PUBLIC: REVOKE %s ON DATABASE %I FROM PUBLIC', a.privilege_type,"         \
    "  a.privilege_type, datname) END "                                                            \
    "FROM given, pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) a "            \
    "WHERE a.grantee = 0 "

static const char public_grants[] = PARAMETERS PUBLIC_RIGHTS
    "AND datname = current_database() "
    "UNION ALL SELECT format('schema %I', nspname), format("
    "  'CREATE is granted to PUBLIC: REVOKE CREATE ON SCHEMA %I FROM PUBLIC', nspname) "
    "FROM pg_namespace, aclexplode(nspacl) a WHERE a.grantee = 0 AND a.privilege_type = 'CREATE'"
    "  AND nspname !~ '^pg_' ORDER BY 1, 2";

const char rls_catalog_open_databases[] = PARAMETERS PUBLIC_RIGHTS
    "AND datallowconn AND (a.privilege_type = 'CONNECT' OR datname = current_database()"
    "  OR has_database_privilege(datname, 'CONNECT')) ORDER BY 1, 2";

static const char other_policies[] = PARAMETERS
    "SELECT c.oid::regclass::text, format("
    "  'has the permissive policy %I too: fahrend_guard keeps it within the tenant', p.polname) "
    "FROM given, pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE c.oid = ANY"
    "  (given.tables) AND p.polpermissive AND p.polname <> 'fahrend_tenant' ORDER BY 1, 2";

/* On a role that tenants share, each may look at the others' statements and end them. */
static const char shared_role[] = PARAMETERS
    "SELECT format('role %I', l.rolname), format("
    "  'is shared: a tenant may call %s on another''s connection:"
    " REVOKE EXECUTE ON FUNCTION pg_catalog.%s FROM PUBLIC', p.proname, p.oid::regprocedure) "
    "FROM given, logins l, pg_proc p WHERE given.role IS NOT NULL"
    "  AND p.pronamespace = 'pg_catalog'::regnamespace AND p.proname IN"
    "    ('pg_terminate_backend', 'pg_cancel_backend', 'pg_stat_get_activity',"
    "     'pg_stat_get_backend_activity')"
    "  AND has_function_privilege(l.oid, p.oid, 'EXECUTE') ORDER BY 1, 2";

/* A function with its owner's rights, where those are rights to see all rows. */
static const char definer_functions[] = PARAMETERS
    "SELECT p.oid::regprocedure::text, 'runs with the rights of a role that no policy holds for' "
    "FROM given, pg_proc p JOIN pg_roles o ON o.oid = p.proowner JOIN pg_namespace n"
    "  ON n.oid = p.pronamespace WHERE p.prosecdef AND n.nspname !~ '^pg_'"
    "  AND n.nspname NOT IN ('fahrend', 'information_schema') AND (o.rolsuper OR o.rolbypassrls)"
    "  AND EXISTS (SELECT FROM logins l WHERE has_function_privilege(l.oid, p.oid, 'EXECUTE'))"
    " ORDER BY 1";

/* The server asks it when it plans, and a function keeps its plans: a scrub of a sealed tenant does
 * not drop them. */
static const char folded_functions[] = PARAMETERS
    "SELECT p.oid::regprocedure::text, format('is declared IMMUTABLE, but reads a setting: what it"
    " tells may be the last tenant''s: ALTER FUNCTION %s STABLE', p.oid::regprocedure) "
    "FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.provolatile = 'i'"
    "  AND p.prokind = 'f' AND n.nspname !~ '^pg_'"
    "  AND n.nspname NOT IN ('fahrend', 'information_schema')"
    "  AND p.prosrc || coalesce(pg_get_function_sqlbody(p.oid), '') ~*"
    "    '(current_setting|current_tenant)' ORDER BY 1";

const char *const rls_catalog_traps[] = {
    [RLS_TRAP_UNIQUE_KEYS] = unique_keys,
    [RLS_TRAP_VIEWS] = views,
    bypassing_roles,
    owning_roles,
    table_grants,
    public_grants,
    other_policies,
    shared_role,
    definer_functions,
    folded_functions,
};

const size_t rls_catalog_trap_count = sizeof rls_catalog_traps / sizeof rls_catalog_traps[0];
