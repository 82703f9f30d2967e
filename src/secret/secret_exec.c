// SPDX-License-Identifier: MIT
//
// A secret that a program prints, or is given. It gets our stderr, of our environment what every
// program needs and what the configuration names (the rest may hold others' secrets), to read what
// it is given or nothing, and a process group of its own, which is killed whole when it takes too
// long or prints too much. It must end with status 0. A process is watched by its descriptor
// (Linux 5.3), so that no signal and no other child of ours is touched.
#include "secret/secret_ops.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "secret/secret.h"

#define OUTPUT_MAX (SECRET_SIZE_MAX + 3) /* as of a file */

struct run {
    pid_t pid;
    int input;        /* what it is given, or -1 */
    int process;      /* its descriptor */
    int output;       /* what it prints */
    int64_t deadline; /* ms of the monotonic clock */
    char *bytes;      /* OUTPUT_MAX */
    size_t n;
};

static int64_t now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int fail_errno(struct err *err, const char *what, int code)
{
    return err_set(err, ERR_CONFIG, "%s: %s", what, strerror(code));
}

/* In the child: signals as a fresh program expects them, a group of its own. */
static void set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none;
    sigset_t fresh;

    (void)sigemptyset(&none);
    (void)sigfillset(&fresh);
    (void)posix_spawnattr_setsigmask(attributes, &none);
    (void)posix_spawnattr_setsigdefault(attributes, &fresh);
    (void)posix_spawnattr_setpgroup(attributes, 0);
    (void)posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                   POSIX_SPAWN_SETPGROUP);
}

/* The variable "NAME=value" of this name, or NULL. */
static char *find_variable(const char *name)
{
    size_t n = strlen(name);

    for (char **variable = environ; *variable != NULL; variable++) {
        if (strncmp(*variable, name, n) == 0 && (*variable)[n] == '=') {
            return *variable;
        }
    }
    return NULL;
}

static size_t add_variables(char **to, size_t n, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *variable = find_variable(names[i]);
        if (variable != NULL) {
            to[n++] = variable;
        }
    }
    return n;
}

/* What of ours it gets; the array is to be freed. */
static char **make_environment(const struct strings *variables)
{
    static const char *const usual[] = {"PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR"};
    size_t usual_count = sizeof usual / sizeof usual[0];
    char **environment = x_alloc((usual_count + variables->count + 1) * sizeof *environment);

    size_t n = add_variables(environment, 0, usual, usual_count);
    n = add_variables(environment, n, variables->items, variables->count);
    environment[n] = NULL;
    return environment;
}

/* Returns 0 or a positive errno, as posix_spawnp does. */
static int spawn(struct run *run, char *const *argv, char *const *environment, int out_fd)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;

    int result = posix_spawn_file_actions_init(&files);
    if (result != 0) {
        return result;
    }
    result = posix_spawnattr_init(&attributes);
    if (result != 0) {
        goto err_files;
    }
    set_attributes(&attributes);
    result = run->input < 0
                 ? posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
                 : posix_spawn_file_actions_adddup2(&files, run->input, STDIN_FILENO);
    if (result == 0) {
        result = posix_spawn_file_actions_adddup2(&files, out_fd, STDOUT_FILENO);
    }
    if (result == 0) {
        result = posix_spawnp(&run->pid, argv[0], &files, &attributes, argv, environment);
    }
    (void)posix_spawnattr_destroy(&attributes);
err_files:
    (void)posix_spawn_file_actions_destroy(&files);
    return result;
}

/* The arguments with NULL behind the last; the array is to be freed. */
static char **copy_argv(const struct strings *argv)
{
    char **copy = x_alloc((argv->count + 1) * sizeof *copy);

    for (size_t i = 0; i < argv->count; i++) {
        copy[i] = (char *)argv->items[i]; /* posix_spawn does not write to them */
    }
    copy[argv->count] = NULL;
    return copy;
}

static void kill_group(const struct run *run)
{
    (void)kill(-run->pid, SIGKILL);
}

/* Collects the process, which has ended or was killed. Returns its status, or -1. */
static int reap(const struct run *run)
{
    int status = -1;

    while (waitpid(run->pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return -1;
        }
    }
    return status;
}

static int start(struct run *run, const struct secret_program *program, struct err *err)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0) {
        return fail_errno(err, "cannot be started", errno);
    }
    char **words = copy_argv(&program->argv);
    char **environment = make_environment(program->variables);
    int code = spawn(run, words, environment, ends[1]);
    free(environment);
    free(words);
    (void)close(ends[1]);
    if (code != 0) {
        (void)close(ends[0]);
        return fail_errno(err, "cannot be started", code);
    }
    run->output = ends[0];
    run->process = (int)syscall(SYS_pidfd_open, run->pid, 0);
    if (run->process < 0) {
        code = errno;
        kill_group(run);
        (void)reap(run);
        (void)close(run->output);
        return fail_errno(err, "cannot be watched", code);
    }
    return 0;
}

