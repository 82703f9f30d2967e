// SPDX-License-Identifier: MIT
#include "auth/hba.h"

#include <arpa/inet.h>

#include "auth/ident_map.h"
#include "testing.h"

/* Files by name; the list ends with NULL. */
static const char *const *disk;
static struct buf report;
static struct rule_faults faults;

static int read_disk(void *data, const char *path, struct buf *out, struct err *err)
{
    (void)data;
    (void)err;
    for (size_t i = 0; disk[i] != NULL; i += 2) {
        if (strcmp(disk[i], path) == 0) {
            buf_append_slice(out, slice_str(disk[i + 1]));
            return 0;
        }
    }
    return RULE_MISSING;
}

static int list_disk(void *data, const char *folder, void (*each)(void *arg, const char *path),
                     void *arg, struct err *err)
{
    (void)data;
    (void)err;
    for (size_t i = 0; disk[i] != NULL; i += 2) {
        size_t n = strlen(folder);
        if (strncmp(disk[i], folder, n) == 0 && disk[i][n] == '/') {
            each(arg, disk[i]);
        }
    }
    return 0;
}

static const struct rule_source source = {.read = read_disk, .list = list_disk};
static const struct hba_interface own = {
    .size = 4, .ip = {192, 168, 1, 5}, .mask = {255, 255, 255, 0}};
static const struct hba_options options = {
    .interfaces = &own,
    .interface_count = 1,
    .can_ask_roles = true,
    .has_pam = true,
    .has_ldap = true,
};

static struct hba *load_files(const char *const *files)
{
    buf_release(&report);
    faults = (struct rule_faults){.report = &report};
    disk = files;
    return hba_load("/etc/hba.conf", &source, &options, &faults);
}

static struct hba *load(const char *text)
{
    const char *const files[] = {"/etc/hba.conf", text, NULL};
    struct hba *hba = load_files(files);

    buf_append_u8(&report, 0);
    ck_assert_msg(hba != NULL, "%s", (const char *)report.p);
    return hba;
}

/* The one fault of a file. */
static const char *fault_of(const char *text)
{
    const char *const files[] = {"/etc/hba.conf", text, NULL};

    ck_assert_ptr_null(load_files(files));
    buf_append_u8(&report, 0);
    ck_assert_msg(faults.count == 1, "%s", (const char *)report.p);
    return (const char *)report.p;
}

static struct hba_facts who(const char *ip, const char *user, const char *database)
{
    struct hba_facts facts = {.user = slice_str(user), .database = slice_str(database)};

    if (ip == NULL) {
        facts.transport = HBA_OVER_UNIX;
        return facts;
    }
    facts.transport = HBA_OVER_TCP;
    facts.ip_size = strchr(ip, ':') != NULL ? 16 : 4;
    ck_assert_int_eq(inet_pton(facts.ip_size == 4 ? AF_INET : AF_INET6, ip, facts.ip), 1);
    return facts;
}

/* The line of the rule that decides; 0 for none, -1 where roles are needed. */
static int line_for(const struct hba *hba, const struct hba_facts *facts)
{
    const struct hba_rule *rule;

    switch (hba_find(hba, facts, &rule)) {
    case HBA_FOUND:
        return rule->line;
    case HBA_NEEDS_ROLES:
        return -1;
    case HBA_NO_RULE:
        break;
    }
    return 0;
}

static int line_of(const struct hba *hba, const char *ip, const char *user, const char *database)
{
    struct hba_facts facts = who(ip, user, database);

    return line_for(hba, &facts);
}

START_TEST(the_first_rule_that_fits_decides)
{
    struct hba *hba = load("# comment\n"
                           "local all all peer\n"
                           "host app joe 10.0.0.0/8 reject\n"
                           "host app all 10.0.0.0/8 md5\n"
                           "host all all ::1/128 trust\n");

    ck_assert_int_eq(line_of(hba, NULL, "joe", "app"), 2);
    ck_assert_int_eq(line_of(hba, "10.9.9.9", "joe", "app"), 3);
    ck_assert_int_eq(line_of(hba, "10.9.9.9", "jim", "app"), 4);
    ck_assert_int_eq(line_of(hba, "::1", "jim", "other"), 5);
    ck_assert_int_eq(line_of(hba, "11.9.9.9", "jim", "app"), 0);
    ck_assert_int_eq(line_of(hba, "10.9.9.9", "jim", "other"), 0);
    hba_free(hba);
}
END_TEST

