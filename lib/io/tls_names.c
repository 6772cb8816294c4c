/* SPDX-License-Identifier: MIT */

#include "io/tls_names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "base/alloc.h"
#include "base/str.h"

enum { NAME_MAX_LEN = 253 }; /* RFC 1035, section 2.3.4, without the last dot */

/* ---- In ----------------------------------------------------------------- */

/* Without the dot that may end it.  Returns false for what names no host. */
static bool name_copy(char out[static NAME_MAX_LEN + 1], const char *p,
                      size_t n)
{
    if (n > 0 && p[n - 1] == '.')
        n--;
    if (n == 0 || n > NAME_MAX_LEN || memchr(p, '\0', n))
        return false;
    for (size_t i = 0; i < n; i++)
        out[i] = ws__lower(p[i]);
    out[n] = '\0';
    return true;
}

static int names_grow(struct ws__tls_names *names)
{
    size_t room = names->room ? 2 * names->room : 8;

    if (names->n < names->room)
        return 0;
    void *p = ws__realloc(names->list, room * sizeof(*names->list));
    if (!p)
        return -ENOMEM;
    names->list = p;
    names->room = room;
    return 0;
}

static int names_push(struct ws__tls_names *names, const ASN1_STRING *s,
                      size_t whose)
{
    char text[NAME_MAX_LEN + 1];

    if (!name_copy(text, (const char *)ASN1_STRING_get0_data(s),
                   (size_t)ASN1_STRING_length(s)))
        return 0;
    char *name = ws__strdup(text);
    if (!name || names_grow(names) != 0) {
        ws_free(name);
        return -ENOMEM;
    }
    names->list[names->n++] = (struct ws__tls_name){ name, whose };
    return 0;
}

int ws__tls_names_add(struct ws__tls_names *names, const X509 *x, size_t whose)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    int error = 0;

    for (int i = 0; error == 0 && i < sk_GENERAL_NAME_num(all); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(all, i);

        if (g->type == GEN_DNS)
            error = names_push(names, g->d.dNSName, whose);
    }
    GENERAL_NAMES_free(all);
    return error;
}

/* ---- Out ---------------------------------------------------------------- */

static int names_compare(const void *one, const void *other)
{
    const struct ws__tls_name *a = one, *b = other;
    int order = strcmp(a->name, b->name);

    return order != 0 ? order : (a->whose > b->whose) - (a->whose < b->whose);
}

void ws__tls_names_sort(struct ws__tls_names *names)
{
    if (names->n > 0)
        qsort(names->list, names->n, sizeof(*names->list), names_compare);
}

static size_t names_find_this(const struct ws__tls_names *names,
                              const char *name,
                              const struct ws__tls_name **first)
{
    size_t low = 0, high = names->n, n = 0;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(names->list[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *first = names->list + low;
    while (low + n < names->n && strcmp(names->list[low + n].name, name) == 0)
        n++;
    return n;
}

size_t ws__tls_names_find(const struct ws__tls_names *names, const char *name,
                          const struct ws__tls_name **first)
{
    char exact[NAME_MAX_LEN + 1], wild[NAME_MAX_LEN + 2];

    if (names->n == 0 || !name_copy(exact, name, strlen(name)))
        return 0;
    size_t n = names_find_this(names, exact, first);
    const char *dot = strchr(exact, '.');
    if (n > 0 || !dot)
        return n;
    snprintf(wild, sizeof(wild), "*%s", dot);
    return names_find_this(names, wild, first);
}

void ws__tls_names_fini(struct ws__tls_names *names)
{
    for (size_t i = 0; i < names->n; i++)
        ws_free(names->list[i].name);
    ws_free(names->list);
}
