// SPDX-License-Identifier: MIT
#include "provision/schema_clone_sql.h"

/* Relations, functions and types of the model; no row types of tables, and no arrays. */
#define OBJECTS                                                                                    \
    "WITH rel AS (SELECT * FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace "      \
    "WHERE nspname = $1)), fun AS (SELECT *, CASE prokind WHEN 'p' THEN 'PROCEDURE' ELSE "         \
    "'FUNCTION' END AS kind FROM pg_proc WHERE pronamespace = (SELECT oid FROM pg_namespace "      \
    "WHERE nspname = $1)), typ AS (SELECT t.* FROM pg_type t LEFT JOIN pg_class c ON c.oid "       \
    "= t.typrelid WHERE t.typnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1) "       \
    "AND coalesce(c.relkind, 'c') = 'c' AND NOT EXISTS (SELECT FROM pg_type e WHERE "              \
    "e.typarray = t.oid)), "

const char schema_clone_refused[] = OBJECTS
    "odd AS ("
    /* tables that are more than tables */
    "SELECT 'pg_class'::regclass AS class, oid, CASE WHEN relkind IN ('p', 'I') OR relispartition "
    "THEN 'it is partitioned' WHEN relkind = 'f' THEN 'it is a foreign table' WHEN relrowsecurity "
    "OR relforcerowsecurity OR EXISTS (SELECT FROM pg_policy WHERE polrelid = rel.oid) THEN "
    "'it has row security' WHEN reloftype <> 0 OR EXISTS (SELECT FROM pg_inherits WHERE inhrelid "
    "= rel.oid OR inhparent = rel.oid) AND relkind = 'r' THEN 'it is made of another' END AS why "
    "FROM rel "
    "UNION ALL SELECT 'pg_rewrite'::regclass, r.oid, 'it is a rule' FROM pg_rewrite r JOIN rel ON "
    "rel.oid = r.ev_class WHERE r.rulename <> '_RETURN' "
    /* A body is a text: what it names is not known, but that the model is named shows. */
    "UNION ALL SELECT 'pg_proc'::regclass, oid, CASE WHEN prokind = 'a' THEN 'it is an aggregate' "
    "WHEN prokind = 'w' THEN 'it is a window function' WHEN prosrc ~* ('(^|[^[:alnum:]_$])' || "
    "regexp_replace($1, '([^[:alnum:]_])', '\\\\\\1', 'g') || '\"?[[:space:]]*[.]') THEN "
    "'its body names the schema that is cloned' WHEN EXISTS (SELECT FROM unnest(proconfig) c "
    "WHERE c ~* ('^search_path=(.*[, \"])?' || regexp_replace($1, '([^[:alnum:]_])', '\\\\\\1', "
    "'g') || '([\", ]|$)')) THEN 'its search_path names the schema that is cloned' END FROM fun "
    "UNION ALL SELECT 'pg_type'::regclass, oid, 'it is no enumeration, domain or composite' FROM "
    "typ WHERE typtype NOT IN ('e', 'd', 'c') "
    "UNION ALL SELECT 'pg_operator'::regclass, oid, 'it is an operator' FROM pg_operator WHERE "
    "oprnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1) "
    "UNION ALL SELECT 'pg_collation'::regclass, oid, 'it is a collation' FROM pg_collation WHERE "
    "collnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1) "
    "UNION ALL SELECT 'pg_statistic_ext'::regclass, oid, 'they are extended statistics' FROM "
    "pg_statistic_ext WHERE stxnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1) "
    "UNION ALL SELECT 'pg_ts_config'::regclass, oid, 'it is for text search' FROM pg_ts_config "
    "WHERE cfgnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1) "
    "UNION ALL SELECT 'pg_ts_dict'::regclass, oid, 'it is for text search' FROM pg_ts_dict WHERE "
    "dictnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1) "
    "UNION ALL SELECT 'pg_extension'::regclass, oid, 'it is an extension' FROM pg_extension WHERE "
    "extnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1) "
    ") SELECT pg_describe_object(class, oid, 0), why FROM odd WHERE why IS NOT NULL"
    " ORDER BY class, oid LIMIT 1";

