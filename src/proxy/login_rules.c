// SPDX-License-Identifier: MIT
#include "proxy/login_rules.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "judge/judge.h"
#include "net/addr.h"

#define FILE_MAX (16 << 20) /* bytes */

/* ---- files ---- */

static int fail(struct err *err)
{
    return errno == ENOENT ? RULE_MISSING : err_set(err, ERR_CONFIG, "%s", strerror(errno));
}

/* A file that is no file (a pipe, a terminal) is refused: reading one could go on for ever. */
static int read_all(int fd, struct buf *out, struct err *err)
{
    struct stat st;
    ssize_t n;

    if (fstat(fd, &st) < 0) {
        return fail(err);
    }
    if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX) {
        return err_set(err, ERR_CONFIG, "is no file of at most %d bytes", FILE_MAX);
    }
    do {
        n = read(fd, buf_reserve(out, 65536), 65536);
        buf_commit(out, n > 0 ? (size_t)n : 0);
    } while ((n > 0 && buf_size(out) <= FILE_MAX) || (n < 0 && errno == EINTR));
    return n < 0 ? fail(err) : 0;
}

static int read_file(void *data, const char *path, struct buf *out, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    (void)data;
    if (fd < 0) {
        return fail(err);
    }
    int rc = read_all(fd, out, err);
    (void)close(fd);
    return rc;
}

static int is_rules(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);

    return entry->d_name[0] != '.' && n > 5 && strcmp(entry->d_name + n - 5, ".conf") == 0;
}

static int list_folder(void *data, const char *folder, void (*each)(void *arg, const char *path),
                       void *arg, struct err *err)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, is_rules, alphasort);

    (void)data;
    if (n < 0) {
        return err_set(err, ERR_CONFIG, "%s", strerror(errno));
    }
    for (int i = 0; i < n; i++) {
        char *path = x_printf("%s/%s", folder, entries[i]->d_name);
        each(arg, path);
        free(path);
        free(entries[i]);
    }
    free(entries);
    return 0;
}

/* ---- this machine's addresses ---- */

static bool take_interface(const struct ifaddrs *from, struct hba_interface *out)
{
    struct addr ip;
    struct addr mask;

    if (from->ifa_addr == NULL || from->ifa_netmask == NULL) {
        return false;
    }
    addr_from_sockaddr(&ip, from->ifa_addr);
    addr_from_sockaddr(&mask, from->ifa_netmask);
    if ((ip.family != AF_INET && ip.family != AF_INET6) || mask.family != ip.family) {
        return false;
    }
    out->size = ip.family == AF_INET ? 4 : 16;
    memcpy(out->ip, ip.ip, sizeof out->ip);
    memcpy(out->mask, mask.ip, sizeof out->mask);
    return true;
}

static struct hba_interface *own_interfaces(size_t *count)
{
    struct ifaddrs *list = NULL;
    struct hba_interface *out = NULL;
    size_t n = 0;

    if (getifaddrs(&list) < 0) {
        *count = 0;
        return NULL;
    }
    for (const struct ifaddrs *i = list; i != NULL; i = i->ifa_next) {
        out = x_realloc(out, (n + 1) * sizeof *out);
        n += take_interface(i, &out[n]) ? 1 : 0;
    }
    freeifaddrs(list);
    *count = n;
    return out;
}

/* ---- */

static void load_hba(struct login_rules *rules, const struct config *config,
                     const struct rule_source *source, struct rule_faults *faults)
{
    struct hba_options options = {.can_ask_roles = config->auth.query.server != NULL,
                                  .has_pam = judge_has_pam(),
                                  .has_ldap = judge_has_ldap()};
    struct hba_interface *interfaces = own_interfaces(&options.interface_count);

    options.interfaces = interfaces;
    rules->hba = hba_load(config->auth.hba_file, source, &options, faults);
    free(interfaces);
}

static bool knows_map(const void *data, const char *map)
{
    return ident_maps_has(data, map);
}

/* The keys of tokens, with a fault of the report where they cannot be read. */
static void load_tokens(struct login_rules *rules, const struct jwt_config *jwt,
                        struct rule_faults *faults)
{
    struct rule_token at = {.file = jwt->file, .line = 1, .column = 1};
    struct buf text = {0};
    struct err err = {0};

    if (jwt->file == NULL && jwt->url == NULL) {
        return;
    }
    int rc = jwt->file == NULL ? 0 : read_file(NULL, jwt->file, &text, &err);
    if (rc == 0) {
        rules->tokens = token_keys_new(jwt, buf_slice(&text), &err);
    }
    if (rules->tokens == NULL) {
        rule_fault(faults, &at, "%s", rc == RULE_MISSING ? "there is no such file" : err.text);
    }
    buf_release(&text);
}

int login_rules_load(struct login_rules *rules, const struct config *config, struct buf *report)
{
    const struct rule_source source = {.read = read_file, .list = list_folder};
    struct rule_faults faults = {.report = report};

    *rules = (struct login_rules){0};
    if (config->auth.ident_file != NULL) {
        rules->ident = ident_maps_load(config->auth.ident_file, &source, &faults);
    }
    if (config->auth.method == AUTH_HBA) {
        load_hba(rules, config, &source, &faults);
    }
    load_tokens(rules, &config->auth.jwt, &faults);
    if (rules->hba != NULL && faults.count == 0) {
        hba_check_maps(rules->hba, knows_map, rules->ident, &faults);
    }
    if (faults.count > 0) {
        login_rules_fini(rules);
    }
    return faults.count;
}

void login_rules_fini(struct login_rules *rules)
{
    hba_free(rules->hba);
    ident_maps_free(rules->ident);
    token_keys_free(rules->tokens);
    *rules = (struct login_rules){0};
}