START_TEST(addresses_have_bits_or_a_mask)
{
    struct hba *hba = load("host all all 10.1.2.3 255.255.0.0 trust\n"
                           "host all all 172.16.0.0/12 trust\n"
                           "host all all 2001:db8::/33 trust\n"
                           "host all all samehost trust\n"
                           "host all all samenet trust\n"
                           "host all all 1.2.3.4/32 trust\n"
                           "host all all 0.0.0.0/0 trust\n");

    ck_assert_int_eq(line_of(hba, "10.1.200.1", "u", "d"), 1);
    ck_assert_int_eq(line_of(hba, "172.31.255.255", "u", "d"), 2);
    ck_assert_int_eq(line_of(hba, "172.32.0.0", "u", "d"), 7);
    ck_assert_int_eq(line_of(hba, "2001:db8:7fff::1", "u", "d"), 3);
    ck_assert_int_eq(line_of(hba, "2001:db8:8000::1", "u", "d"), 0);
    ck_assert_int_eq(line_of(hba, "192.168.1.5", "u", "d"), 4);
    ck_assert_int_eq(line_of(hba, "192.168.1.6", "u", "d"), 5);
    ck_assert_int_eq(line_of(hba, "1.2.3.4", "u", "d"), 6);
    ck_assert_int_eq(line_of(hba, "1.2.3.5", "u", "d"), 7);
    hba_free(hba);
}
END_TEST

START_TEST(names_are_keywords_lists_and_expressions)
{
    struct hba *hba = load("host sameuser all all trust\n"
                           "host \"all\" all all trust\n"
                           "host a,b,\"c d\" joe all trust\n"
                           "host /^db[0-9]+$ \"/^j.{1,2}$\" all trust\n");

    ck_assert_int_eq(line_of(hba, "1.1.1.1", "joe", "joe"), 1);
    ck_assert_int_eq(line_of(hba, "1.1.1.1", "joe", "all"), 2);
    ck_assert_int_eq(line_of(hba, "1.1.1.1", "joe", "x"), 0);
    ck_assert_int_eq(line_of(hba, "1.1.1.1", "jo", "db12"), 4);
    ck_assert_int_eq(line_of(hba, "1.1.1.1", "john", "db12"), 0);
    ck_assert_int_eq(line_of(hba, "1.1.1.1", "jo", "db"), 0);
    hba_free(hba);
}
END_TEST

START_TEST(a_list_goes_on_behind_its_comma)
{
    struct hba *hba = load("host a, b,\"c d\" joe all trust\n");

    ck_assert_int_eq(line_of(hba, "1.1.1.1", "joe", "b"), 1);
    ck_assert_int_eq(line_of(hba, "1.1.1.1", "joe", "c d"), 1);
    hba_free(hba);
}
END_TEST

START_TEST(quotes_and_continued_lines)
{
    struct hba *hba = load("host \"a\"\"b\" j\"o\"e \\\n  all \\\r\n trust # \"not a quote\n");

    ck_assert_int_eq(line_of(hba, "1.1.1.1", "joe", "a\"b"), 1);
    hba_free(hba);
}
END_TEST

START_TEST(encryption_counts)
{
    struct hba *hba = load("hostgssenc all all all trust\n"
                           "hostssl all all all trust\n"
                           "hostnossl all joe all trust\n"
                           "hostnogssenc all all all reject\n");
    struct hba_facts facts = who("1.1.1.1", "joe", "d");

    ck_assert_int_eq(line_for(hba, &facts), 3);
    facts.transport = HBA_OVER_TLS;
    ck_assert_int_eq(line_for(hba, &facts), 2);
    ck_assert_int_eq(line_of(hba, "1.1.1.1", "jim", "d"), 4);
    ck_assert_int_eq(line_of(hba, NULL, "jim", "d"), 0);
    hba_free(hba);
}
END_TEST

START_TEST(physical_replication_is_meant_by_its_keyword_only)
{
    struct hba *hba = load("host all all all trust\nhost \"replication\" all all trust\n"
                           "host replication all all reject\n");
    struct hba_facts facts = who("1.1.1.1", "joe", "d");

    facts.physical_replication = true;
    ck_assert_int_eq(line_for(hba, &facts), 3);
    hba_free(hba);
}
END_TEST

