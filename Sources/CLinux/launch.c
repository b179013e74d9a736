#define _GNU_SOURCE
#include "CLinuxLaunch.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

// The C library's mount(2), which cannot be declared by its header beside linux/mount.h.
extern int mount(const char *, const char *, const char *, unsigned long, const void *);
extern int umount2(const char *, int);
enum { flag_readonly = 1, flag_remount = 32, flag_bind = 4096, flag_recursive = 16384, detach = 2 };

/// What the child tells its parent: one datagram each.
struct report {
    char kind;  // 'E' failure, 'O' oom score refused, 'D' steps done
    int error;
    char text[500];
};

struct child {
    const struct clinux_launch *launch;
    int channel;
    int slots[CLINUX_SLOTS_MAX];
};

static void tell(struct child *child, char kind, int error, const char *what, const char *subject) {
    struct report report;
    memset(&report, 0, sizeof report);
    report.kind = kind;
    report.error = error;
    size_t used = 0;
    for (const char *part = what; *part && used < sizeof report.text - 1; part++) report.text[used++] = *part;
    if (subject) {
        if (used < sizeof report.text - 1) report.text[used++] = ' ';
        for (const char *part = subject; *part && used < sizeof report.text - 1; part++) report.text[used++] = *part;
    }
    (void)!write(child->channel, &report, sizeof report);
}

static _Noreturn void fail(struct child *child, const char *what, const char *subject) {
    tell(child, 'E', errno, what, subject);
    _exit(125);
}

/// Makes every missing folder of `path`; the last part too when `all`.
static int make_folders(const char *path, mode_t mode, int all) {
    char buffer[4096];
    size_t length = strlen(path);
    if (length >= sizeof buffer) { errno = ENAMETOOLONG; return -1; }
    memcpy(buffer, path, length + 1);
    for (size_t index = 1; index < length; index++) {
        if (buffer[index] != '/') continue;
        buffer[index] = 0;
        if (mkdir(buffer, 0755) < 0 && errno != EEXIST && errno != EROFS) return -1;
        buffer[index] = '/';
    }
    if (!all) return 0;
    if (mkdir(buffer, mode) < 0) {
        struct stat info;
        if (errno == EEXIST || stat(buffer, &info) == 0) return 0;
        return -1;
    }
    return chmod(buffer, mode);
}

static int make_file(const char *path) {
    struct stat info;
    if (stat(path, &info) == 0) return 0;
    if (make_folders(path, 0755, 0) < 0) return -1;
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0) return -1;
    return close(file);
}

static int write_text(const char *path, const char *text, size_t length, int flags, mode_t mode) {
    int file = open(path, O_WRONLY | O_CLOEXEC | flags, mode);
    if (file < 0) return -1;
    while (length > 0) {
        ssize_t written = write(file, text, length);
        if (written < 0) { int saved = errno; close(file); errno = saved; return -1; }
        text += written;
        length -= (size_t)written;
    }
    return close(file);
}

static int set_attributes(int descriptor, const char *path, int flags, uint64_t set, uint64_t propagation) {
    struct mount_attr attributes = {.attr_set = set, .propagation = propagation};
    return (int)syscall(SYS_mount_setattr, descriptor, path, flags, &attributes, sizeof attributes);
}

static int mask(const char *path) {
    struct stat info;
    if (stat(path, &info) < 0) return 0;
    if (S_ISDIR(info.st_mode)) return mount("tmpfs", path, "tmpfs", flag_readonly, "size=0k");
    return mount("/dev/null", path, NULL, flag_bind, NULL);
}

static int make_readonly(const char *path) {
    struct stat info;
    if (stat(path, &info) < 0) return 0;
    if (mount(path, path, NULL, flag_bind | flag_recursive, NULL) < 0) return -1;
    return set_attributes(AT_FDCWD, path, AT_RECURSIVE, MOUNT_ATTR_RDONLY, 0);
}

