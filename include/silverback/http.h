/* SPDX-License-Identifier: MIT */

#ifndef SILVERBACK_HTTP_H
#define SILVERBACK_HTTP_H

#include "base.h"
#include "fiber.h"
#include "tls.h"

WS_BEGIN_DECLS

/* A header field.  Lists of them end with {0}. */
typedef struct ws_header {
    const char *name;
    const char *value;
} ws_header;

/* A parsed request.  It and its strings, NUL-terminated, live until its handler
 * returns, upgraded or not.  Only the handler may use it.  Behind a proxy,
 * host, remote_addr and tls are the client's own: see ws_server.trusted_proxies. */
typedef struct ws_request {
    const char *method;
    const char *target; /* as sent; raw bytes above ASCII are let through */
    const char *path;   /* percent-decoded, "." and ".." removed */
    const char *query;  /* after '?', else "" */
    const char *host;
    const char *remote_addr; /* "192.0.2.1:80", "[2001:db8::1]:80", without a
                              * port where a proxy did not say it; "unix:path",
                              * with "\n", "\x1b", ... for what is no text in
                              * it; or "" */
    const ws_header *headers;
    const char *body; /* whole, de-chunked; never NULL */
    size_t body_len;
    bool tls;
    ws_error error;                 /* why ws_upgrade refused it */
    const struct ws_request *self_; /* the library's own: a request that it did
                                     * not make, or a copy, is WS_ERR_INVALID
                                     * wherever it is given */
    int body_fd; /* the file that the body is in, too, if it is larger than
                  * ws_server.body_file_above, at its beginning; else -1.  It
                  * has no name, and is closed with the request */
} ws_request;

/* The first value of a header, or NULL.  Names match in any case. */
WS_API const char *ws_header_get(const ws_header *headers, const char *name);

/* ---- What was sent with it ---------------------------------------------- */

/* A parameter or a cookie.  Lists of them end with {0}; names may be in them
 * more than once, and are told apart by case. */
typedef struct ws_param {
    const char *name; /* "" if there was only a value */
    const char *value;
} ws_param;

/* The first value of a name in a list, or NULL. */
WS_API const char *ws_param_get(const ws_param *params, const char *name);

/*
 * All parameters of the query, all fields of a form (a body whose Content-Type
 * is application/x-www-form-urlencoded; else there are none), all cookies, in
 * the order in which they were sent, at most 1024.  Never NULL; empty, too, when
 * memory ran out.  They live as long as the request.
 *
 *     const char *room = ws_param_get(ws_query(r), "room");
 *
 * Parameters are decoded: %41 is A and + a blank (WHATWG URL, section 5.1).  An
 * escape that is none stays as it was sent, as does %00, which no string could
 * hold.  Cookies (RFC 6265, section 4.2.1) are not, but for quotes around a
 * value.  Nobody says that any of it is UTF-8.
 */
WS_API const ws_param *ws_query(ws_request *r);
WS_API const ws_param *ws_form(ws_request *r);
WS_API const ws_param *ws_cookies(ws_request *r);

/*
 * The certificate that the client has shown: verified, see ws_tls.client_certs.
 * NULL when it has shown none, when memory ran out, or once the request is
 * upgraded, unless it was asked for before: the connection has it then
 * (ws_conn_cert).  It lives as long as the request.
 */
WS_API const ws_cert *ws_request_cert(const ws_request *r);

/* ---- Answers ------------------------------------------------------------ */

/*
 * Answer a request that is not upgraded.  At most one answer per request, a
 * second gets WS_ERR_INVALID, as does a status outside of 200 .. 599, a header's
 * name that is none, or a body that is NULL and longer than 0; a handler that
 * gives no answer is answered for, with 500.  Control bytes in a header's value
 * become blanks.  Content-Length, Date, Connection and Transfer-Encoding are the
 * library's; {"Connection", "close"} is heard.
 *
 * It may take as long as the client goes on taking it.  Returns 0 once the
 * kernel has all of it, WS_ERR_DEAD when the client acknowledged nothing for the
 * server's write_timeout_ms, or a negated errno.
 */
