/// What Swift's Glibc module lacks: variadic calls, system calls without a wrapper, and the code that
/// must run between clone and exec. Declares what is needed and includes no broad header.
#ifndef CLINUX_H
#define CLINUX_H
#include "CLinuxTerminal.h"
#include <stddef.h>
#include <stdint.h>

/// ioctl(2) with one pointer argument. Returns -1 and sets errno on failure.
int clinux_ioctl(int descriptor, unsigned long request, void *argument);
/// fcntl(2) with one integer argument. Returns -1 and sets errno on failure.
int clinux_fcntl(int descriptor, int command, int argument);
/// open(2) with a mode. Returns -1 and sets errno on failure.
int clinux_open(const char *path, int flags, unsigned int mode);
#endif
