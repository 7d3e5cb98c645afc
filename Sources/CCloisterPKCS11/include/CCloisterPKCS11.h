#ifndef CCLOISTER_PKCS11_H
#define CCLOISTER_PKCS11_H

// One AES-256 key in a PKCS #11 token: found by its label or made there, never taken out. Loads the token's module with
// dlopen, so that nothing is linked. Decides nothing. Every function but the last returns 0 or a PKCS #11 return value
// (CKR_…); the values below are this file's own.

#include <stddef.h>
#include <stdint.h>

enum {
    CLOISTER_PKCS11_NO_MODULE = 0x80000001u,      // the module can't be loaded
    CLOISTER_PKCS11_NO_TOKEN = 0x80000002u,       // no slot has a token of that label
    CLOISTER_PKCS11_MANY_KEYS = 0x80000003u,      // several keys have the label
};

typedef struct cloister_pkcs11 cloister_pkcs11;

/// Loads `module`, logs into the token `token_label` with `pin`, and finds the AES key `key_label`; makes it
/// (sensitive, not extractable) if there is none. The result belongs to the caller and is never closed.
unsigned long cloister_pkcs11_open(const char *module, const char *token_label, const char *pin, const char *key_label,
                                   cloister_pkcs11 **result);

/// AES-GCM with a 16 byte tag after the ciphertext. `*output_length` is the room on entry, what was written on return.
/// One call at a time.
unsigned long cloister_pkcs11_seal(cloister_pkcs11 *token, const uint8_t nonce[12], const uint8_t *context,
                                   size_t context_length, const uint8_t *input, size_t input_length, uint8_t *output,
                                   size_t *output_length);
unsigned long cloister_pkcs11_open_sealed(cloister_pkcs11 *token, const uint8_t nonce[12], const uint8_t *context,
                                          size_t context_length, const uint8_t *input, size_t input_length,
                                          uint8_t *output, size_t *output_length);

/// Why the last module could not be loaded.
const char *cloister_pkcs11_load_error(void);

#endif
