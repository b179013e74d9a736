/// Declarations of just the OpenSSL 3 and zlib functions that Kotohajime uses, linked by soname.
/// Source: OpenSSL 3.0 manual pages (man 3ssl), zlib.h.
#ifndef CTLS_H
#define CTLS_H
#include <stddef.h>
#include <stdint.h>

typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;
typedef struct ssl_method_st SSL_METHOD;
typedef struct ssl_session_st SSL_SESSION;
typedef struct x509_st X509;
typedef struct X509_req_st X509_REQ;
typedef struct X509_name_st X509_NAME;
typedef struct X509_name_entry_st X509_NAME_ENTRY;
typedef struct X509_extension_st X509_EXTENSION;
typedef struct x509_store_st X509_STORE;
typedef struct x509_store_ctx_st X509_STORE_CTX;
typedef struct X509_VERIFY_PARAM_st X509_VERIFY_PARAM;
typedef struct GENERAL_NAME_st GENERAL_NAME;
typedef struct stack_st OPENSSL_STACK;
typedef struct asn1_string_st ASN1_STRING;
typedef struct evp_pkey_st EVP_PKEY;
typedef struct evp_md_st EVP_MD;
typedef struct evp_md_ctx_st EVP_MD_CTX;
typedef struct evp_pkey_ctx_st EVP_PKEY_CTX;
typedef struct evp_cipher_st EVP_CIPHER;
typedef struct evp_cipher_ctx_st EVP_CIPHER_CTX;
typedef struct bio_st BIO;
typedef struct bio_method_st BIO_METHOD;
typedef struct bignum_st BIGNUM;
typedef struct ECDSA_SIG_st ECDSA_SIG;

/// Version text of the OpenSSL library that is loaded. `t` 0 asks for the full version.
const char *OpenSSL_version(int t);

// TLS: man 3ssl SSL_CTX_new, SSL_new, SSL_read, SSL_get_error.
const SSL_METHOD *TLS_server_method(void);
const SSL_METHOD *TLS_client_method(void);
SSL_CTX *SSL_CTX_new(const SSL_METHOD *method);
void SSL_CTX_free(SSL_CTX *context);
long SSL_CTX_ctrl(SSL_CTX *context, int command, long number, void *pointer);
uint64_t SSL_CTX_set_options(SSL_CTX *context, uint64_t options);
int SSL_CTX_use_certificate(SSL_CTX *context, X509 *certificate);
int SSL_CTX_use_PrivateKey(SSL_CTX *context, EVP_PKEY *key);
int SSL_CTX_check_private_key(const SSL_CTX *context);
X509_STORE *SSL_CTX_get_cert_store(const SSL_CTX *context);
int SSL_CTX_set_default_verify_paths(SSL_CTX *context);
void SSL_CTX_set_verify(SSL_CTX *context, int mode, int (*callback)(int, X509_STORE_CTX *));
int SSL_CTX_add_client_CA(SSL_CTX *context, X509 *certificate);
int SSL_CTX_set_session_id_context(SSL_CTX *context, const unsigned char *id, unsigned int length);
long SSL_CTX_set_timeout(SSL_CTX *context, long seconds);
int SSL_CTX_set_alpn_protos(SSL_CTX *context, const unsigned char *protocols, unsigned int length);
void SSL_CTX_set_alpn_select_cb(SSL_CTX *context,
    int (*callback)(SSL *, const unsigned char **, unsigned char *, const unsigned char *, unsigned int, void *),
    void *argument);
// Called with the name that a client asks for; `argument` is the callback's third. man 3ssl SSL_CTX_set_tlsext_servername_callback.
void ctls_set_name_callback(SSL_CTX *context, int (*callback)(SSL *, int *, void *), void *argument);
SSL_CTX *SSL_set_SSL_CTX(SSL *session, SSL_CTX *context);
SSL *SSL_new(SSL_CTX *context);
void SSL_free(SSL *session);
int SSL_set_fd(SSL *session, int descriptor);
void SSL_set_accept_state(SSL *session);
void SSL_set_connect_state(SSL *session);
int SSL_do_handshake(SSL *session);
int SSL_read(SSL *session, void *bytes, int count);
int SSL_write_ex(SSL *session, const void *bytes, size_t count, size_t *written);
int SSL_get_error(const SSL *session, int result);
int SSL_shutdown(SSL *session);
void SSL_set_shutdown(SSL *session, int mode);
long SSL_get_verify_result(const SSL *session);
X509 *SSL_get1_peer_certificate(const SSL *session);
int SSL_set1_host(SSL *session, const char *name);
X509_VERIFY_PARAM *SSL_get0_param(SSL *session);
long SSL_ctrl(SSL *session, int command, long number, void *pointer);
SSL_SESSION *SSL_get1_session(SSL *session);
int SSL_set_session(SSL *session, SSL_SESSION *resumed);
void SSL_SESSION_free(SSL_SESSION *session);
int SSL_SESSION_is_resumable(const SSL_SESSION *session);
int SSL_session_reused(const SSL *session);
const char *SSL_get_servername(const SSL *session, int type);
const char *SSL_get_version(const SSL *session);
int X509_VERIFY_PARAM_set1_ip_asc(X509_VERIFY_PARAM *parameters, const char *address);