START_TEST(roles_are_asked_for_only_where_they_decide)
{
    struct hba *hba = load("host app joe all trust\n"
                           "host app +staff all md5\n"
                           "host samerole all all md5\n"
                           "host other all 9.9.9.9/32 trust\n");
    char name[] = "staff";
    char *names[] = {name};
    struct role_list roles = {.names = names, .count = 1};
    struct hba_facts facts = who("1.1.1.1", "jim", "app");

    ck_assert_int_eq(line_of(hba, "1.1.1.1", "joe", "app"), 1);
    ck_assert_int_eq(line_for(hba, &facts), -1);
    facts.roles = &roles;
    ck_assert_int_eq(line_for(hba, &facts), 2);
    facts.database = slice_str("staff");
    ck_assert_int_eq(line_for(hba, &facts), 3);
    roles.count = 0;
    ck_assert_int_eq(line_for(hba, &facts), 0);
    hba_free(hba);
}
END_TEST

START_TEST(a_rule_may_hold_for_some_tenants)
{
    struct hba *hba = load("host all all all trust tenant=acme,b*\n"
                           "host all all all md5 tenant=\"/^(x|y),z$\"\n"
                           "host all all all reject tenant=*\n");
    struct hba_facts facts = who("1.1.1.1", "jim", "app");

    ck_assert_int_eq(line_for(hba, &facts), 0);
    facts.tenant = slice_str("bravo");
    ck_assert_int_eq(line_for(hba, &facts), 1);
    facts.tenant = slice_str("zulu");
    ck_assert_int_eq(line_for(hba, &facts), 3);
    facts.tenant = slice_str("bravo");
    hba_free(hba);
    hba = load("host all all all trust \"tenant=acme,b*\"\n"
               "host all all all md5 \"tenant=/^(x|y)$\"\n");
    ck_assert_int_eq(line_for(hba, &facts), 1);
    facts.tenant = slice_str("y");
    ck_assert_int_eq(line_for(hba, &facts), 2);
    hba_free(hba);
}
END_TEST

START_TEST(names_that_postgresql_has_not_fit_nothing)
{
    struct hba *hba = load("host all all all trust\n");
    char name[65];

    memset(name, 'x', 64);
    name[64] = '\0';
    ck_assert_int_eq(line_of(hba, "1.1.1.1", name, "d"), 0);
    ck_assert_int_eq(line_of(hba, "1.1.1.1", "u", name), 0);
    ck_assert_int_eq(line_of(hba, "1.1.1.1", name + 1, "d"), 1);
    hba_free(hba);
}
END_TEST

START_TEST(files_are_taken_in)
{
    const char *const files[] = {"/etc/hba.conf",
                                 "include more/one.conf\n"
                                 "include_if_exists missing.conf\n"
                                 "include_dir more.d\n"
                                 "host @names all all trust\n",
                                 "/etc/more/one.conf",
                                 "host one all all trust\nhost @two all all trust\n",
                                 "/etc/more/two",
                                 "two\nzwei , deux # three\n",
                                 "/etc/more.d/a.conf",
                                 "\n\nhost folder all all trust\n",
                                 "/etc/names",
                                 "\"@x\" \"y z\"\n",
                                 NULL};
    struct hba *hba = load_files(files);
    const struct hba_rule *rule;
    struct hba_facts facts = who("1.1.1.1", "u", "folder");

    ck_assert_int_eq(faults.count, 0);
    ck_assert_int_eq(hba_find(hba, &facts, &rule), HBA_FOUND);
    ck_assert_str_eq(rule->file, "/etc/more.d/a.conf");
    ck_assert_int_eq(rule->line, 3);
    ck_assert_int_eq(line_of(hba, "1.1.1.1", "u", "one"), 1);
    ck_assert_int_eq(line_of(hba, "1.1.1.1", "u", "deux"), 2);
    ck_assert_int_eq(line_of(hba, "1.1.1.1", "u", "three"), 0);
    ck_assert_int_eq(line_of(hba, "1.1.1.1", "u", "@x"), 4);
    ck_assert_int_eq(line_of(hba, "1.1.1.1", "u", "y z"), 4);
    hba_free(hba);
}
END_TEST

