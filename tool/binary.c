/* SPDX-License-Identifier: MIT */

#include "binary.h"

#include <ctype.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

enum {
    BLOCK = 3 * 1024, /* bytes at a time: whole quanta */
};

void binary_write_hex(FILE *f, const void *data, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *p = data;

    for (size_t i = 0; i < n; i++) {
        putc_unlocked(digits[p[i] >> 4], f);
        putc_unlocked(digits[p[i] & 15], f);
    }
}

void binary_write_base64(FILE *f, const void *data, size_t n)
{
    unsigned char out[BLOCK / 3 * 4 + 1];
    const unsigned char *p = data;

    for (size_t i = 0; i < n; i += BLOCK) {
        size_t part = n - i < BLOCK ? n - i : BLOCK;

        EVP_EncodeBlock(out, p + i, (int)part);
        fputs((const char *)out, f);
    }
}

static size_t binary_skip_blanks(char *text, size_t n)
{
    size_t left = 0;

    for (size_t i = 0; i < n; i++)
        if (!isspace((unsigned char)text[i]))
            text[left++] = text[i];
    return left;
}

bool binary_read_hex(char *text, size_t *n)
{
    size_t digits = binary_skip_blanks(text, *n);

    for (size_t i = 0; i < digits / 2; i++) {
        int high = OPENSSL_hexchar2int((unsigned char)text[2 * i]);
        int low = OPENSSL_hexchar2int((unsigned char)text[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        text[i] = (char)(high << 4 | low);
    }
    *n = digits / 2;
    return digits % 2 == 0;
}

/* OpenSSL counts what "=" stands for as a byte, and takes one anywhere. */
bool binary_read_base64(char *text, size_t *n)
{
    size_t length = binary_skip_blanks(text, *n);
    size_t pads = 0;
    unsigned char out[BLOCK];

    while (pads < 2 && pads < length && text[length - 1 - pads] == '=')
        pads++;
    if (length % 4 != 0 || memchr(text, '=', length - pads))
        return false;
    *n = length / 4 * 3 - pads;
    for (size_t i = 0; i < length; i += BLOCK / 3 * 4) {
        size_t part = length - i < BLOCK / 3 * 4 ? length - i : BLOCK / 3 * 4;

        if (EVP_DecodeBlock(out, (unsigned char *)text + i, (int)part) < 0)
            return false;
        memcpy(text + i / 4 * 3, out, part / 4 * 3);
    }
    return true;
}
