#include "CLinuxTerminal.h"
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

// Everything the handler needs lies here before it can run: it allocates nothing and calls only
// async-signal-safe functions (man 7 signal-safety).
static char restore_text[256];
static size_t restore_length;
static struct termios restore_mode;
static volatile sig_atomic_t is_armed;
static int restore_descriptor = 1;

static const int fatal[] = {SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGSYS};

static void on_fatal(int number) {
    if (is_armed) {
        is_armed = 0;
        size_t done = 0;
        while (done < restore_length) {
            ssize_t count = write(restore_descriptor, restore_text + done, restore_length - done);
            if (count <= 0) break;
            done += (size_t)count;
        }
        tcsetattr(restore_descriptor, TCSANOW, &restore_mode);
    }
    // SA_RESETHAND has put the default back: the program ends as it would have.
    raise(number);
}

int clinux_terminal_arm(int descriptor, const char *text, size_t length) {
    if (length > sizeof restore_text || tcgetattr(descriptor, &restore_mode) != 0) return -1;
    memcpy(restore_text, text, length);
    restore_length = length;
    restore_descriptor = descriptor;
    is_armed = 1;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_fatal;
    action.sa_flags = SA_RESETHAND | SA_NODEFER | SA_ONSTACK;
    for (size_t index = 0; index < sizeof fatal / sizeof *fatal; index++) {
        sigaction(fatal[index], &action, NULL);
    }
    return 0;
}

void clinux_terminal_disarm(void) {
    is_armed = 0;
    for (size_t index = 0; index < sizeof fatal / sizeof *fatal; index++) signal(fatal[index], SIG_DFL);
}