static const struct {
    const char *text;
    const char *fault;
} bad[] = {
    {"hosts all all all trust", ":1:1: \"hosts\" is no type of connection"},
    {"host all", ":1:1: the line ends before the user"},
    {"local all all", ":1:1: the line ends before the method"},
    {"\n  host all all 10.0.0.0/33 trust", ":2:16: \"10.0.0.0/33\" has no valid number of bits"},
    {"host all all 10.0.0.0/8x trust", ":1:14: "},
    {"host all all 10.0.0.0 trust", ":1:23: \"trust\" is no mask for this address"},
    {"host all all 10.0.0.0 ffff:: trust", ":1:23: \"ffff::\" is no mask"},
    {"host all all db.example.com trust",
     ":1:14: \"db.example.com\" is no address; names of hosts"},
    {"host all all all ident", ":1:18: method \"ident\" is not supported"},
    {"host all all all gss", "method \"gss\" is not supported"},
    {"host all all all peer", "peer is for local connections only"},
    {"host all all all cert", "cert is for hostssl connections only"},
    {"host all all all md5 map=x", "map is for the methods cert and peer only"},
    {"host all all all md5 clientcert=verify-ca", "clientcert is for hostssl connections only"},
    {"hostssl all all all md5 clientcert=1", "clientcert is verify-ca or verify-full"},
    {"hostssl all all all cert clientcert=verify-ca", "with cert verify-full only"},
    {"host all all all md5 pamservice=x", ":1:22: option \"pamservice\" is not supported"},
    {"host all all all pam ldapserver=x", "option \"ldapserver\" is not supported"},
    {"host all all all pam pam_use_hostname=1", "names of hosts are not looked up"},
    {"host all all all ldap ldapserver=x ldapprefix=a pamservice=x", "\"pamservice\" is not"},
    {"host all all all ldap ldapprefix=a", ":1:1: ldap needs ldapserver"},
    {"host all all all ldap ldapserver=x", "needs ldapbasedn, ldapprefix or ldapsuffix"},
    {"host all all all ldap ldapserver=x ldapprefix=a ldapbasedn=b", "be searched for as well"},
    {"host all all all ldap ldapserver=x ldapbasedn=b ldapsearchattribute=c ldapsearchfilter=d",
     "exclude each other"},
    {"host all all all ldap ldapserver=x ldapbasedn=b ldapport=0", "\"0\" is no port"},
    {"host all all all ldap ldapserver=x ldapbasedn=b ldapport=70000", "\"70000\" is no port"},
    {"host all all all ldap ldapserver=x ldapbasedn=b ldaptls=yes", "ldaptls is 0 or 1"},
    {"host all all all ldap ldapserver=x ldapbasedn=b ldapscheme=http", "ldap or ldaps"},
    {"host all all all ldap ldapurl=http://x/b", "begins with ldap:// or ldaps://"},
    {"host all all all ldap ldapurl=ldap://x/b?"
     "?deep",
     "base, one or sub"},
    {"host all all all ldap ldapurl=ldap://x/b??"
     "?"
     "?!e",
     "extensions"},
    {"host all all all ldap ldapurl=ldap:///", "ldap needs ldapserver"},
    {"host all all all md5 nothing", "\"nothing\" is no option"},
    {"host all all all md5 tenant=", "tenant= names no tenant"},
    {"host all /( all md5", ":1:10: not a regular expression: \"(\""},
    {"host \"all all all md5", ":1:6: the quote is not closed"},
    {"host all all all trust\nhost ü \"x", ":2:8: the quote is not closed"},
    {"include", ":1:1: include takes one name"},
    {"include nothing.conf", ":1:9: /etc/nothing.conf: there is no such file"},
    {"host @nothing all all trust", ":1:6: /etc/nothing: there is no such file"},
    {"include hba.conf", "files are nested more than 10 deep"},
};

START_TEST(a_line_that_is_not_understood_refuses_the_file)
{
    const char *const files[] = {"/etc/hba.conf", bad[_i].text, NULL};

    ck_assert_ptr_null(load_files(files));
    ck_assert_int_ge(faults.count, 1);
    buf_append_u8(&report, 0);
    ck_assert_msg(strstr((const char *)report.p, bad[_i].fault) != NULL, "%s",
                  (const char *)report.p);
    ck_assert_int_eq(strncmp((const char *)report.p, "/etc/hba.conf:", 14), 0);
}
END_TEST

static const struct hba_service *service_of(const struct hba *hba)
{
    struct hba_facts facts = who("1.1.1.1", "u", "d");
    const struct hba_rule *rule;

    ck_assert_int_eq(hba_find(hba, &facts, &rule), HBA_FOUND);
    ck_assert_ptr_nonnull(rule->service);
    return rule->service;
}

