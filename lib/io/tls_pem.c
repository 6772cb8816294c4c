/* SPDX-License-Identifier: MIT */

#include "io/tls_pem.h"

#include <openssl/err.h>

#include "base/error.h"
#include "io/tls_reason.h"

const char *ws__tls_pem_name(const struct ws__tls_pem *p)
{
    return p->file ? p->file : p->field;
}

BIO *ws__tls_pem_open(const struct ws__tls_pem *p)
{
    return p->file ? BIO_new_file(p->file, "r") : BIO_new_mem_buf(p->text, -1);
}

int ws__tls_pem_fail(const struct ws__tls_pem *p, const char *what,
                     ws_error *err)
{
    unsigned long fault = ERR_peek_error();

    ws__fail(err, WS_ERR_TLS, "TLS: %s: %s: %s", ws__tls_pem_name(p), what,
             ws__tls_reason(fault));
    ERR_clear_error();
    return WS_ERR_TLS;
}

int ws__tls_no_password(char *buf, int size, int writing, void *arg)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}