/* Each part gives (phase, oid, object, statement); in a phase what was made first comes first. */
const char schema_clone_statements[] = OBJECTS
    /* sequences with whose they are, and columns as a definition begins with them */
    "seq AS (SELECT q.seqrelid, "
    "format('INCREMENT BY %s MINVALUE %s MAXVALUE %s START WITH %s CACHE %s%s', seqincrement, "
    "seqmin, seqmax, seqstart, seqcache, CASE WHEN seqcycle THEN ' CYCLE' END) AS options, "
    "format_type(seqtypid, NULL) AS type, d.deptype AS tie, d.refobjid AS owner, d.refobjsubid AS "
    "owner_column FROM pg_sequence q JOIN rel ON rel.oid = q.seqrelid LEFT JOIN pg_depend d ON "
    "d.classid = 'pg_class'::regclass AND d.objid = q.seqrelid AND d.refclassid = "
    "'pg_class'::regclass AND d.deptype IN ('a', 'i')), col AS (SELECT a.*, format('%I %s%s', "
    "attname, format_type(atttypid, atttypmod), (SELECT format(' COLLATE %I.%I', n.nspname, "
    "l.collname) FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace WHERE l.oid = "
    "a.attcollation AND l.oid <> y.typcollation)) AS text FROM pg_attribute a JOIN pg_type y ON "
    "y.oid = a.atttypid WHERE a.attrelid IN (SELECT oid FROM rel) AND a.attnum > 0 AND NOT "
    "a.attisdropped), stated AS ("
    /* enumerations */
    "SELECT 1 AS phase, oid, typname AS object, format('CREATE TYPE %I AS ENUM (%s)', typname, "
    "(SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder) FROM pg_enum WHERE "
    "enumtypid = typ.oid)) AS sql FROM typ WHERE typtype = 'e' "
    /* composites */
    "UNION ALL SELECT 1, oid, typname, format('CREATE TYPE %I AS (%s)', typname, (SELECT "
    "string_agg(text, ', ' ORDER BY attnum) FROM col WHERE attrelid = typrelid)) FROM typ WHERE "
    "typtype = 'c' "
    /* domains */
    "UNION ALL SELECT 1, oid, typname, format('CREATE DOMAIN %I AS %s%s%s%s%s', typname, "
    "format_type(typbasetype, typtypmod), (SELECT format(' COLLATE %I.%I', n.nspname, l.collname) "
    "FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace JOIN pg_type b ON b.oid = "
    "typ.typbasetype WHERE l.oid = typ.typcollation AND l.oid <> b.typcollation), ' DEFAULT ' || "
    "coalesce(pg_get_expr(typdefaultbin, 0), quote_literal(typdefault)), CASE WHEN typnotnull "
    "THEN ' NOT NULL' END, (SELECT string_agg(format(' CONSTRAINT %I %s', conname, "
    "pg_get_constraintdef(n.oid)), '' ORDER BY n.oid) FROM pg_constraint n WHERE contypid = "
    "typ.oid AND contype = 'c')) FROM typ WHERE typtype = 'd' "
    /* sequences; those of identities come with their columns */
    "UNION ALL SELECT 1, oid, relname, format('CREATE %sSEQUENCE %I AS %s %s', CASE "
    "relpersistence WHEN 'u' THEN 'UNLOGGED ' END, relname, type, options) FROM rel JOIN seq ON "
    "seqrelid = oid WHERE tie IS DISTINCT FROM 'i' "
    /* tables, with what a column cannot get later */
    "UNION ALL SELECT 1, oid, relname, format('CREATE %sTABLE %I (%s)%s', CASE relpersistence "
    "WHEN 'u' THEN 'UNLOGGED ' END, relname, (SELECT string_agg(text || coalesce((SELECT "
    "format(' GENERATED ALWAYS AS (%s) %s', pg_get_expr(d.adbin, d.adrelid), CASE attgenerated "
    "WHEN 's' THEN 'STORED' ELSE 'VIRTUAL' END) FROM pg_attrdef d WHERE attgenerated <> '' AND "
    "d.adrelid = attrelid AND d.adnum = attnum), (SELECT "
    "format(' GENERATED %s AS IDENTITY (SEQUENCE NAME %I.%I %s)', CASE attidentity WHEN 'a' THEN "
    "'ALWAYS' ELSE 'BY DEFAULT' END, $2::text, s.relname, options) FROM seq JOIN rel s ON s.oid = "
    "seqrelid WHERE tie = 'i' AND owner = attrelid AND owner_column = attnum), '') || CASE WHEN "
    "attnotnull THEN ' NOT NULL' ELSE '' END, ', ' ORDER BY attnum) FROM col WHERE attrelid = "
    "rel.oid), ' WITH (' || array_to_string(reloptions, ', ') || ')') FROM rel WHERE relkind = "
    "'r' "
    /* views */
    "UNION ALL SELECT 1, oid, relname, format('CREATE %sVIEW %I%s AS %s%s', CASE relkind WHEN 'm' "
    "THEN 'MATERIALIZED ' END, relname, ' WITH (' || array_to_string(reloptions, ', ') || ')', "
    "rtrim(pg_get_viewdef(oid), ';'), CASE relkind WHEN 'm' THEN ' WITH NO DATA' END) FROM rel "
    "WHERE relkind IN ('v', 'm') "
    /* functions; a definition begins with the name in its schema, which is cut off */
    "UNION ALL SELECT 1, oid, proname, format('CREATE %s %I%s', kind, proname, "
    "substr(pg_get_functiondef(oid), length(format('CREATE OR REPLACE %s %I.%I', kind, $1::text, "
    "proname)) + 1)) FROM fun WHERE prokind IN ('f', 'p') "
    /* defaults */
    "UNION ALL SELECT 2, d.oid, relname, format('ALTER TABLE %I ALTER COLUMN %I SET DEFAULT %s', "
    "relname, attname, pg_get_expr(adbin, adrelid)) FROM pg_attrdef d JOIN rel ON rel.oid = "
    "adrelid JOIN col ON attrelid = adrelid AND attnum = adnum WHERE attgenerated = '' "
    /* whose a sequence is */
    "UNION ALL SELECT 2, rel.oid, rel.relname, format('ALTER SEQUENCE %I OWNED BY %I.%I', "
    "rel.relname, o.relname, attname) FROM rel JOIN seq ON seqrelid = rel.oid JOIN rel o ON o.oid "
    "= owner JOIN col ON attrelid = owner AND attnum = owner_column WHERE tie = 'a' "
    /* constraints; foreign keys when all others are there */
    "UNION ALL SELECT CASE contype WHEN 'f' THEN 5 ELSE 3 END, n.oid, relname, "
    "format('ALTER TABLE ONLY %I ADD CONSTRAINT %I %s', relname, conname, "
    "pg_get_constraintdef(n.oid)) FROM pg_constraint n JOIN rel ON rel.oid = conrelid WHERE "
    "contype IN ('c', 'p', 'u', 'x', 'f') AND relkind = 'r' "
    /* indexes that are no constraint's */
    "UNION ALL SELECT 4, indexrelid, relname, pg_get_indexdef(indexrelid, 0, true) FROM pg_index "
    "i JOIN rel ON rel.oid = indexrelid WHERE NOT EXISTS (SELECT FROM pg_constraint n WHERE "
    "conindid = indexrelid AND conrelid = indrelid AND contype IN ('p', 'u', 'x')) "
    /* triggers */
    "UNION ALL SELECT 6, t.oid, relname, pg_get_triggerdef(t.oid, true) FROM pg_trigger t JOIN "
    "rel ON rel.oid = tgrelid WHERE NOT tgisinternal "
    "UNION ALL SELECT 7, t.oid, relname, format('ALTER TABLE %I %s TRIGGER %I', relname, CASE "
    "tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END, "
    "tgname) FROM pg_trigger t JOIN rel ON rel.oid = tgrelid WHERE NOT tgisinternal AND tgenabled "
    "<> 'O' "
    /* comments */
    "UNION ALL SELECT 8, rel.oid, relname, format('COMMENT ON %s %I IS %L', CASE relkind WHEN 'r' "
    "THEN 'TABLE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' "
    "WHEN 'i' THEN 'INDEX' ELSE 'TYPE' END, relname, description) FROM pg_description JOIN rel ON "
    "rel.oid = objoid WHERE classoid = 'pg_class'::regclass AND objsubid = 0 "
    "UNION ALL SELECT 8, rel.oid, relname, format('COMMENT ON COLUMN %I.%I IS %L', relname, "
    "attname, description) FROM pg_description JOIN rel ON rel.oid = objoid JOIN col ON attrelid "
    "= objoid AND attnum = objsubid WHERE classoid = 'pg_class'::regclass "
    "UNION ALL SELECT 8, fun.oid, proname, format('COMMENT ON %s %I(%s) IS %L', kind, proname, "
    "pg_get_function_identity_arguments(fun.oid), description) FROM pg_description JOIN fun ON "
    "fun.oid = objoid WHERE classoid = 'pg_proc'::regclass "
    "UNION ALL SELECT 8, typ.oid, typname, format('COMMENT ON TYPE %I IS %L', typname, "
    "description) FROM pg_description JOIN typ ON typ.oid = objoid WHERE classoid = "
    "'pg_type'::regclass "
    "UNION ALL SELECT 8, n.oid, relname, format('COMMENT ON CONSTRAINT %I ON %I IS %L', conname, "
    "relname, description) FROM pg_description JOIN pg_constraint n ON n.oid = objoid JOIN rel ON "
    "rel.oid = conrelid WHERE classoid = 'pg_constraint'::regclass "
    "UNION ALL SELECT 8, t.oid, relname, format('COMMENT ON TRIGGER %I ON %I IS %L', tgname, "
    "relname, description) FROM pg_description JOIN pg_trigger t ON t.oid = objoid JOIN rel ON "
    "rel.oid = tgrelid WHERE classoid = 'pg_trigger'::regclass "
    ") SELECT object, sql, phase = 1 FROM stated ORDER BY phase, oid";