WS_API int ws_reply(ws_request *r, int status, const ws_header *headers,
                    const void *body, size_t len);
WS_API int ws_reply_text(ws_request *r, int status, const char *text);
WS_API int ws_reply_html(ws_request *r, int status, const char *html);
WS_API int ws_reply_json(ws_request *r, int status, const char *json);

/*
 * Send the client elsewhere: 301 and 308 for good, 302 and 307 for now, 303 to
 * what it is to GET next.  Of these 307 and 308 keep the method.  location may
 * be a path; it is sent as it is but for bytes that no URI may have, which are
 * percent-encoded.  That it leads to a place of yours is for you to see to: to a
 * browser "//host/" is another host.
 *
 * Returns what ws_reply does; WS_ERR_INVALID for another status, or a location
 * that is NULL, empty or has a control byte in it: then nothing was sent.
 */
WS_API int ws_redirect(ws_request *r, int status, const char *location);

/*
 * Serve the file root + r->path to GET and HEAD: with a type by its suffix, an
 * ETag and Last-Modified made of its size and its time, in pieces of 64 KiB that
 * helper threads read, in as much time as any answer.
 *
 * 404 for what is not there or no regular file; for a name that begins with a
 * dot, or lies beneath one, but for /.well-known/; and for a way out of root,
 * where a symbolic link may lead elsewhere but not out.  A folder's file is its
 * index.html; its path without a slash at the end is redirected (301) to the one
 * with.  405 for other methods.
 *
 * Conditions are heard in the order of RFC 9110, section 13.2.2 (If-Match,
 * If-Unmodified-Since, If-None-Match, If-Modified-Since): 412 or 304.  Of a
 * Range one range is sent, as 206, unless If-Range says that the file has
 * changed; one that lies behind the end gets 416; several, and what is
 * malformed, get the whole file.  A file that changed less than two seconds ago
 * has a weak tag, and parts are then not good for If-Range.
 *
 * Returns what ws_reply does; WS_ERR_INVALID if root is NULL.  When the file ends
 * too soon or cannot be read in the middle, the connection ends, and the code is
 * -EIO or that of the read.
 */
WS_API int ws_reply_file(ws_request *r, const char *root);

/* The same, otherwise.  Zero is default. */
typedef struct ws_file_options {
    /* Decoded, beneath root; NULL: r->path.  A route "/static/" gives
     * r->path + strlen("/static"). */
    const char *path;

    /* Go out with the file, and with 304: Cache-Control, say.  Where they have a
     * field of ours it is theirs that counts: of an ETag for conditions, too.
     * NULL: none. */
    const ws_header *headers;

    bool dotfiles; /* serve names that begin with a dot, too */
} ws_file_options;
WS_API int ws_reply_file_with(ws_request *r, const char *root,
                              const ws_file_options *options);

/* Each request's handler runs in a fiber of its own, and may wait in any call
 * of this library. */
struct ws_conn;
struct ws_upgrader;
typedef void (*ws_handler_fn)(ws_request *r, void *arg);
typedef void (*ws_socket_fn)(struct ws_conn *c, void *arg);

/*
 * Who answers which requests.  Lists end with {0}.  A path that ends in '/'
 * matches all below it; the longest match wins.  Give a handler; or a socket: then
 * the server upgrades, calls it, and when it returns says 1000, waits at most a
 * second for the answer, and closes: that is not for the socket to do (a ws_close
 * is as in ws_on_message).  A route with thread set runs in a thread instead of a
 * fiber, the same code: for handlers that block in foreign code.
 *
 * A path may have several routes, each for another method, and one for all
 * others.  HEAD is answered by GET's handler if it has no route, OPTIONS by the
 * library, with 204; any other method that a path has no route for gets 405.
 * Both list in Allow what there is.
 */
typedef struct ws_route {
    const char *path;
    ws_handler_fn handler;
    void *arg;
    ws_socket_fn socket;
    const struct ws_upgrader *upgrader; /* for socket; NULL: all zero */
    bool thread;
    const char *method; /* "GET", "POST", ...; NULL: all, a socket's is GET */
    size_t max_body_bytes; /* 0: the server's; over it: 413 */
} ws_route;

