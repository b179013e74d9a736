/// Network namespaces for the calling thread. Errors: -1 and errno unless said otherwise.
#ifndef CLINUX_NETWORK_H
#define CLINUX_NETWORK_H

/// Opens a socket inside the network namespace that `namespace_descriptor` refers to; -1 as descriptor means the
/// caller's own. The thread is back in its own namespace when this returns. Source: man 2 setns, man 7 netlink.
int clinux_network_socket(int namespace_descriptor, int domain, int type, int protocol);
/// Makes a new network namespace and binds it to the existing file `path`. The thread keeps its own namespace.
/// Source: man 2 unshare, man 7 namespaces.
int clinux_network_namespace_create(const char *path);
/// Detaches what is bound to `path`. Source: man 2 umount2.
int clinux_network_namespace_unbind(const char *path);
/// Opens the calling thread's network namespace.
int clinux_network_namespace_own(void);
/// Moves the calling thread into a network namespace.
int clinux_network_namespace_enter(int namespace_descriptor);
#endif
