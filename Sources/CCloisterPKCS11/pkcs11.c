#include "CCloisterPKCS11.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

// As much of PKCS #11 2.40 as is used here. CK_ULONG is unsigned long; nothing is packed on Unix.

typedef unsigned long rv_t;
typedef unsigned long handle_t;

typedef struct {
    unsigned long type;
    void *value;
    unsigned long length;
} attribute_t;

typedef struct {
    unsigned long mechanism;
    void *parameter;
    unsigned long length;
} mechanism_t;

typedef struct {
    uint8_t *nonce;
    unsigned long nonce_length;
    unsigned long nonce_bits;
    uint8_t *context;
    unsigned long context_length;
    unsigned long tag_bits;
} gcm_t;

typedef struct {
    void *create_mutex, *destroy_mutex, *lock_mutex, *unlock_mutex;
    unsigned long flags;
    void *reserved;
} initialize_t;

// The list of functions: a version, then pointers in the standard's order.
typedef struct {
    uint8_t major, minor;
    void *functions[68];
} list_t;

enum {
    INITIALIZE = 0, GET_SLOT_LIST = 4, GET_TOKEN_INFO = 6, OPEN_SESSION = 12, LOGIN = 18, FIND_INIT = 26, FIND = 27,
    FIND_FINAL = 28, ENCRYPT_INIT = 29, ENCRYPT = 30, DECRYPT_INIT = 33, DECRYPT = 34, GENERATE_KEY = 58,
};

enum {
    CKR_CRYPTOKI_ALREADY_INITIALIZED = 0x191, CKR_USER_ALREADY_LOGGED_IN = 0x100, CKF_OS_LOCKING_OK = 2,
    CKF_SESSION = 6, CKU_USER = 1, CKO_SECRET_KEY = 4, CKK_AES = 0x1f, CKM_AES_KEY_GEN = 0x1080, CKM_AES_GCM = 0x1087,
    CKA_CLASS = 0, CKA_TOKEN = 1, CKA_PRIVATE = 2, CKA_LABEL = 3, CKA_KEY_TYPE = 0x100, CKA_SENSITIVE = 0x103,
    CKA_ENCRYPT = 0x104, CKA_DECRYPT = 0x105, CKA_VALUE_LEN = 0x161, CKA_EXTRACTABLE = 0x162,
};

struct cloister_pkcs11 {
    list_t *list;
    handle_t session;
    handle_t key;
};

static char load_error[256];

const char *cloister_pkcs11_load_error(void) { return load_error; }

#define CALL(list, index, ...) ((rv_t (*)())(list)->functions[index])(__VA_ARGS__)

static rv_t load(const char *module, list_t **list) {
    void *library = dlopen(module, RTLD_NOW | RTLD_LOCAL);
    rv_t (*get_list)(list_t **) = library ? (rv_t (*)(list_t **))dlsym(library, "C_GetFunctionList") : NULL;
    if (!get_list) {
        const char *reason = dlerror();
        strncpy(load_error, reason ? reason : "no C_GetFunctionList", sizeof load_error - 1);
        return CLOISTER_PKCS11_NO_MODULE;
    }
    rv_t rv = get_list(list);
    if (rv) return rv;
    initialize_t arguments = {.flags = CKF_OS_LOCKING_OK};
    rv = CALL(*list, INITIALIZE, (void *)&arguments);
    return rv == CKR_CRYPTOKI_ALREADY_INITIALIZED ? 0 : rv;
}

// A token's information begins with its label: 32 bytes, filled up with spaces.
static int has_label(list_t *list, unsigned long slot, const char *label) {
    uint8_t info[512] = {0};
    size_t length = strlen(label);
    if (length > 32 || CALL(list, GET_TOKEN_INFO, slot, (void *)info)) return 0;
    for (size_t i = 0; i < 32; i++)
        if (info[i] != (i < length ? (uint8_t)label[i] : ' ')) return 0;
    return 1;
}

static rv_t find_slot(list_t *list, const char *label, unsigned long *slot) {
    unsigned long slots[64], count = 64;
    rv_t rv = CALL(list, GET_SLOT_LIST, (uint8_t)1, (void *)slots, (void *)&count);
    if (rv) return rv;
    for (unsigned long i = 0; i < count; i++) {
        if (!has_label(list, slots[i], label)) continue;
        *slot = slots[i];
        return 0;
    }
    return CLOISTER_PKCS11_NO_TOKEN;
}