START_TEST(a_directory_is_told_by_its_parts)
{
    struct hba *hba = load("host all all all ldap ldapserver=\"one two\" ldapport=3890 ldaptls=1 "
                           "ldapprefix=\"cn=\" ldapsuffix=\", dc=example, dc=net\"\n");
    const struct hba_service *service = service_of(hba);

    ck_assert(service->ldap && service->start_tls);
    ck_assert_str_eq(service->server, "one two");
    ck_assert_int_eq(service->port, 3890);
    ck_assert_str_eq(service->prefix, "cn=");
    ck_assert_str_eq(service->suffix, ", dc=example, dc=net");
    hba_free(hba);
}
END_TEST

START_TEST(a_directory_is_told_by_an_address)
{
    struct hba *hba = load("host all all all ldap ldapbinddn=cn=reader ldapbindpasswd=\"a b\" "
                           "ldapurl=\"ldaps://[::1]:6360/dc=a%2Cb,dc=net?mail?one\"\n");
    const struct hba_service *service = service_of(hba);

    ck_assert_str_eq(service->scheme, "ldaps");
    ck_assert_str_eq(service->server, "[::1]");
    ck_assert_int_eq(service->port, 6360);
    ck_assert_str_eq(service->base_dn, "dc=a,b,dc=net");
    ck_assert_str_eq(service->attribute, "mail");
    ck_assert_int_eq(service->scope, 1);
    ck_assert_str_eq(service->bind_password, "a b");
    hba_free(hba);
}
END_TEST

START_TEST(pam_has_a_service_or_the_usual_one)
{
    struct hba *hba = load("host all all all pam pamservice=mine pam_use_hostname=0\n");
    ck_assert_str_eq(service_of(hba)->pam_service, "mine");
    hba_free(hba);

    hba = load("host all all all pam\n");
    ck_assert_ptr_null(service_of(hba)->pam_service);
    hba_free(hba);
}
END_TEST

START_TEST(what_this_build_cannot_ask_is_a_fault)
{
    const struct hba_options none = {0};
    const char *const files[] = {"/etc/hba.conf", "host all all all pam\nhost all all all ldap\n",
                                 NULL};

    faults = (struct rule_faults){.report = &report};
    disk = files;
    ck_assert_ptr_null(hba_load("/etc/hba.conf", &source, &none, &faults));
    ck_assert_int_eq(faults.count, 2);
}
END_TEST

START_TEST(every_fault_is_told)
{
    const char *const files[] = {"/etc/hba.conf", "hosts\nlocal all all peer\nhost all\n", NULL};

    ck_assert_ptr_null(load_files(files));
    ck_assert_int_eq(faults.count, 2);
}
END_TEST

START_TEST(roles_cannot_be_asked_for_without_an_auth_query)
{
    const struct hba_options none = {0};
    const char *const files[] = {"/etc/hba.conf", "host all +staff all trust\n", NULL};

    faults = (struct rule_faults){.report = &report};
    disk = files;
    ck_assert_ptr_null(hba_load("/etc/hba.conf", &source, &none, &faults));
    ck_assert_int_eq(faults.count, 1);
}
END_TEST

START_TEST(maps_that_nobody_knows_are_a_fault)
{
    struct hba *hba = load("local all all peer map=m\n");
    const char *const files[] = {"/etc/ident.conf", "n joe joe\n", NULL};

    disk = files;
    struct ident_maps *maps = ident_maps_load("/etc/ident.conf", &source, &faults);
    ck_assert(ident_maps_has(maps, "n"));
    ck_assert(!ident_maps_has(maps, "m"));
    ident_maps_free(maps);
    hba_free(hba);
    ck_assert_str_eq(fault_of("x"), "/etc/hba.conf:1:1: \"x\" is no type of connection: local, "
                                    "host, hostssl, hostnossl, hostgssenc or hostnogssenc\n");
}
END_TEST

static bool maps_allow(const char *text, const char *map, const char *system, const char *user)
{
    const char *const files[] = {"/etc/ident.conf", text, NULL};

    faults = (struct rule_faults){.report = &report};
    disk = files;
    struct ident_maps *maps = ident_maps_load("/etc/ident.conf", &source, &faults);
    ck_assert_int_eq(faults.count, 0);
    bool allowed = ident_maps_allow(maps, map, slice_str(system), slice_str(user));
    ident_maps_free(maps);
    return allowed;
}