/* What upgraded connections are told at the end of a server. */
typedef struct ws_goodbye {
    int code;           /* 0: 1001; one that may not be sent: WS_ERR_INVALID */
    const char *reason; /* NULL: none; cut after 123 bytes */
    int spread_ms; /* the close frames are spread evenly over so long, so that the
                    * clients do not all come back at once; at most three
                    * quarters of the time until the deadline; 0: no time */
} ws_goodbye;

/*
 * What has happened, for a log of one's own: a request was answered, or a
 * WebSocket connection has begun (status 101) or ended (status 0: its
 * ws_close_code and ws_conn_error say how).
 */
typedef struct ws_access {
    const char *remote_addr;
    const ws_request *request; /* NULL: it could not be read, or is over */
    struct ws_conn *conn;      /* upgraded; NULL: it was not */
    int status;                /* of the answer */
    uint64_t bytes;            /* of its body */
    int64_t ms;                /* since the request, or the connection, began */
} ws_access;

/* Called in the fiber that served it, of a connection's end in the one that closes
 * it, which may be the library's own: then after ws_listener_shutdown, too, where
 * the connection outlives the listener.  All is borrowed for the call, with no
 * lock held.  It should not wait long: the connection's next request does, too. */
typedef void (*ws_access_fn)(const ws_access *a, void *arg);

/* A server: where it listens, what it answers, and its limits.  Zero is default
 * throughout, and NULL is all zero; each limit answers with its own status. */