// Errors: man 3ssl ERR_get_error.
unsigned long ERR_get_error(void);
unsigned long ERR_peek_last_error(void);
void ERR_clear_error(void);
const char *ERR_reason_error_string(unsigned long code);

// Memory, random bytes, digests: man 3ssl RAND_bytes, EVP_Digest, HMAC.
void CRYPTO_free(void *pointer, const char *file, int line);
int CRYPTO_memcmp(const void *left, const void *right, size_t count);
int RAND_bytes(unsigned char *bytes, int count);
const EVP_MD *EVP_sha1(void);
const EVP_MD *EVP_sha256(void);
int EVP_Digest(const void *bytes, size_t count, unsigned char *digest, unsigned int *size, const EVP_MD *type, void *engine);
EVP_MD_CTX *EVP_MD_CTX_new(void);
void EVP_MD_CTX_free(EVP_MD_CTX *context);
int EVP_DigestInit_ex(EVP_MD_CTX *context, const EVP_MD *type, void *engine);
int EVP_DigestUpdate(EVP_MD_CTX *context, const void *bytes, size_t count);
int EVP_DigestFinal_ex(EVP_MD_CTX *context, unsigned char *digest, unsigned int *size);
unsigned char *HMAC(const EVP_MD *type, const void *key, int keyCount, const unsigned char *bytes, size_t count,
    unsigned char *digest, unsigned int *size);

// Keys and signatures: man 3ssl EVP_PKEY_Q_keygen, EVP_DigestSign, ECDSA_SIG_new.
/// A new key on the curve P-256, or NULL.
EVP_PKEY *ctls_generate_p256(void);
/// A new RSA key of that many bits, or NULL.
EVP_PKEY *ctls_generate_rsa(size_t bits);
void EVP_PKEY_free(EVP_PKEY *key);
int EVP_PKEY_up_ref(EVP_PKEY *key);
int EVP_PKEY_get_base_id(const EVP_PKEY *key);
int EVP_PKEY_get_octet_string_param(const EVP_PKEY *key, const char *name, unsigned char *bytes, size_t most, size_t *count);
int EVP_PKEY_get_bn_param(const EVP_PKEY *key, const char *name, BIGNUM **number);
int EVP_DigestSignInit(EVP_MD_CTX *context, EVP_PKEY_CTX **key, const EVP_MD *type, void *engine, EVP_PKEY *pkey);
int EVP_DigestSign(EVP_MD_CTX *context, unsigned char *signature, size_t *size, const unsigned char *bytes, size_t count);
int EVP_DigestVerifyInit(EVP_MD_CTX *context, EVP_PKEY_CTX **key, const EVP_MD *type, void *engine, EVP_PKEY *pkey);
int EVP_DigestVerify(EVP_MD_CTX *context, const unsigned char *signature, size_t size, const unsigned char *bytes, size_t count);
ECDSA_SIG *ECDSA_SIG_new(void);
void ECDSA_SIG_free(ECDSA_SIG *signature);
ECDSA_SIG *d2i_ECDSA_SIG(ECDSA_SIG **signature, const unsigned char **bytes, long count);
int i2d_ECDSA_SIG(const ECDSA_SIG *signature, unsigned char **bytes);
void ECDSA_SIG_get0(const ECDSA_SIG *signature, const BIGNUM **r, const BIGNUM **s);
int ECDSA_SIG_set0(ECDSA_SIG *signature, BIGNUM *r, BIGNUM *s);
BIGNUM *BN_bin2bn(const unsigned char *bytes, int count, BIGNUM *number);
int BN_bn2binpad(const BIGNUM *number, unsigned char *bytes, int count);
int BN_num_bits(const BIGNUM *number);
void BN_free(BIGNUM *number);