START_TEST(maps_say_who_may_be_whom)
{
    static const char text[] = "m joe app # comment\n"
                               "m root all\n"
                               "m \"/^(.*)@example\\.com$\" \"\\1\"\n"
                               "m /^x(.*) pre_\\1_post\n"
                               "o jim /^a\n";

    ck_assert(maps_allow(text, "m", "joe", "app"));
    ck_assert(!maps_allow(text, "m", "joe", "joe"));
    ck_assert(maps_allow(text, "m", "root", "anyone"));
    ck_assert(maps_allow(text, "m", "ann@example.com", "ann"));
    ck_assert(!maps_allow(text, "m", "ann@example.com", "bob"));
    ck_assert(!maps_allow(text, "m", "ann@example.community", "ann"));
    ck_assert(maps_allow(text, "m", "x1", "pre_1_post"));
    ck_assert(!maps_allow(text, "m", "x1", "pre_2_post"));
    ck_assert(maps_allow(text, "o", "jim", "app"));
    ck_assert(!maps_allow(text, "m", "jim", "app"));
    ck_assert(!maps_allow(text, "none", "joe", "app"));
    ck_assert(!maps_allow(text, "m", "", ""));
}
END_TEST

START_TEST(without_a_map_names_are_the_same)
{
    ck_assert(ident_maps_allow(NULL, NULL, slice_str("joe"), slice_str("joe")));
    ck_assert(!ident_maps_allow(NULL, NULL, slice_str("joe"), slice_str("Joe")));
    ck_assert(!ident_maps_allow(NULL, NULL, slice_str(""), slice_str("")));
    ck_assert(!ident_maps_allow(NULL, "m", slice_str("joe"), slice_str("joe")));
}
END_TEST

START_TEST(a_map_that_is_not_understood_refuses_the_file)
{
    static const char *const texts[] = {"m joe",    "m joe app x",  "m /( app",
                                        "m /x \\1", "m joe +staff", "m joe,jim app"};
    const char *const files[] = {"/etc/ident.conf", texts[_i], NULL};

    faults = (struct rule_faults){.report = &report};
    disk = files;
    ck_assert_ptr_null(ident_maps_load("/etc/ident.conf", &source, &faults));
    ck_assert_int_eq(faults.count, 1);
}
END_TEST

static void release(void)
{
    buf_release(&report);
}

static Suite *make_suite(void)
{
    Suite *suite = suite_create("hba");
    TCase *cases = tcase_create("hba");

    tcase_add_unchecked_fixture(cases, NULL, release);
    tcase_add_test(cases, the_first_rule_that_fits_decides);
    tcase_add_test(cases, addresses_have_bits_or_a_mask);
    tcase_add_test(cases, names_are_keywords_lists_and_expressions);
    tcase_add_test(cases, a_list_goes_on_behind_its_comma);
    tcase_add_test(cases, quotes_and_continued_lines);
    tcase_add_test(cases, encryption_counts);
    tcase_add_test(cases, physical_replication_is_meant_by_its_keyword_only);
    tcase_add_test(cases, roles_are_asked_for_only_where_they_decide);
    tcase_add_test(cases, a_rule_may_hold_for_some_tenants);
    tcase_add_test(cases, names_that_postgresql_has_not_fit_nothing);
    tcase_add_test(cases, files_are_taken_in);
    tcase_add_loop_test(cases, a_line_that_is_not_understood_refuses_the_file, 0,
                        sizeof bad / sizeof bad[0]);
    tcase_add_test(cases, every_fault_is_told);
    tcase_add_test(cases, a_directory_is_told_by_its_parts);
    tcase_add_test(cases, a_directory_is_told_by_an_address);
    tcase_add_test(cases, pam_has_a_service_or_the_usual_one);
    tcase_add_test(cases, what_this_build_cannot_ask_is_a_fault);
    tcase_add_test(cases, roles_cannot_be_asked_for_without_an_auth_query);
    tcase_add_test(cases, maps_that_nobody_knows_are_a_fault);
    tcase_add_test(cases, maps_say_who_may_be_whom);
    tcase_add_test(cases, without_a_map_names_are_the_same);
    tcase_add_loop_test(cases, a_map_that_is_not_understood_refuses_the_file, 0, 6);
    suite_add_tcase(suite, cases);
    return suite;
}

TEST_MAIN(make_suite)