static int perform(struct child *child, const struct clinux_step *step) {
    struct stat info;
    switch (step->kind & 0xFF) {
    case CLINUX_PROPAGATE:
        return mount(NULL, step->target, NULL, step->flags, NULL);
    case CLINUX_MOUNT:
        if (make_folders(step->target, 0755, 1) < 0 && stat(step->target, &info) < 0) return -1;
        return mount(step->source, step->target, step->type, step->flags, step->data);
    case CLINUX_TREE: {
        if (step->slot < 0 || step->slot >= CLINUX_SLOTS_MAX) { errno = EINVAL; return -1; }
        int tree = (int)syscall(SYS_open_tree, AT_FDCWD, step->source,
                                OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
        if (tree < 0) return -1;
        child->slots[step->slot] = tree;
        if (step->flags == 0 && step->mode == 0) return 0;
        return set_attributes(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, step->flags, step->mode);
    }
    case CLINUX_ATTACH: {
        if (step->slot < 0 || step->slot >= CLINUX_SLOTS_MAX || child->slots[step->slot] < 0) {
            errno = EINVAL;
            return -1;
        }
        int tree = child->slots[step->slot];
        if (fstat(tree, &info) < 0) return -1;
        if (S_ISDIR(info.st_mode)) {
            struct stat there;
            if (stat(step->target, &there) < 0 && make_folders(step->target, 0755, 1) < 0) return -1;
        } else if (make_file(step->target) < 0) {
            return -1;
        }
        int result = (int)syscall(SYS_move_mount, tree, "", AT_FDCWD, step->target, MOVE_MOUNT_F_EMPTY_PATH);
        close(tree);
        child->slots[step->slot] = -1;
        return result;
    }
    case CLINUX_FOLDER:
        return make_folders(step->target, (mode_t)step->mode, 1);
    case CLINUX_LINK:
        if (make_folders(step->target, 0755, 0) < 0) return -1;
        if (symlink(step->source, step->target) < 0 && errno != EEXIST) return -1;
        return 0;
    case CLINUX_FILE:
        if (make_folders(step->target, 0755, 0) < 0) return -1;
        return write_text(step->target, step->data, strlen(step->data), O_CREAT | O_TRUNC, (mode_t)step->mode);
    case CLINUX_ROOT:
        if (chdir(step->target) < 0) return -1;
        if (syscall(SYS_pivot_root, ".", ".") < 0) return -1;
        if (umount2(".", detach) < 0) return -1;
        return chdir("/");
    case CLINUX_MASK:
        return mask(step->target);
    case CLINUX_READONLY:
        return make_readonly(step->target);
    case CLINUX_ENTER:
        return chdir(step->target);
    case CLINUX_ATTRIBUTES:
        return set_attributes(AT_FDCWD, step->target, 0, step->flags, 0);
    }
    errno = EINVAL;
    return -1;
}

/// A master of the container's own devpts in `master`; its slave becomes the child's three streams.
static void open_terminal(struct child *child) {
    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0) fail(child, "opening a terminal at", "/dev/ptmx");
    int unlock = 0;
    if (ioctl(master, TIOCSPTLCK, &unlock) < 0) fail(child, "unlocking the terminal", NULL);
    int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0) fail(child, "opening the terminal's other end", NULL);
    if (child->launch->uid != 0) (void)!fchown(slave, child->launch->uid, (gid_t)-1);
    struct report report;
    memset(&report, 0, sizeof report);
    report.kind = 'T';
    if (clinux_send(child->channel, &report, sizeof report, &master, 1) < 0) fail(child, "handing over the terminal", NULL);
    if (ioctl(slave, TIOCSCTTY, 0) < 0) fail(child, "taking the terminal", NULL);
    if (dup2(slave, 0) < 0 || dup2(slave, 1) < 0 || dup2(slave, 2) < 0) fail(child, "using the terminal", NULL);
}

static void install_filter(struct child *child) {
    const struct clinux_launch *launch = child->launch;
    if (!launch->seccomp) return;
    struct sock_fprog program = {.len = launch->seccomp_count, .filter = (struct sock_filter *)launch->seccomp};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) fail(child, "installing the seccomp profile", NULL);
}

