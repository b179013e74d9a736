#define _GNU_SOURCE
#include "CLinuxLaunch.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <net/if.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <unistd.h>

enum { descriptors_max = 8 };

long clinux_send(int socket, const void *bytes, size_t length, const int *descriptors, int count) {
    if (count < 0 || count > descriptors_max) { errno = EINVAL; return -1; }
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = length};
    union { struct cmsghdr header; char space[CMSG_SPACE(sizeof(int) * descriptors_max)]; } control;
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.space;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
        memcpy(CMSG_DATA(header), descriptors, sizeof(int) * (size_t)count);
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL);
}

long clinux_receive(int socket, void *bytes, size_t length, int *descriptors, int most, int *count) {
    struct iovec part = {.iov_base = bytes, .iov_len = length};
    union { struct cmsghdr header; char space[CMSG_SPACE(sizeof(int) * descriptors_max)]; } control;
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space,
                             .msg_controllen = sizeof control.space};
    *count = 0;
    long received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (received < 0) return -1;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t found = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t index = 0; index < found; index++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(header) + index * sizeof(int), sizeof(int));
            if (*count < most) descriptors[(*count)++] = descriptor;
            else close(descriptor);
        }
    }
    return received;
}

int clinux_unshare(uint64_t flags) { return (int)syscall(SYS_unshare, flags); }
int clinux_setns(int descriptor, uint64_t flags) { return (int)syscall(SYS_setns, descriptor, flags); }
int clinux_pidfd_open(int pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }
int clinux_pidfd_signal(int pidfd, int number) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0);
}
int clinux_prctl(int option, unsigned long argument) { return prctl(option, argument, 0, 0, 0); }

int clinux_loopback_up(void) {
    int probe = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (probe < 0) return -1;
    struct ifreq request;
    memset(&request, 0, sizeof request);
    strcpy(request.ifr_name, "lo");
    int result = ioctl(probe, SIOCGIFFLAGS, &request);
    if (result == 0) {
        request.ifr_flags |= IFF_UP | IFF_RUNNING;
        result = ioctl(probe, SIOCSIFFLAGS, &request);
    }
    int saved = errno;
    close(probe);
    errno = saved;
    return result;
}

int clinux_window(int terminal, unsigned short rows, unsigned short columns) {
    struct winsize size = {.ws_row = rows, .ws_col = columns};
    return ioctl(terminal, TIOCSWINSZ, &size);
}

int clinux_open_in_root(int root, const char *path, int flags, unsigned int mode) {
    struct open_how how;
    memset(&how, 0, sizeof how);
    how.flags = (uint64_t)(flags | O_CLOEXEC);
    how.mode = flags & O_CREAT ? mode : 0;
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

static int unix_socket(const char *path, struct sockaddr_un *address) {
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    if (strlen(path) >= sizeof address->sun_path) { errno = ENAMETOOLONG; return -1; }
    strcpy(address->sun_path, path);
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

int clinux_unix_listen(const char *path) {
    struct sockaddr_un address;
    int listener = unix_socket(path, &address);
    if (listener < 0) return -1;
    unlink(path);
    mode_t before = umask(0177);
    int bound = bind(listener, (struct sockaddr *)&address, sizeof address);
    umask(before);
    if (bound == 0 && listen(listener, 64) == 0) return listener;
    int saved = errno;
    close(listener);
    errno = saved;
    return -1;
}

int clinux_unix_connect(const char *path) {
    struct sockaddr_un address;
    int client = unix_socket(path, &address);
    if (client < 0) return -1;
    if (connect(client, (struct sockaddr *)&address, sizeof address) == 0) return client;
    int saved = errno;
    close(client);
    errno = saved;
    return -1;
}

int clinux_child_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) return -1;
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int clinux_reap(int *code, int *number) {
    int status;
    int pid = waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return pid;
    *number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    *code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return pid;
}

int clinux_set_attribute(int file, const char *name, const void *value, size_t length) {
    return fsetxattr(file, name, value, length, 0);
}

int clinux_fork(void) { return fork(); }

int clinux_adopt_orphans(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

int clinux_spawn(const char *path, const char *way, const char *place, int input, int output) {
    const char *const argv[] = {path, way, place, NULL};
    const char *const envp[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    pid_t first = fork();
    if (first < 0) return -1;
    if (first == 0) {
        // Only system calls from here: other threads may hold the C library's locks.
        if (syscall(SYS_setsid) < 0) _exit(errno);
        pid_t second = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        if (second < 0) _exit(errno);
        if (second > 0) _exit(0);
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        int null = open("/dev/null", O_RDWR);
        if (dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(null, 2) < 0) _exit(125);
        if (syscall(SYS_close_range, 3u, ~0u, 0u) < 0) _exit(125);
        if (chdir("/") < 0) _exit(125);
        execve(path, (char *const *)argv, (char *const *)envp);
        _exit(127);
    }
    int status = 0;
    while (waitpid(first, &status, 0) < 0 && errno == EINTR) {}
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
    errno = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
    return -1;
}

int clinux_open_at(int folder, const char *path, int flags, unsigned int mode) {
    return openat(folder, path, flags, mode);
}