// AES-256-GCM: man 3ssl EVP_EncryptInit.
EVP_CIPHER_CTX *EVP_CIPHER_CTX_new(void);
void EVP_CIPHER_CTX_free(EVP_CIPHER_CTX *context);
const EVP_CIPHER *EVP_aes_256_gcm(void);
int EVP_CIPHER_CTX_ctrl(EVP_CIPHER_CTX *context, int command, int number, void *pointer);
int EVP_EncryptInit_ex(EVP_CIPHER_CTX *context, const EVP_CIPHER *cipher, void *engine, const unsigned char *key, const unsigned char *iv);
int EVP_EncryptUpdate(EVP_CIPHER_CTX *context, unsigned char *out, int *size, const unsigned char *in, int count);
int EVP_EncryptFinal_ex(EVP_CIPHER_CTX *context, unsigned char *out, int *size);
int EVP_DecryptInit_ex(EVP_CIPHER_CTX *context, const EVP_CIPHER *cipher, void *engine, const unsigned char *key, const unsigned char *iv);
int EVP_DecryptUpdate(EVP_CIPHER_CTX *context, unsigned char *out, int *size, const unsigned char *in, int count);
int EVP_DecryptFinal_ex(EVP_CIPHER_CTX *context, unsigned char *out, int *size);

// PEM and DER: man 3ssl PEM_read_bio_X509, d2i_X509.
BIO *BIO_new_mem_buf(const void *bytes, int count);
BIO *BIO_new(const BIO_METHOD *method);
const BIO_METHOD *BIO_s_mem(void);
int BIO_read(BIO *bio, void *bytes, int count);
int BIO_free(BIO *bio);
EVP_PKEY *PEM_read_bio_PrivateKey(BIO *bio, EVP_PKEY **key, int (*callback)(char *, int, int, void *), void *argument);
int PEM_write_bio_PrivateKey(BIO *bio, const EVP_PKEY *key, const EVP_CIPHER *cipher, const unsigned char *password, int count,
    int (*callback)(char *, int, int, void *), void *argument);
EVP_PKEY *PEM_read_bio_PUBKEY(BIO *bio, EVP_PKEY **key, int (*callback)(char *, int, int, void *), void *argument);
int PEM_write_bio_PUBKEY(BIO *bio, const EVP_PKEY *key);
X509 *PEM_read_bio_X509(BIO *bio, X509 **certificate, int (*callback)(char *, int, int, void *), void *argument);
int PEM_write_bio_X509(BIO *bio, const X509 *certificate);
X509_REQ *PEM_read_bio_X509_REQ(BIO *bio, X509_REQ **request, int (*callback)(char *, int, int, void *), void *argument);
int PEM_write_bio_X509_REQ(BIO *bio, const X509_REQ *request);
int i2d_X509(const X509 *certificate, unsigned char **bytes);
int i2d_PUBKEY(const EVP_PKEY *key, unsigned char **bytes);