static void change_identity(struct child *child) {
    const struct clinux_launch *launch = child->launch;
    // The highest capability that this kernel knows ends the loop with EINVAL.
    for (int capability = 0; capability < 64; capability++) {
        if (launch->bounding & (1ull << capability)) continue;
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 && errno == EINVAL) break;
    }
    if (syscall(SYS_setgroups, (size_t)launch->group_count, launch->groups) < 0) fail(child, "setting the groups", NULL);
    if (syscall(SYS_setresgid, launch->gid, launch->gid, launch->gid) < 0) fail(child, "setting the group", NULL);
    if (launch->ambient && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0) fail(child, "keeping capabilities", NULL);
    if (syscall(SYS_setresuid, launch->uid, launch->uid, launch->uid) < 0) fail(child, "setting the user", NULL);
    if (launch->uid != 0 && !launch->ambient) return;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    uint32_t low = (uint32_t)launch->effective, high = (uint32_t)(launch->effective >> 32);
    struct __user_cap_data_struct data[2] = {
        {.effective = low, .permitted = low, .inheritable = (uint32_t)launch->ambient},
        {.effective = high, .permitted = high, .inheritable = (uint32_t)(launch->ambient >> 32)},
    };
    if (syscall(SYS_capset, &header, data) < 0) fail(child, "setting the capabilities", NULL);
    for (int capability = 0; capability < 64; capability++) {
        if (!(launch->ambient & (1ull << capability))) continue;
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0) fail(child, "raising capabilities", NULL);
    }
}

static const char *search_path(const char *const *environment) {
    for (const char *const *entry = environment; *entry; entry++)
        if (strncmp(*entry, "PATH=", 5) == 0) return *entry + 5;
    return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

static _Noreturn void execute(struct child *child) {
    const struct clinux_launch *launch = child->launch;
    const char *name = launch->argv[0];
    char *const *argv = (char *const *)launch->argv;
    char *const *envp = (char *const *)launch->envp;
    if (strchr(name, '/')) {
        execve(name, argv, envp);
        fail(child, "executing", name);
    }
    int refused = 0;
    const char *path = search_path(launch->envp);
    while (*path) {
        const char *end = strchr(path, ':');
        size_t length = end ? (size_t)(end - path) : strlen(path);
        char candidate[4096];
        if (length > 0 && length + strlen(name) + 2 < sizeof candidate) {
            memcpy(candidate, path, length);
            candidate[length] = '/';
            strcpy(candidate + length + 1, name);
            execve(candidate, argv, envp);
            if (errno == EACCES) refused = 1;
            else if (errno != ENOENT && errno != ENOTDIR) fail(child, "executing", candidate);
        }
        path += length;
        if (*path == ':') path++;
    }
    errno = refused ? EACCES : ENOENT;
    fail(child, "looking in PATH for", name);
}

/// Reaps orphans of a shared PID namespace until it is killed.
static _Noreturn void rest(void) {
    for (;;) {
        int status;
        if (waitpid(-1, &status, 0) < 0) pause();
    }
}

static _Noreturn void run_child(struct child *child) {
    const struct clinux_launch *launch = child->launch;
    setsid();
    for (int number = 1; number < 65; number++) signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    umask(0022);
    for (int index = 0; index < launch->cgroup_count; index++)
        if (write(launch->cgroups[index], "0", 1) < 0) fail(child, "joining the cgroup", NULL);
    if (launch->set_oom_score) {
        char text[16];
        int length = snprintf(text, sizeof text, "%d", launch->oom_score);
        if (write_text("/proc/self/oom_score_adj", text, (size_t)length, 0, 0) < 0)
            tell(child, 'O', errno, "oom_score_adj", NULL);
    }
    if (launch->join >= 0 && launch->join_flags)
        if (syscall(SYS_setns, launch->join, launch->join_flags) < 0) fail(child, "entering the container", NULL);
    if (launch->new_cgroup_namespace && syscall(SYS_unshare, CLONE_NEWCGROUP) < 0)
        fail(child, "making a cgroup namespace", NULL);
    umask(0);
    for (int index = 0; index < launch->step_count; index++) {
        const struct clinux_step *step = &launch->steps[index];
        if (perform(child, step) == 0 || (step->kind & CLINUX_OPTIONAL)) continue;
        fail(child, "preparing", step->target ? step->target : step->source);
    }
    umask(0022);
    if (launch->terminal) {
        open_terminal(child);
    } else {
        if (launch->input >= 0 && dup2(launch->input, 0) < 0) fail(child, "using the input", NULL);
        if (launch->output >= 0 && dup2(launch->output, 1) < 0) fail(child, "using the output", NULL);
        if (launch->errors >= 0 && dup2(launch->errors, 2) < 0) fail(child, "using the error output", NULL);
    }
    syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */);
    if (launch->files_max) {
        struct rlimit limit;
        if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
            if (launch->files_max < limit.rlim_max) limit.rlim_max = launch->files_max;
            if (limit.rlim_cur > limit.rlim_max || limit.rlim_cur < 1024) limit.rlim_cur = limit.rlim_max;
            setrlimit(RLIMIT_NOFILE, &limit);
        }
    }
    if (launch->pause) {
        if (launch->die_with_parent) prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        tell(child, 'D', 0, "", NULL);
        close(child->channel);
        rest();
    }
    if (!launch->argv) {
        tell(child, 'D', 0, "", NULL);
        _exit(0);
    }
    if (!launch->no_new_privileges) install_filter(child);
    // The folder may be one that only its user can enter, or only root.
    int entered = launch->cwd ? chdir(launch->cwd) == 0 : 1;
    if (launch->change_identity) change_identity(child);
    if (!entered && chdir(launch->cwd) < 0) fail(child, "entering the working directory", launch->cwd);
    if (launch->die_with_parent) prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (launch->no_new_privileges) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) fail(child, "setting no_new_privs", NULL);
        install_filter(child);
    }
    execute(child);
}

