/// Starting a program in namespaces: everything that must run between clone and exec, where only system calls are
/// allowed. The plan is made elsewhere; this code follows it step by step and reports the first step that fails.
#ifndef CLINUX_LAUNCH_H
#define CLINUX_LAUNCH_H
#include <stddef.h>
#include <stdint.h>

/// What a step does. Paths in steps before CLINUX_ROOT are the node's, those after it are the container's.
enum {
    /// Sets the propagation `flags` (MS_PRIVATE, MS_SLAVE, … | MS_REC) of the mount at `target`.
    CLINUX_PROPAGATE = 1,
    /// mount(2) of `type` with `data` and `flags` at `target`, which is made when it is missing.
    CLINUX_MOUNT,
    /// Keeps a copy of the mount tree at `source` in `slot`, with the MOUNT_ATTR `flags` set and the propagation in
    /// `mode` (0: as it is). Source: man 2 open_tree, mount_setattr.
    CLINUX_TREE,
    /// Attaches the tree in `slot` at `target`; a missing target is made as a folder or a file, like the source.
    CLINUX_ATTACH,
    /// Makes the folder `target` and its parents, with `mode` for the last one when it was missing.
    CLINUX_FOLDER,
    /// Makes the symbolic link `target` with the text `source`; what exists stays.
    CLINUX_LINK,
    /// Writes `data` to the file `target`, made with `mode` when it is missing.
    CLINUX_FILE,
    /// Makes the mount at `target` the root and lets go of the old one. Source: man 2 pivot_root.
    CLINUX_ROOT,
    /// Hides the file or folder `target`; nothing happens when it is missing.
    CLINUX_MASK,
    /// Makes `target` and what is below it read-only; nothing happens when it is missing.
    CLINUX_READONLY,
    /// Changes the working directory to `target`.
    CLINUX_ENTER,
    /// Sets MOUNT_ATTR `flags` on the mount at `target` itself.
    CLINUX_ATTRIBUTES
};
/// A failing step of this kind is passed over. Added to the kind.
enum { CLINUX_OPTIONAL = 0x100 };
/// Trees that may be kept at once.
enum { CLINUX_SLOTS_MAX = 256 };

/// Namespaces by kind. Source: man 7 namespaces.
enum {
    CLINUX_NEW_MOUNTS = 0x00020000,
    CLINUX_NEW_CGROUP = 0x02000000,
    CLINUX_NEW_HOSTNAME = 0x04000000,
    CLINUX_NEW_IPC = 0x08000000,
    CLINUX_NEW_PROCESSES = 0x20000000,
    CLINUX_NEW_NETWORK = 0x40000000
};
/// mount(2) flags, and MOUNT_ATTR flags of mount_setattr(2).
enum {
    CLINUX_MS_READONLY = 1, CLINUX_MS_NOSUID = 2, CLINUX_MS_NODEV = 4, CLINUX_MS_NOEXEC = 8,
    CLINUX_MS_RECURSIVE = 16384, CLINUX_MS_PRIVATE = 1 << 18, CLINUX_MS_SLAVE = 1 << 19, CLINUX_MS_SHARED = 1 << 20,
    CLINUX_ATTR_READONLY = 1, CLINUX_ATTR_NOSUID = 2, CLINUX_ATTR_NODEV = 4, CLINUX_ATTR_NOEXEC = 8
};

struct clinux_step {
    int kind;
    int slot;
    uint64_t flags;
    uint64_t mode;
    const char *source;
    const char *target;
    const char *type;
    const char *data;
};

struct clinux_launch {
    /// CLONE_NEW… of the namespaces that are made.
    uint64_t clone_flags;
    /// A process whose namespaces are joined (pidfd), or -1, and which ones.
    int join;
    uint64_t join_flags;
    /// Open cgroup.procs files that the child joins before anything else.
    const int *cgroups;
    int cgroup_count;
    /// Unshare the cgroup namespace after joining the cgroups.
    int new_cgroup_namespace;
    const struct clinux_step *steps;
    int step_count;
    /// NULL argv: exit with 0 after the steps. `pause` instead of a program: reap orphans until killed.
    const char *const *argv;
    const char *const *envp;
    const char *cwd;
    int pause;
    uint32_t uid;
    uint32_t gid;
    const uint32_t *groups;
    int group_count;
    /// Change uid, gid, groups and capabilities at all.
    int change_identity;
    uint64_t bounding;
    uint64_t effective;
    uint64_t ambient;
    int no_new_privileges;
    /// An array of struct sock_filter, or NULL.
    const void *seccomp;
    unsigned short seccomp_count;
    /// oom_score_adj to set when `set_oom_score`; a refusal is a note, not a failure.
    int oom_score;
    int set_oom_score;
    /// 0: leave alone.
    uint64_t files_max;
    /// Descriptors that become 0, 1, 2; ignored with `terminal`.
    int input;
    int output;
    int errors;
    /// Open a terminal in the container and use it for 0, 1, 2.
    int terminal;
    /// Send SIGKILL to the child when its parent ends.
    int die_with_parent;

    /// Results: process descriptor, terminal master or -1, errno and text of what failed, refused oom score.
    int pidfd;
    int master;
    int error;
    int oom_refused;
    char failure[512];
};

/// Starts the child and returns its pid when the program is executed (or the steps are done, without one).
/// Returns -1 with `error` and `failure` set when any part of it fails; no child is left then.
/// The caller must be single-threaded or must not depend on the child's libc state: the child makes system calls only.
int clinux_launch(struct clinux_launch *launch);

/// Sends bytes with descriptors over a unix socket. Returns the bytes sent, or -1 with errno set.
long clinux_send(int socket, const void *bytes, size_t length, const int *descriptors, int count);
/// Receives bytes and at most `most` descriptors (close-on-exec). Returns the bytes, or -1 with errno set.
long clinux_receive(int socket, void *bytes, size_t length, int *descriptors, int most, int *count);

/// fork(2), for a single-threaded program.
int clinux_fork(void);
/// Starts `path way place` with these descriptors as 0 and 1, /dev/null as 2 and no others, in a session of its own, as a
/// process that is nobody's child: it does not have to be waited for. Safe in a program with threads.
/// Returns 0, or -1 and errno.
int clinux_spawn(const char *path, const char *way, const char *place, int input, int output);
int clinux_unshare(uint64_t flags);
int clinux_setns(int descriptor, uint64_t flags);
int clinux_pidfd_open(int pid);
int clinux_pidfd_signal(int pidfd, int signal);
int clinux_loopback_up(void);
/// PR_SET_CHILD_SUBREAPER of the caller.
int clinux_adopt_orphans(void);
int clinux_prctl(int option, unsigned long argument);
int clinux_window(int terminal, unsigned short rows, unsigned short columns);
/// Opens `path` as if `root` were the root folder: no link leads out of it. Source: man 2 openat2 RESOLVE_IN_ROOT.
int clinux_open_in_root(int root, const char *path, int flags, unsigned int mode);
/// openat(2) with a mode.
int clinux_open_at(int folder, const char *path, int flags, unsigned int mode);
/// A unix stream listener at `path` (at most 107 bytes) with mode 0600, or a connection to one; -1 and errno else.
int clinux_unix_listen(const char *path);
int clinux_unix_connect(const char *path);
/// A signalfd for SIGCHLD and SIGTERM, which become blocked.
int clinux_child_signals(void);
/// The next ended child: its pid, 0 when none has ended, -1 when there is none. `code` and `signal` are filled.
int clinux_reap(int *code, int *signal);
/// fsetxattr(2).
int clinux_set_attribute(int file, const char *name, const void *value, size_t length);
#endif
