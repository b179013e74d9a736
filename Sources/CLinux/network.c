#define _GNU_SOURCE
#include "CLinuxNetwork.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

int clinux_network_namespace_own(void) { return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC); }

int clinux_network_namespace_enter(int namespace_descriptor) { return setns(namespace_descriptor, CLONE_NEWNET); }

/* A thread that can not get back would act on the wrong network: there is no safe way on. */
static void go_back(int own) {
    int saved = errno;
    if (setns(own, CLONE_NEWNET) != 0) abort();
    close(own);
    errno = saved;
}

int clinux_network_socket(int namespace_descriptor, int domain, int type, int protocol) {
    if (namespace_descriptor < 0) return socket(domain, type, protocol);
    int own = clinux_network_namespace_own();
    if (own < 0) return -1;
    if (setns(namespace_descriptor, CLONE_NEWNET) != 0) {
        int saved = errno;
        close(own);
        errno = saved;
        return -1;
    }
    int result = socket(domain, type, protocol);
    go_back(own);
    return result;
}

int clinux_network_namespace_create(const char *path) {
    int own = clinux_network_namespace_own();
    if (own < 0) return -1;
    if (unshare(CLONE_NEWNET) != 0) {
        int saved = errno;
        close(own);
        errno = saved;
        return -1;
    }
    int result = mount("/proc/thread-self/ns/net", path, "none", MS_BIND, NULL);
    go_back(own);
    return result;
}

int clinux_network_namespace_unbind(const char *path) { return umount2(path, MNT_DETACH); }
