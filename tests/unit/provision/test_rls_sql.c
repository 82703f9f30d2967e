// SPDX-License-Identifier: MIT
#include "provision/rls_sql.h"

#include "testing.h"

#define KEY   "0123456789abcdef0123456789abcdef"
#define SPARE "fedcba9876543210fedcba9876543210"

/* All statements in a row, and what was bound. */
struct script {
    struct buf sql;
    struct buf params;
};

static void note(void *data, const struct rls_statement *statement)
{
    struct script *s = data;

    buf_append_slice(&s->sql, statement->sql);
    buf_printf(&s->sql, ";\n");
    for (int i = 0; i < statement->param_count; i++) {
        buf_printf(&s->params, "%s\n", statement->params[i]);
    }
}

static const char *text_of(struct buf *b)
{
    buf_append_u8(b, 0);
    return (const char *)buf_slice(b).p;
}

static void end(struct script *s)
{
    buf_release(&s->sql);
    buf_release(&s->params);
}

static struct rls_options sealed_with(const char *key, const char *spare)
{
    return (struct rls_options){.setting = "app.tenant",
                                .column = "tenant_id",
                                .sealed = true,
                                .keys = {slice_str(key), slice_str(spare)}};
}

static const struct rls_table words = {
    .schema = "public", .name = "words", .cast = "text", .sets_default = true};

START_TEST(a_table_gets_a_forced_policy_for_reading_and_writing_and_a_default)
{
    struct rls_options options = sealed_with(KEY, "");
    struct script s = {0};

    rls_sql_protect(&options, &words, note, &s);

    ck_assert_str_eq(
        text_of(&s.sql),
        "ALTER TABLE \"public\".\"words\" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;\n"
        "DROP POLICY IF EXISTS fahrend_tenant ON \"public\".\"words\";\n"
        "CREATE POLICY fahrend_tenant ON \"public\".\"words\" AS PERMISSIVE FOR ALL TO PUBLIC\n"
        "  USING (\"tenant_id\" = (SELECT fahrend.current_tenant()))\n"
        "  WITH CHECK (\"tenant_id\" = (SELECT fahrend.current_tenant()));\n"
        "DROP POLICY IF EXISTS fahrend_guard ON \"public\".\"words\";\n"
        "ALTER TABLE \"public\".\"words\" ALTER COLUMN \"tenant_id\""
        " SET DEFAULT fahrend.current_tenant();\n");
    end(&s);
}
END_TEST

START_TEST(beside_other_policies_a_restrictive_one_stands)
{
    struct rls_options options = sealed_with(KEY, "");
    struct rls_table table = words;
    struct script s = {0};
    table.has_other_rules = true;

    rls_sql_protect(&options, &table, note, &s);

    ck_assert_ptr_nonnull(strstr(text_of(&s.sql), "CREATE POLICY fahrend_guard ON "
                                                  "\"public\".\"words\" AS RESTRICTIVE"));
    end(&s);
}
END_TEST

START_TEST(the_cast_stands_where_it_is_evaluated_once)
{
    struct rls_options options = sealed_with(KEY, "");
    struct rls_table table = words;
    struct script s = {0};
    table.cast = "uuid";

    rls_sql_protect(&options, &table, note, &s);

    const char *sql = text_of(&s.sql);
    ck_assert_ptr_nonnull(
        strstr(sql, "USING (\"tenant_id\" = (SELECT fahrend.current_tenant()::uuid))"));
    ck_assert_ptr_nonnull(strstr(sql, "SET DEFAULT fahrend.current_tenant()::uuid"));
    end(&s);
}
END_TEST

START_TEST(a_hostile_name_stays_a_name)
{
    struct rls_options options = sealed_with(KEY, "");
    struct rls_table table = words;
    struct script s = {0};
    table.name = "x\"; DROP TABLE y; --";

    rls_sql_protect(&options, &table, note, &s);

    ck_assert_ptr_nonnull(strstr(text_of(&s.sql), "\"x\"\"; DROP TABLE y; --\" ENABLE"));
    end(&s);
}
END_TEST

START_TEST(keys_are_bound_and_never_written)
{
    struct rls_options options = sealed_with(KEY, SPARE);
    struct script s = {0};

    rls_sql_install(&options, note, &s);

    const char *sql = text_of(&s.sql);
    ck_assert_ptr_null(strstr(sql, KEY));
    ck_assert_ptr_nonnull(strstr(sql, "VALUES ($1::bytea, $2::bytea), ($3::bytea, $4::bytea)"));
    /* the first byte of KEY, '0', with 0x5c and 0x36 */
    const char *params = text_of(&s.params);
    ck_assert_int_eq(strncmp(params, "\\x6c", 4), 0);
    ck_assert_ptr_nonnull(strstr(params, "\n\\x06"));
    end(&s);
}
END_TEST

static const char *const spares[] = {"", KEY};

START_TEST(one_key_is_one_row)
{
    struct rls_options options = sealed_with(KEY, spares[_i]);
    struct script s = {0};

    rls_sql_install(&options, note, &s);

    ck_assert_ptr_nonnull(strstr(text_of(&s.sql), "VALUES ($1::bytea, $2::bytea);"));
    end(&s);
}
END_TEST

START_TEST(the_sealed_function_has_its_owners_rights_and_a_fixed_path)
{
    struct rls_options options = sealed_with(KEY, "");
    struct script s = {0};

    rls_sql_install(&options, note, &s);

    ck_assert_ptr_nonnull(strstr(text_of(&s.sql),
                                 "current_tenant() RETURNS text\n"
                                 "LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED\n"
                                 "SET search_path = pg_catalog, pg_temp AS $fahrend$"));
    end(&s);
}
END_TEST

START_TEST(without_a_seal_the_function_reads_the_setting_and_an_empty_one_is_none)
{
    struct rls_options options = sealed_with(KEY, "");
    struct script s = {0};
    options.sealed = false;

    rls_sql_install(&options, note, &s);

    const char *sql = text_of(&s.sql);
    ck_assert_ptr_nonnull(strstr(sql, "SELECT NULLIF(current_setting('app.tenant', true), '')"));
    ck_assert_ptr_null(strstr(sql, "seal_key"));
    end(&s);
}
END_TEST

START_TEST(only_texts_uuids_and_integers_name_a_tenant)
{
    ck_assert_str_eq(rls_cast("varchar"), "text");
    ck_assert_str_eq(rls_cast("int4"), "integer");
    ck_assert_ptr_null(rls_cast("date"));
    ck_assert_ptr_null(rls_cast(""));
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("rls_sql");
    TCase *all = tcase_create("all");

    tcase_add_test(all, a_table_gets_a_forced_policy_for_reading_and_writing_and_a_default);
    tcase_add_test(all, beside_other_policies_a_restrictive_one_stands);
    tcase_add_test(all, the_cast_stands_where_it_is_evaluated_once);
    tcase_add_test(all, a_hostile_name_stays_a_name);
    tcase_add_test(all, keys_are_bound_and_never_written);
    tcase_add_loop_test(all, one_key_is_one_row, 0, sizeof spares / sizeof spares[0]);
    tcase_add_test(all, the_sealed_function_has_its_owners_rights_and_a_fixed_path);
    tcase_add_test(all, without_a_seal_the_function_reads_the_setting_and_an_empty_one_is_none);
    tcase_add_test(all, only_texts_uuids_and_integers_name_a_tenant);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