/* Where the object is, or what it is a part of, and where what it depends on. */
const char schema_clone_leftover[] =
    "SELECT pg_describe_object(classid, objid, objsubid), pg_describe_object(refclassid, "
    "refobjid, refobjsubid) FROM (SELECT d.*, coalesce((SELECT relnamespace FROM pg_class c WHERE "
    "c.oid = d.objid AND d.classid = 'pg_class'::regclass), (SELECT pronamespace FROM pg_proc p "
    "WHERE p.oid = d.objid AND d.classid = 'pg_proc'::regclass), (SELECT typnamespace FROM "
    "pg_type t WHERE t.oid = d.objid AND d.classid = 'pg_type'::regclass), (SELECT connamespace "
    "FROM pg_constraint n WHERE n.oid = d.objid AND d.classid = 'pg_constraint'::regclass), "
    "(SELECT c.relnamespace FROM pg_attrdef a JOIN pg_class c ON c.oid = a.adrelid WHERE a.oid = "
    "d.objid AND d.classid = 'pg_attrdef'::regclass), (SELECT c.relnamespace FROM pg_rewrite r "
    "JOIN pg_class c ON c.oid = r.ev_class WHERE r.oid = d.objid AND d.classid = "
    "'pg_rewrite'::regclass), (SELECT c.relnamespace FROM pg_trigger g JOIN pg_class c ON c.oid = "
    "g.tgrelid WHERE g.oid = d.objid AND d.classid = 'pg_trigger'::regclass)) AS schema, "
    "coalesce((SELECT relnamespace FROM pg_class c WHERE c.oid = d.refobjid AND d.refclassid = "
    "'pg_class'::regclass), (SELECT pronamespace FROM pg_proc p WHERE p.oid = d.refobjid AND "
    "d.refclassid = 'pg_proc'::regclass), (SELECT typnamespace FROM pg_type t WHERE t.oid = "
    "d.refobjid AND d.refclassid = 'pg_type'::regclass), (SELECT connamespace FROM pg_constraint "
    "n WHERE n.oid = d.refobjid AND d.refclassid = 'pg_constraint'::regclass), (SELECT "
    "c.relnamespace FROM pg_attrdef a JOIN pg_class c ON c.oid = a.adrelid WHERE a.oid = "
    "d.refobjid AND d.refclassid = 'pg_attrdef'::regclass), (SELECT c.relnamespace FROM "
    "pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE r.oid = d.refobjid AND d.refclassid "
    "= 'pg_rewrite'::regclass), (SELECT c.relnamespace FROM pg_trigger g JOIN pg_class c ON c.oid "
    "= g.tgrelid WHERE g.oid = d.refobjid AND d.refclassid = 'pg_trigger'::regclass)) AS "
    "refschema FROM pg_depend d) x WHERE schema = (SELECT oid FROM pg_namespace WHERE nspname = "
    "$2) AND refschema = (SELECT oid FROM pg_namespace WHERE nspname = $1) LIMIT 1";
