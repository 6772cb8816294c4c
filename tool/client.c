/* SPDX-License-Identifier: MIT */

#include "client.h"

#include <stdlib.h>
#include <string.h>

#include "binary.h"
#include "memory.h"
#include "output.h"
#include "route.h"

/* ---- The URL ------------------------------------------------------------ */

bool client_is_url(const char *text)
{
    static const char *const begin[] = { "ws+unix:", "wss+unix:", "ws:/",
                                         "wss:/" };

    for (size_t i = 0; i < sizeof(begin) / sizeof(begin[0]); i++)
        if (strncmp(text, begin[i], strlen(begin[i])) == 0)
            return true;
    return strstr(text, "://") != NULL;
}

/* As people write it: host:port alone, or with the scheme of the page. */
static char *client_url(const char *url)
{
    static const struct {
        const char *from, *to;
    } schemes[] = { { "http://", "ws://" }, { "https://", "wss://" } };

    for (size_t i = 0; i < 2; i++)
        if (strncmp(url, schemes[i].from, strlen(schemes[i].from)) == 0)
            return memory_printf("%s%s", schemes[i].to,
                                 url + strlen(schemes[i].from));
    return memory_printf("%s%s", client_is_url(url) ? "" : "ws://", url);
}

/* ---- The headers -------------------------------------------------------- */

static char *client_credentials(const char *user)
{
    char *value;
    size_t n;
    FILE *f = memory_open(&value, &n);

    fputs("Basic ", f);
    binary_write_base64(f, user, strlen(user));
    fclose(f);
    return value;
}

static char *client_cookies(const struct list *cookies)
{
    char *value;
    size_t n;
    FILE *f = memory_open(&value, &n);

    for (size_t i = 0; i < cookies->n; i++)
        fprintf(f, "%s%s", i ? "; " : "", cookies->items[i]);
    fclose(f);
    return value;
}

static ws_header client_header(const char *field)
{
    char *name = memory_copy(field);
    char *value = strchr(name, ':');

    *value++ = '\0';
    value += strspn(value, " \t");
    return (ws_header){ name, memory_copy(value) };
}

static ws_header *client_headers(const struct settings *s)
{
    ws_header *headers =
        memory_resize(NULL, (s->headers.n + 4) * sizeof(*headers));
    size_t n = 0;

    for (size_t i = 0; i < s->headers.n; i++)
        headers[n++] = client_header(s->headers.items[i]);
    if (s->origin)
        headers[n++] =
            (ws_header){ memory_copy("Origin"), memory_copy(s->origin) };
    if (s->user)
        headers[n++] = (ws_header){ memory_copy("Authorization"),
                                    client_credentials(s->user) };
    if (s->cookies.n)
        headers[n++] =
            (ws_header){ memory_copy("Cookie"), client_cookies(&s->cookies) };
    headers[n] = (ws_header){ 0 };
    return headers;
}

/* ---- The rest ----------------------------------------------------------- */

static ws_tls client_tls(const struct settings *s)
{
    return (ws_tls){
        .ca_file = s->ca,
        .cert_file = s->cert,
        .key_file = s->key,
        .server_name = s->server_name,
        .pinned_key = s->pinned_key,
        .insecure_skip_verify = s->insecure,
        .key_log = true,
    };
}

static bool client_refuse(const char *why)
{
    output_note("%s", why);
    return false;
}

static bool client_is_sound(const struct settings *s)
{
    if (s->ipv4 && s->ipv6)
        return client_refuse("-4 and -6 contradict each other");
    if (s->unix_path && s->proxy && s->proxy[0])
        return client_refuse("there is no proxy on the way to a local socket");
    if (s->key && !s->cert)
        return client_refuse("--key is of no use without --cert");
    return route_is_sound(s);
}

bool client_begin(struct client *k, const struct settings *s, const char *url,
                  ws_event *cancel)
{
    if (!client_is_sound(s))
        return false;
    *k = (struct client){
        .settings = s,
        .url = client_url(url),
        .headers = client_headers(s),
        .tls = client_tls(s),
    };
    k->dialer = (ws_dialer){
        .handshake_timeout_ms = s->timeout_ms,
        .subprotocols = s->subprotocols.items,
        .enable_compression = s->compress && !s->no_compress,
        .context_takeover_bits = s->takeover_bits,
        .read_limit = s->max_message,
        .ping_interval_ms = s->ping_ms,
        .proxy = s->unix_path ? "" : s->proxy,
        .tls = &k->tls,
        .cancel = cancel,
        .connect = route_is_usual(s) ? NULL : route_connect,
        .arg = k,
    };
    return true;
}

void client_end(struct client *k)
{
    for (ws_header *h = k->headers; h->name; h++) {
        free((char *)h->name);
        free((char *)h->value);
    }
    free(k->headers);
    free(k->url);
}

/* ---- Telling ------------------------------------------------------------ */

void client_tell_answer(const ws_response *resp)
{
    if (!resp)
        return;
    output_detail(1, "< HTTP status %d", resp->status);
    for (const ws_header *h = resp->headers; h->name; h++)
        output_detail(1, "< %s: %s", h->name, h->value);
    if (resp->status != 101 && resp->body_len > 0)
        output_detail(1, "< %.*s", (int)resp->body_len, resp->body);
}

static void client_tell_certificate(const ws_cert *cert)
{
    output_detail(1, "certificate: %s, by %s%s", cert->subject, cert->issuer,
                  cert->verified ? "" : ", NOT VERIFIED");
    output_detail(1, "public key: %s", cert->pin);
}

void client_tell_connected(ws_conn *c)
{
    const ws_cert *cert = ws_conn_cert(c);

    output_detail(1, "connected to %s", ws_remote_addr(c));
    if (cert)
        client_tell_certificate(cert);
    if (ws_subprotocol(c)[0])
        output_detail(1, "subprotocol: %s", ws_subprotocol(c));
}