static rv_t find_key(cloister_pkcs11 *token, const char *label, unsigned long *count) {
    unsigned long class = CKO_SECRET_KEY, type = CKK_AES;
    attribute_t template[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_KEY_TYPE, &type, sizeof type},
        {CKA_LABEL, (void *)label, strlen(label)},
    };
    handle_t found[2];
    rv_t rv = CALL(token->list, FIND_INIT, token->session, (void *)template, 3ul);
    if (rv) return rv;
    rv = CALL(token->list, FIND, token->session, (void *)found, 2ul, (void *)count);
    rv_t end = CALL(token->list, FIND_FINAL, token->session);
    if (!rv && *count) token->key = found[0];
    return rv ? rv : end;
}

static rv_t make_key(cloister_pkcs11 *token, const char *label) {
    uint8_t yes = 1, no = 0;
    unsigned long length = 32;
    attribute_t template[] = {
        {CKA_TOKEN, &yes, 1}, {CKA_PRIVATE, &yes, 1}, {CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &no, 1},
        {CKA_ENCRYPT, &yes, 1}, {CKA_DECRYPT, &yes, 1}, {CKA_VALUE_LEN, &length, sizeof length},
        {CKA_LABEL, (void *)label, strlen(label)},
    };
    mechanism_t mechanism = {CKM_AES_KEY_GEN, NULL, 0};
    return CALL(token->list, GENERATE_KEY, token->session, (void *)&mechanism, (void *)template, 8ul,
                (void *)&token->key);
}

unsigned long cloister_pkcs11_open(const char *module, const char *token_label, const char *pin, const char *key_label,
                                   cloister_pkcs11 **result) {
    cloister_pkcs11 token = {0};
    unsigned long slot = 0, count = 0;
    rv_t rv = load(module, &token.list);
    if (!rv) rv = find_slot(token.list, token_label, &slot);
    if (!rv) rv = CALL(token.list, OPEN_SESSION, slot, (unsigned long)CKF_SESSION, (void *)0, (void *)0,
                       (void *)&token.session);
    if (!rv) rv = CALL(token.list, LOGIN, token.session, (unsigned long)CKU_USER, (void *)pin, (unsigned long)strlen(pin));
    if (rv == CKR_USER_ALREADY_LOGGED_IN) rv = 0;
    if (!rv) rv = find_key(&token, key_label, &count);
    if (!rv && count > 1) rv = CLOISTER_PKCS11_MANY_KEYS;
    if (!rv && count == 0) rv = make_key(&token, key_label);
    if (rv) return rv;
    *result = malloc(sizeof token);
    if (!*result) return 2;  // CKR_HOST_MEMORY
    **result = token;
    return 0;
}

static rv_t crypt(cloister_pkcs11 *token, int init, int operation, const uint8_t nonce[12], const uint8_t *context,
                  size_t context_length, const uint8_t *input, size_t input_length, uint8_t *output,
                  size_t *output_length) {
    gcm_t gcm = {(uint8_t *)nonce, 12, 96, (uint8_t *)context, context_length, 128};
    mechanism_t mechanism = {CKM_AES_GCM, &gcm, sizeof gcm};
    rv_t rv = CALL(token->list, init, token->session, (void *)&mechanism, token->key);
    if (rv) return rv;
    unsigned long length = *output_length;
    rv = CALL(token->list, operation, token->session, (void *)input, (unsigned long)input_length, (void *)output,
              (void *)&length);
    *output_length = length;
    return rv;
}

unsigned long cloister_pkcs11_seal(cloister_pkcs11 *token, const uint8_t nonce[12], const uint8_t *context,
                                   size_t context_length, const uint8_t *input, size_t input_length, uint8_t *output,
                                   size_t *output_length) {
    return crypt(token, ENCRYPT_INIT, ENCRYPT, nonce, context, context_length, input, input_length, output,
                 output_length);
}

unsigned long cloister_pkcs11_open_sealed(cloister_pkcs11 *token, const uint8_t nonce[12], const uint8_t *context,
                                          size_t context_length, const uint8_t *input, size_t input_length,
                                          uint8_t *output, size_t *output_length) {
    return crypt(token, DECRYPT_INIT, DECRYPT, nonce, context, context_length, input, input_length, output,
                 output_length);
}
