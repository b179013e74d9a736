#include "CTLS.h"

EVP_PKEY *EVP_PKEY_Q_keygen(void *library, const char *properties, const char *type, ...);
void OPENSSL_sk_pop_free(OPENSSL_STACK *stack, void (*release)(void *));

EVP_PKEY *ctls_generate_p256(void) { return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"); }

EVP_PKEY *ctls_generate_rsa(size_t bits) { return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", bits); }

long SSL_CTX_callback_ctrl(SSL_CTX *context, int command, void (*callback)(void));

void ctls_set_name_callback(SSL_CTX *context, int (*callback)(SSL *, int *, void *), void *argument) {
    SSL_CTX_callback_ctrl(context, 53, (void (*)(void))callback);  // SSL_CTRL_SET_TLSEXT_SERVERNAME_CB
    SSL_CTX_ctrl(context, 54, 0, argument);                        // SSL_CTRL_SET_TLSEXT_SERVERNAME_ARG
}

static void release_extension(void *extension) { X509_EXTENSION_free(extension); }

void ctls_free_extensions(OPENSSL_STACK *extensions) { OPENSSL_sk_pop_free(extensions, release_extension); }