typedef struct ws_server {
    const char *addr; /* "host:port", ":port", "unix:path", "unix:@name" for an
                       * abstract name, or "none"; NULL: ":8080", but none if
                       * addrs or fds say where to listen */
    const ws_route *routes;
    const ws_tls *tls;       /* NULL for plain TCP */
    int workers;             /* 0: one per core */
    bool threads;            /* every route in a thread, no fibers at all */
    int request_timeout_ms;  /* TLS, head and body together, whatever the
                              * progress; 0: 10 000 */
    int idle_timeout_ms;     /* between requests; 0: 60 000 */
    int shutdown_timeout_ms; /* for handlers to end; 0: 10 000 */
    size_t max_header_bytes; /* 0: 16 KiB; over it: 431 */
    size_t max_body_bytes;   /* 0: 64 KiB; over it: 413 */
    size_t max_connections;  /* 0: what the limit of descriptors leaves room
                              * for, of which a thread that reads takes one
                              * more; over it: 503, and a line in the log */
    size_t stack_size;       /* of a handler's fiber; 0: 256 KiB */
    int spin_us; /* look for work so long before a worker sleeps; 0: not */
    int write_timeout_ms; /* of an answer, without progress, and in all once
                           * the connection ends; 0: 60 000; -1: none */

    /* The proxies whose word on their clients counts, ended by NULL: addresses
     * ("192.0.2.1", "::1"), networks ("10.0.0.0/8", "fd00::/8"), and "unix" for
     * whoever comes by a unix socket.  Of a request that one of them sends,
     * Forwarded (RFC 7239), X-Forwarded-For, X-Forwarded-Proto and
     * X-Forwarded-Host decide what host, remote_addr and tls are; that host is
     * what an Origin is compared with.  The client is the last address in the
     * list that is not a trusted proxy's.  A proxy has to set or remove each
     * header that it lets through; where Forwarded and the others say different
     * things, the request gets 400.  NULL: nobody's word counts.  ws_listen
     * refuses what is no address or network (WS_ERR_INVALID). */
    const char *const *trusted_proxies;

    /* Connections begin with a header of the PROXY protocol, version 1 or 2,
     * which tells the client's address, and of version 2 whether it speaks TLS
     * with the proxy; TLS of our own comes behind it.  Who is not a trusted
     * proxy, has sent no such header within request_timeout_ms, or a malformed
     * one, is disconnected, which the log says at most every ten seconds.  The
     * headers above count then only if the client is a trusted proxy, too. */
    bool proxy_protocol;

    /*
     * Answer, by any of the replies, what the library else answers by itself, in
     * plain text: a status from 400 on, of which reason says in English what it
     * is about.  Without a reply that text goes out.  What the status wants
     * (Allow, Upgrade, Sec-WebSocket-Version, Content-Range) is added to the
     * reply unless its headers have it.  An upgrader's own error function comes
     * first.
     *
     * Of a request that did not come whole (400, 408, 413, 414, 417, 431, 501,
     * 505) what is not known is "", and its connection ends with the answer; of
     * one above max_connections (503; with TLS it is just closed) nothing is
     * known, and the function must not wait, for it holds up accepting.  It
     * cannot upgrade.  NULL: no function.
     */
    void (*error)(ws_request *r, int status, const char *reason, void *arg);
    void *error_arg;
    ws_access_fn access; /* NULL: none; see ws_access */
    void *access_arg;

    /*
     * A body of more bytes than this lies in a file without a name, which helper
     * threads write, and r->body is a map of it: what is received holds no
     * memory, nor up another fiber.  0: all bodies are in memory.
     *
     * So a large upload is a route with max_body_bytes for the largest, a server
     * with body_file_above, and a request_timeout_ms in which that can come,
     * since it holds for the whole request.  A body that is too large is refused
     * (413) as soon as its length is known, with Expect: 100-continue before any
     * of it was sent.  What has no bound is better sent in messages, or in
     * several requests.
     */
    size_t body_file_above;
    const char *body_folder; /* for those files; NULL: TMPDIR, or /tmp, which
                              * may be memory, too */

    /* Accept and serve in this loop alone, on the thread that drives it (see
     * loop.h); workers, stack_size and spin_us say nothing then.  NULL: workers
     * of its own. */
    struct ws_loop *loop;

    /*
     * What one address may have, of IPv6 one /64 network: connections at a time;
     * new ones a second, and so many at once (0: as many as in a second); bytes
     * of messages that are not whole yet.  0: no limit.
     *
     * A connection above gets 429 with Retry-After, or is closed where that
     * would have to be by TLS; a message that exceeds the last one gets 1013 and
     * the read WS_ERR_FULL.  A connection counts until its last reference goes.
     * Behind a trusted proxy the client's address counts, if the PROXY protocol
     * says it for each connection; if headers do, for each upgrade.
     * Unix sockets, loopback and trusted proxies themselves have no limits.
     */
    size_t max_connections_per_address;
    int connect_rate_per_address;
    int connect_burst_per_address;
    size_t max_unfinished_per_address;

    /* More addresses, ended by NULL; and sockets that listen already, TCP or
     * local, each once, which are taken, also when ws_listen fails.  They become
     * non-blocking, for all who share them. */
    const char *const *addrs;
    const int *fds;
    size_t nfds;

    /* Of the files of local sockets: the mode (0: as the umask has it), and
     * "user", "user:group" or ":group" by name or number (NULL: the process).  A
     * file that nobody listens on is taken over; one is removed at the end, if
     * it is still ours. */
    unsigned unix_mode;
    const char *unix_owner;

    const ws_goodbye *goodbye; /* NULL: all zero; see ws_listener_set_goodbye */

    /* ---- For ws_serve ---- */

    bool systemd; /* take the sockets it passes, in the place of any address;
                   * tell it of readiness, reloading and stopping, and feed its
                   * watchdog as long as all workers turn: see systemd.h */

    /* Called at SIGHUP, when the certificates have been read anew.  Without it,
     * and without systemd, that signal is left alone. */
    void (*reload)(void *arg);
    void *reload_arg;
} ws_server;

/*
 * Serve until SIGINT or SIGTERM, then shut down as below, in shutdown_timeout_ms
 * beside what the goodbyes take; a second signal ends the process.  A signal that
 * is ignored, as under nohup, stays so.
 *
 * Raises the process's soft limit of descriptors (ulimit -n) to the hard one,
 * for good, as Go does.  Programs that are executed later inherit it; unlike Go
 * we cannot lower it for them: whoever starts one that uses select(2) should.
 *
 * Returns 0, or a negative code, with the reason in the log.
 */