// Certificates: man 3ssl X509_new, X509_sign, X509_verify_cert.
X509 *X509_new(void);
void X509_free(X509 *certificate);
int X509_up_ref(X509 *certificate);
int X509_set_version(X509 *certificate, long version);
int X509_set_serialNumber(X509 *certificate, ASN1_STRING *serial);
const ASN1_STRING *X509_get0_serialNumber(const X509 *certificate);
ASN1_STRING *BN_to_ASN1_INTEGER(const BIGNUM *number, ASN1_STRING *integer);
const ASN1_STRING *X509_get0_notBefore(const X509 *certificate);
const ASN1_STRING *X509_get0_notAfter(const X509 *certificate);
int X509_set1_notBefore(X509 *certificate, const ASN1_STRING *time);
int X509_set1_notAfter(X509 *certificate, const ASN1_STRING *time);
ASN1_STRING *ASN1_TIME_set(ASN1_STRING *time, long seconds);
int ASN1_TIME_diff(int *days, int *seconds, const ASN1_STRING *from, const ASN1_STRING *to);
void ASN1_STRING_free(ASN1_STRING *string);
ASN1_STRING *ASN1_STRING_type_new(int type);
int ASN1_STRING_set(ASN1_STRING *string, const void *bytes, int count);
int ASN1_STRING_length(const ASN1_STRING *string);
const unsigned char *ASN1_STRING_get0_data(const ASN1_STRING *string);
int ASN1_STRING_to_UTF8(unsigned char **bytes, const ASN1_STRING *string);
X509_NAME *X509_get_subject_name(const X509 *certificate);
X509_NAME *X509_get_issuer_name(const X509 *certificate);
int X509_set_subject_name(X509 *certificate, const X509_NAME *name);
int X509_set_issuer_name(X509 *certificate, const X509_NAME *name);
X509_NAME *X509_NAME_new(void);
void X509_NAME_free(X509_NAME *name);
int X509_NAME_add_entry_by_NID(X509_NAME *name, int nid, int type, const unsigned char *bytes, int count, int place, int set);
int X509_NAME_get_index_by_NID(const X509_NAME *name, int nid, int last);
X509_NAME_ENTRY *X509_NAME_get_entry(const X509_NAME *name, int index);
ASN1_STRING *X509_NAME_ENTRY_get_data(const X509_NAME_ENTRY *entry);
EVP_PKEY *X509_get_pubkey(X509 *certificate);
int X509_set_pubkey(X509 *certificate, EVP_PKEY *key);
int X509_pubkey_digest(const X509 *certificate, const EVP_MD *type, unsigned char *digest, unsigned int *size);
int X509_sign(X509 *certificate, EVP_PKEY *key, const EVP_MD *digest);
int X509_check_private_key(const X509 *certificate, const EVP_PKEY *key);
X509_EXTENSION *X509V3_EXT_conf_nid(void *configuration, void *context, int nid, const char *value);
X509_EXTENSION *X509_EXTENSION_create_by_NID(X509_EXTENSION **extension, int nid, int critical, ASN1_STRING *data);
void X509_EXTENSION_free(X509_EXTENSION *extension);
int X509_add_ext(X509 *certificate, X509_EXTENSION *extension, int place);
void *X509_get_ext_d2i(const X509 *certificate, int nid, int *critical, int *index);
void *X509V3_get_d2i(const OPENSSL_STACK *extensions, int nid, int *critical, int *index);
void *GENERAL_NAME_get0_value(const GENERAL_NAME *name, int *type);
void GENERAL_NAMES_free(OPENSSL_STACK *names);
OPENSSL_STACK *OPENSSL_sk_new_null(void);
int OPENSSL_sk_push(OPENSSL_STACK *stack, const void *item);
int OPENSSL_sk_num(const OPENSSL_STACK *stack);
void *OPENSSL_sk_value(const OPENSSL_STACK *stack, int index);
void OPENSSL_sk_free(OPENSSL_STACK *stack);
/// Frees a list of extensions and the extensions in it.
void ctls_free_extensions(OPENSSL_STACK *extensions);
X509_STORE *X509_STORE_new(void);
void X509_STORE_free(X509_STORE *store);
int X509_STORE_add_cert(X509_STORE *store, X509 *certificate);
X509_STORE_CTX *X509_STORE_CTX_new(void);
void X509_STORE_CTX_free(X509_STORE_CTX *context);
int X509_STORE_CTX_init(X509_STORE_CTX *context, X509_STORE *store, X509 *certificate, OPENSSL_STACK *chain);
int X509_STORE_CTX_set_purpose(X509_STORE_CTX *context, int purpose);
void X509_STORE_CTX_set_time(X509_STORE_CTX *context, unsigned long flags, long time);
int X509_verify_cert(X509_STORE_CTX *context);
int X509_STORE_CTX_get_error(const X509_STORE_CTX *context);
const char *X509_verify_cert_error_string(long code);

// Certificate requests: man 3ssl X509_REQ_new.
X509_REQ *X509_REQ_new(void);
void X509_REQ_free(X509_REQ *request);
int X509_REQ_set_version(X509_REQ *request, long version);
int X509_REQ_set_subject_name(X509_REQ *request, const X509_NAME *name);
X509_NAME *X509_REQ_get_subject_name(const X509_REQ *request);
int X509_REQ_set_pubkey(X509_REQ *request, EVP_PKEY *key);
EVP_PKEY *X509_REQ_get_pubkey(X509_REQ *request);
int X509_REQ_add_extensions(X509_REQ *request, const OPENSSL_STACK *extensions);
OPENSSL_STACK *X509_REQ_get_extensions(X509_REQ *request);
int X509_REQ_sign(X509_REQ *request, EVP_PKEY *key, const EVP_MD *digest);
int X509_REQ_verify(X509_REQ *request, EVP_PKEY *key);

// Compression. Source: zlib.h 1.2.11 and later; the layout is part of its binary interface.
typedef struct {
    const unsigned char *next_in;
    unsigned int avail_in;
    unsigned long total_in;
    unsigned char *next_out;
    unsigned int avail_out;
    unsigned long total_out;
    const char *msg;
    void *state;
    void *zalloc;
    void *zfree;
    void *opaque;
    int data_type;
    unsigned long adler;
    unsigned long reserved;
} z_stream;
int deflateInit2_(z_stream *stream, int level, int method, int windowBits, int memLevel, int strategy, const char *version, int size);
int deflate(z_stream *stream, int flush);
int deflateEnd(z_stream *stream);
int deflateSetDictionary(z_stream *stream, const unsigned char *dictionary, unsigned int length);
int inflateInit2_(z_stream *stream, int windowBits, const char *version, int size);
int inflate(z_stream *stream, int flush);
int inflateReset(z_stream *stream);
int inflateSetDictionary(z_stream *stream, const unsigned char *dictionary, unsigned int length);
int inflateEnd(z_stream *stream);
const char *zlibVersion(void);
#endif
