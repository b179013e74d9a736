#define _GNU_SOURCE
#include "CLinux.h"
#include <fcntl.h>
#include <sys/ioctl.h>
#include <spawn.h>

int clinux_ioctl(int descriptor, unsigned long request, void *argument) {
    return ioctl(descriptor, request, argument);
}

int clinux_fcntl(int descriptor, int command, int argument) { return fcntl(descriptor, command, argument); }

int clinux_open(const char *path, int flags, unsigned int mode) { return open(path, flags, mode); }

int clinux_spawn_close_from(void *actions, int first) {
    return posix_spawn_file_actions_addclosefrom_np(actions, first);
}