WS_API int ws_serve(const ws_server *s);

/* The same in parts, for programs with a main of their own; signals and limits
 * are left alone.  *s is copied; what it points to must stay until the shutdown.
 * WS_ERR_INVALID for an address, a route or one of its upgrader's origins that
 * could never be of use, for a route that stands there twice, and for a loop that
 * is not the calling thread's, or comes with threads. */
typedef struct ws_listener ws_listener;
WS_API ws_listener *ws_listen(const ws_server *s, ws_error *err);

/* Where it listens: the real port, "none" if nowhere; and the same of each of
 * its sockets, addr first, then addrs, then fds.  NULL behind the last. */
WS_API const char *ws_listener_addr(const ws_listener *l);
WS_API const char *ws_listener_addr_at(const ws_listener *l, size_t i);

/*
 * Serve a connected stream socket as if it had been accepted: what another
 * program hands over, or one end of a socketpair, which is how a handler is
 * tested without a network.  Takes fd, also when it fails, and makes it
 * non-blocking.  remote becomes ws_request.remote_addr; NULL: what the kernel
 * says.  One above max_connections gets its 503.
 *
 * Returns 0; WS_ERR_INVALID if it is no such socket; WS_ERR_CANCELED when l
 * stops; -ENOMEM.  From any fiber, any thread.
 */
WS_API int ws_listener_serve_fd(ws_listener *l, int fd, const char *remote);

/* Read certificates that have changed now, rather than within a second.  Returns
 * 0, also without TLS; or the code of one that cannot be read, which is kept as it
 * was, and *err says why. */
WS_API int ws_listener_reload(ws_listener *l, ws_error *err);

/* Wait until each worker has had a turn: 0, or WS_ERR_TIMEOUT if one is held up
 * (see ws_blocking) at the deadline.  For health checks and watchdogs. */
WS_API int ws_listener_alive(ws_listener *l, int64_t deadline);

/*
 * The first step of an end: accept no more, and keep the rest.
 *
 * What waits in the queue is accepted first, unless another process shares the
 * socket, who gets the rest of it.  Connections go on; each answer from now on
 * says "Connection: close", and an upgrade that is not the first request of its
 * connection gets 503.  ws_listener_stopping is set.
 *
 * Returns 0 when nobody accepts any more, and the sockets are closed; or
 * WS_ERR_TIMEOUT.  ws_listener_shutdown is still to come.
 */
WS_API int ws_listener_stop(ws_listener *l, int64_t deadline);

/* Set when ws_listener_stop begins.  For handlers, beside what they wait for
 * (ws_wait_any): as long as the listener or the request is.  Of a connection:
 * ws_stopping. */
WS_API ws_event *ws_listener_stopping(ws_listener *l);
WS_API ws_event *ws_request_stopping(const ws_request *r);

/* What the shutdown is to say, in the place of ws_server.goodbye: 1012 when it
 * turns out to be a restart, say.  Returns 0 or WS_ERR_INVALID. */
WS_API int ws_listener_set_goodbye(ws_listener *l, const ws_goodbye *goodbye);

/*
 * Stop, as above; end connections between two requests; say goodbye to upgraded
 * ones (their reads go on until the peer has answered, their writes get
 * WS_ERR_CLOSE_SENT); and wait for the handlers, for the fibers they started,
 * and for what was written to arrive (see ws_close).  What was accepted less than
 * a second ago may still send its first request.  At the deadline break the
 * connections that are left, and wait a second more.  In a loop (ws_server.loop)
 * the fibers that handlers have started are not waited for: ws_loop_free tells of
 * them.
 *
 * Returns 0, and l is freed; or WS_ERR_TIMEOUT when a handler still runs:
 * nothing is freed then, ws_listener_error names the routes, and the process
 * should exit.  Not from a handler.
 */
WS_API int ws_listener_shutdown(ws_listener *l, int64_t deadline);

/* Why the last shutdown returned what it did: "2 handlers still run: /chat 2".
 * Code 0 before.  Lives as long as l. */
WS_API const ws_error *ws_listener_error(const ws_listener *l);

WS_END_DECLS

#endif
