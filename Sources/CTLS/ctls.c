#include "CTLS.h"

EVP_PKEY *EVP_PKEY_Q_keygen(void *library, const char *properties, const char *type, ...);
void OPENSSL_sk_pop_free(OPENSSL_STACK *stack, void (*release)(void *));

EVP_PKEY *ctls_generate_p256(void) { return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"); }

EVP_PKEY *ctls_generate_rsa(size_t bits) { return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", bits); }

static void release_extension(void *extension) { X509_EXTENSION_free(extension); }

void ctls_free_extensions(OPENSSL_STACK *extensions) { OPENSSL_sk_pop_free(extensions, release_extension); }
