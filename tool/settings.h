/* SPDX-License-Identifier: MIT */

#ifndef TOOL_SETTINGS_H
#define TOOL_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Strings of the command line, ended by NULL once there are any. */
struct list {
    const char **items;
    size_t n;
};

/* What -m and -f give, in their order. */
struct given {
    bool file;
    const char *value;
};

/* All that a command line says; zero is default. */
struct settings {
    const char *program; /* the name it goes by */
    char **args;         /* what is no option */
    int nargs;
    bool help;

    /* messages */
    struct given *given;
    size_t ngiven;
    int64_t count; /* of messages to receive; 0: any */
    bool one;
    bool binary;
    bool nul;
    bool whole;
    bool hex;
    bool base64;
    bool keep_reading; /* after the end of standard input */
    const char *exec;  /* a program for each connection */
    bool json;
    int verbose;
    int64_t max_message;

    /* where it listens */
    const char *files; /* a folder of them, for whoever asks for no WebSocket */
    const char *redis;
    int64_t max_clients;

    /* the handshake */
    struct list headers;
    struct list subprotocols;
    struct list cookies;
    struct list origins; /* that a server accepts */
    const char *origin;
    const char *user;

    /* the way there */
    const char *unix_path;
    const char *proxy;
    struct list resolve;
    bool ipv4;
    bool ipv6;

    /* TLS */
    bool insecure;
    const char *ca;
    const char *cert;
    const char *key;
    const char *pinned_key;
    const char *server_name;

    /* the connection */
    bool compress;
    int takeover_bits; /* 0: none between messages */
    bool no_compress;
    int ping_ms;
    int rtt_ms; /* how often to measure the way there and back */
    int timeout_ms;
    bool reconnect;
    int64_t reconnect_max;
    int close_code;
    const char *close_reason;

    /* a benchmark */
    int64_t connections;
    int64_t threads;
    int64_t rate; /* messages a second */
    int64_t pipeline;
    int64_t size;
    int64_t pid; /* of the server */
    int duration_ms;
    int warmup_ms;
    bool fanout;
    bool csv;
};

/* Append; the list's end is NULL. */
void list_add(struct list *l, const char *item);
void settings_give(struct settings *s, bool file, const char *value);

/* How many messages are to be received; 0: any. */
int64_t settings_count(const struct settings *s);

/* Frees what was appended. */
void settings_free(struct settings *s);

#endif
