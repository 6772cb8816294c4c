/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_TLS_STATE_H
#define WS_IO_TLS_STATE_H

#include <openssl/ssl.h>

#include <silverback/fiber.h>
#include <silverback/tls.h>

#include "io/stream.h"

/* What a record holds (RFC 8446, section 5.1). */
#define WS__TLS_RECORD ((size_t)16 * 1024)

/* The words for what is wrong with a certificate. */
#define WS__TLS_WORDS 128

/* What only the handshake needs. */
struct ws__tls_shaking {
    const ws_tls *tls; /* of a client; NULL: this is a server */
    const char *peer;  /* whom a client expects; NULL: this is a server */
    bool resumes;      /* a client, if the server lets it */
    struct ws__tls_server *server; /* of a server, held */

    /* What is wrong with the peer's certificate, or the name it asks for; "":
     * nothing. */
    char words[WS__TLS_WORDS];
};

/* What is behind a stream with TLS.  An SSL object must not be used by two
 * threads at once, so lock is held around each call, none of which waits. */
struct ws__tls {
    struct ws__transport transport;
    ws_mutex lock;
    struct ws__stream beneath;
    SSL *ssl;

    bool drained;        /* in this call: to read more would find nothing */
    int read_error;      /* of beneath, sticky: WS_ERR_EOF or another code */
    int write_error;     /* the same */
    int error;           /* WS_ERR_TLS, when all is lost */
    unsigned long fault; /* why: OpenSSL's code */

    int useless; /* messages of TLS's own since the last byte of the peer's */

    bool notified;  /* the peer, that no more will be written */
    bool stuck;     /* a write waits for a message of TLS's own to be read, */
    ws_event again; /* set when it was */

    struct ws__tls_shaking *shaking; /* NULL once that is over */
    struct ws__tls_key *sessions;    /* where a client's go; NULL: nowhere */
};

#endif