/* Waits until the descriptor is readable, or for the deadline. */
static int wait_for(const struct run *run, int fd, struct err *err)
{
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left = run->deadline - now_ms();
        int n = left <= 0 ? 0 : poll(&p, 1, (int)left);
        if (n > 0) {
            return 0;
        }
        if (n == 0) {
            return err_set(err, ERR_CONFIG, "took too long");
        }
        if (errno != EINTR) {
            return fail_errno(err, "cannot be watched", errno);
        }
    }
}

/* Reads until the program closes its output. */
static int read_output(struct run *run, struct err *err)
{
    for (;;) {
        int result = wait_for(run, run->output, err);
        if (result < 0) {
            return result;
        }
        ssize_t n = read(run->output, run->bytes + run->n, OUTPUT_MAX - run->n);
        if (n < 0 && errno != EINTR) {
            return fail_errno(err, "cannot be read from", errno);
        }
        if (n == 0) {
            return 0;
        }
        run->n += n < 0 ? 0 : (size_t)n;
        if (run->n == OUTPUT_MAX) {
            return err_set(err, ERR_CONFIG, "prints more than %d bytes", SECRET_SIZE_MAX);
        }
    }
}

static int check_status(int status, struct secret_program *program, struct err *err)
{
    if (status == 0) {
        return 0;
    }
    if (status > 0 && WIFEXITED(status)) {
        program->status = WEXITSTATUS(status);
        return err_set(err, ERR_CONFIG, "ended with status %d", WEXITSTATUS(status));
    }
    if (status > 0 && WIFSIGNALED(status)) {
        return err_set(err, ERR_CONFIG, "was ended by signal %d", WTERMSIG(status));
    }
    return err_set(err, ERR_CONFIG, "ended in a way that cannot be known");
}

/* Reads, waits, collects; whatever happens, the process is gone afterwards. */
static int follow(struct run *run, struct secret_program *program, char **out, struct err *err)
{
    int result = read_output(run, err);

    if (result == 0) {
        result = wait_for(run, run->process, err);
    }
    if (result < 0) {
        kill_group(run);
        (void)reap(run);
        return result;
    }
    result = check_status(reap(run), program, err);
    return result < 0 || out == NULL ? result : secret_take(run->bytes, run->n, out, err);
}

/* A pipe that holds the input and has no writer any more. A secret is no longer than what the
 * kernel keeps of a pipe, so that nobody needs to go on writing. */
static int fill_input(struct run *run, const char *input, struct err *err)
{
    int ends[2];
    size_t n = strlen(input);

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
        return fail_errno(err, "cannot be started", errno);
    }
    ssize_t written = write(ends[1], input, n);
    (void)close(ends[1]);
    /* The program must find an ordinary pipe. */
    if (written != (ssize_t)n || fcntl(ends[0], F_SETFL, 0) < 0) {
        (void)close(ends[0]);
        return err_set(err, ERR_CONFIG, "cannot be given the secret");
    }
    run->input = ends[0];
    return 0;
}

static int run_program(struct run *run, struct secret_program *program, char **out, struct err *err)
{
    int result = program->input == NULL ? 0 : fill_input(run, program->input, err);

    if (result == 0) {
        result = start(run, program, err);
    }
    if (run->input >= 0) {
        (void)close(run->input);
    }
    if (result == 0) {
        run->bytes = x_alloc(OUTPUT_MAX);
        result = follow(run, program, out, err);
        secure_zero(run->bytes, OUTPUT_MAX);
        free(run->bytes);
        (void)close(run->output);
        (void)close(run->process);
    }
    return result;
}

int secret_program_run(struct secret_program *program, char **out, struct err *err)
{
    struct run run = {.deadline = now_ms() + program->timeout_ms, .input = -1};

    program->status = 0;
    int result = run_program(&run, program, out, err);
    if (result < 0) {
        err_wrap(err, "%s", program->argv.items[0]);
    }
    return result;
}

int secret_exec_resolve(const struct secret_ref *ref, char **out, struct err *err)
{
    struct secret_program program = {
        .argv = ref->argv, .variables = ref->variables, .timeout_ms = SECRET_EXEC_TIMEOUT_MS};

    return secret_program_run(&program, out, err);
}