static int start_child(struct clinux_launch *launch) {
    int pidfd = -1;
    struct clone_args arguments;
    memset(&arguments, 0, sizeof arguments);
    arguments.flags = launch->clone_flags | CLONE_PIDFD;
    arguments.pidfd = (uint64_t)(uintptr_t)&pidfd;
    arguments.exit_signal = SIGCHLD;
    long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid > 0) launch->pidfd = pidfd;
    return (int)pid;
}

int clinux_launch(struct clinux_launch *launch) {
    int channel[2];
    launch->pidfd = -1;
    launch->master = -1;
    launch->error = 0;
    launch->oom_refused = 0;
    launch->failure[0] = 0;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0) {
        launch->error = errno;
        return -1;
    }
    // SIGKILL at the parent's end must not be lost between fork and prctl: the channel's end is seen instead.
    int pid = start_child(launch);
    if (pid == 0) {
        struct child child = {.launch = launch, .channel = channel[1]};
        for (int index = 0; index < CLINUX_SLOTS_MAX; index++) child.slots[index] = -1;
        close(channel[0]);
        run_child(&child);
    }
    close(channel[1]);
    if (pid < 0) {
        launch->error = errno;
        strcpy(launch->failure, "making the namespaces");
        close(channel[0]);
        return -1;
    }
    for (;;) {
        struct report report;
        int descriptor = -1, count = 0;
        long length = clinux_receive(channel[0], &report, sizeof report, &descriptor, 1, &count);
        if (length < 0 && errno == EINTR) continue;
        if (length < (long)sizeof report) break;
        if (report.kind == 'T' && count == 1) launch->master = descriptor;
        if (report.kind == 'O') launch->oom_refused = report.error;
        if (report.kind == 'E') {
            launch->error = report.error ? report.error : EIO;
            memcpy(launch->failure, report.text, sizeof report.text);
            launch->failure[sizeof report.text - 1] = 0;
        }
        if (report.kind == 'D') break;
    }
    close(channel[0]);
    if (!launch->error) return pid;
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    close(launch->pidfd);
    if (launch->master >= 0) close(launch->master);
    launch->pidfd = launch->master = -1;
    return -1;
}
