/// What Swift's Glibc module lacks: variadic calls, system calls without a wrapper, and the code that
/// must run between clone and exec. Declares what is needed and includes no broad header.
#ifndef CLINUX_H
#define CLINUX_H
#include "CLinuxTerminal.h"
#include <stddef.h>
#include <stdint.h>
#include "CLinuxLaunch.h"

#include "CLinuxNetwork.h"

/// ioctl(2) with one pointer argument. Returns -1 and sets errno on failure.
int clinux_ioctl(int descriptor, unsigned long request, void *argument);
/// fcntl(2) with one integer argument. Returns -1 and sets errno on failure.
int clinux_fcntl(int descriptor, int command, int argument);
/// open(2) with a mode. Returns -1 and sets errno on failure.
int clinux_open(const char *path, int flags, unsigned int mode);

/// One answer of clinux_epoll_wait.
struct clinux_event {
    uint64_t token;
    uint32_t events;
};
/// epoll_create1(2) with close-on-exec.
int clinux_epoll_create(void);
/// epoll_ctl(2) EPOLL_CTL_ADD; `token` comes back with every event.
int clinux_epoll_add(int poll, int descriptor, uint32_t events, uint64_t token);
/// epoll_wait(2); `most` is at most 256.
int clinux_epoll_wait(int poll, struct clinux_event *events, int most, int milliseconds);
/// accept4(2), non-blocking, close-on-exec; `address` is a `struct sockaddr`.
int clinux_accept(int listener, void *address, unsigned int *length);
/// pipe2(2) with close-on-exec; `ends` has room for two descriptors, reading first.
int clinux_pipe(int *ends);
/// posix_spawn_file_actions_addclosefrom_np(3): the new program gets no descriptor from `first` on; `actions` is a
/// `posix_spawn_file_actions_t`.
int clinux_spawn_close_from(void *actions, int first);
/// eventfd(2), non-blocking, close-on-exec.
int clinux_eventfd(void);
#endif
