// SPDX-License-Identifier: MIT
#include "proxy/message.h"

#include <string.h>

#include "script.h"
#include "testing.h"
#include "wire/build.h"

START_TEST(every_letter_has_its_class)
{
    for (int type = 0; type < 256; type++) {
        enum message_class should = type == 0                           ? CLASS_UNKNOWN
                                    : strchr("QPBDECSHF", type) != NULL ? CLASS_REQUEST
                                    : strchr("dcf", type) != NULL       ? CLASS_COPY
                                    : type == 'X'                       ? CLASS_TERMINATE
                                                                        : CLASS_UNKNOWN;

        ck_assert_int_eq(message_classify((uint8_t)type), should);
    }
}
END_TEST

START_TEST(every_message_that_is_answered_is_expected_to_be)
{
    static const char letters[] = "QFSPBDECcf";
    static const enum ledger_kind kinds[] = {
        LEDGER_QUERY,    LEDGER_FUNCTION, LEDGER_SYNC,  LEDGER_PARSE,    LEDGER_BIND,
        LEDGER_DESCRIBE, LEDGER_EXECUTE,  LEDGER_CLOSE, LEDGER_COPY_END, LEDGER_COPY_END};
    struct ledger ledger;
    ledger_init(&ledger);

    message_expect(&ledger, (uint8_t)letters[_i]);

    ck_assert_uint_eq(ledger.count, 1);
    ck_assert_int_eq(ledger_head(&ledger)->kind, kinds[_i]);
    ledger_fini(&ledger);
}
END_TEST

START_TEST(flush_and_a_copys_data_have_no_answer)
{
    struct ledger ledger;
    ledger_init(&ledger);

    message_expect(&ledger, 'H');
    message_expect(&ledger, 'd');

    ck_assert(ledger_empty(&ledger));
    ledger_fini(&ledger);
}
END_TEST

struct batch {
    const char *letters;
    const char *first; /* the first batch of them; "" where none is whole */
};

static const struct batch batches[] = {
    {"Q", "Q"},       {"QQ", "Q"},    {"PBES", "PBES"}, {"PBESPBES", "PBES"},
    {"PDH", "PDH"},   {"PBQ", "PBQ"}, {"F", "F"},       {"S", "S"},
    {"", ""},         {"PBE", ""},    {"X", ""},        {"PX", ""},
    {"ddcQ", "ddcQ"}, {"PBEX", ""},
};

START_TEST(a_batch_ends_with_its_query_function_call_sync_or_flush)
{
    struct buf bytes = {0};
    struct buf first = {0};
    script_client(&bytes, batches[_i].letters);
    script_client(&first, batches[_i].first);

    ck_assert_uint_eq(message_batch_size(buf_slice(&bytes)), first.len);

    buf_release(&bytes);
    buf_release(&first);
}
END_TEST

START_TEST(a_batch_that_is_cut_anywhere_is_none)
{
    struct buf bytes = {0};
    script_client(&bytes, "PBDES");

    for (size_t n = 0; n < bytes.len; n++) {
        ck_assert_uint_eq(message_batch_size(slice_head(buf_slice(&bytes), n)), 0);
    }

    buf_release(&bytes);
}
END_TEST

START_TEST(a_message_of_an_impossible_length_ends_no_batch)
{
    static const uint8_t bad[] = {'Q', 0, 0, 0, 3, 'S', 0, 0, 0, 4};

    ck_assert_uint_eq(message_batch_size(slice_of(bad, sizeof bad)), 0);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("message");
    TCase *all = tcase_create("all");

    tcase_add_test(all, every_letter_has_its_class);
    tcase_add_loop_test(all, every_message_that_is_answered_is_expected_to_be, 0, 10);
    tcase_add_test(all, flush_and_a_copys_data_have_no_answer);
    tcase_add_loop_test(all, a_batch_ends_with_its_query_function_call_sync_or_flush, 0,
                        (int)(sizeof batches / sizeof batches[0]));
    tcase_add_test(all, a_batch_that_is_cut_anywhere_is_none);
    tcase_add_test(all, a_message_of_an_impossible_length_ends_no_batch);
    suite_add_tcase(suite, all);
    return suite;
}

TEST_MAIN(make_suite)
