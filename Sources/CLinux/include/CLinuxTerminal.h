/// Gives the terminal back when the program crashes: handlers that must be plain C, because nothing of Swift's
/// runtime may run in them.
#ifndef CLINUX_TERMINAL_H
#define CLINUX_TERMINAL_H
#include <stddef.h>

/// Keeps the terminal's present mode and a text of at most 256 bytes. On SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS,
/// SIGFPE and SIGSYS the text is written, the mode set again, and the signal raised once more.
/// Returns -1 when the text is too long or the descriptor is no terminal.
int clinux_terminal_arm(int descriptor, const char *text, size_t length);
/// Takes the handlers back. Call it when the terminal is restored.
void clinux_terminal_disarm(void);
#endif
