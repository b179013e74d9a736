/// Declarations of just the OpenSSL 3 and zlib functions that Kotohajime uses, linked by soname.
/// Source: OpenSSL 3.0 manual pages (man 3ssl), zlib.h.
#ifndef CTLS_H
#define CTLS_H
#include <stddef.h>
#include <stdint.h>

/// Version text of the OpenSSL library that is loaded. `t` 0 asks for the full version.
const char *OpenSSL_version(int t);
#endif
