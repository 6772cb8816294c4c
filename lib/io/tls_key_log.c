/* SPDX-License-Identifier: MIT */

/* The secrets of connections, for whoever has to look into them. */

#include "io/tls_key_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/log.h"

static const char *key_log_file(void)
{
    return secure_getenv("SSLKEYLOGFILE");
}

static int key_log_open(void)
{
    return open(key_log_file(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
                0600);
}

/* In one write, since others may write there, too.  A failure is not logged: this
 * is inside of OpenSSL, and the log function may want to wait. */
static void key_log_line(const SSL *ssl, const char *line)
{
    const struct iovec v[] = { { (void *)line, strlen(line) }, { "\n", 1 } };
    int fd = key_log_open();

    (void)ssl;
    if (fd < 0)
        return;
    (void)!writev(fd, v, 2);
    close(fd);
}

void ws__tls_log_keys(SSL_CTX *ctx, const ws_tls *tls)
{
    if (!tls->key_log || !key_log_file())
        return;
    int fd = key_log_open();
    if (fd < 0) {
        ws__log(WS__LOG(WS_LOG_ERROR, "key_log_failed"), "TLS: %s: %s",
                key_log_file(), ws_strerror(-errno));
        return;
    }
    close(fd);
    SSL_CTX_set_keylog_callback(ctx, key_log_line);
    ws__log(WS__LOG(WS_LOG_WARNING, "key_log"),
            "TLS: the secrets of connections go to %s (key_log)",
            key_log_file());
}
