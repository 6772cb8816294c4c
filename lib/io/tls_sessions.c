/* SPDX-License-Identifier: MIT */

#include "io/tls_sessions.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

enum {
    PLACES = 128,
    OF_A_KEY = 4, /* and more where nobody else has need of them */
};

static struct place {
    struct ws__tls_key key;
    uint64_t since;       /* counts up; 0: it is empty */
    SSL_SESSION *session; /* NULL: the key is spoilt.  Nobody else has it:
                           * OpenSSL spoils that of a connection which ends
                           * without a word */
} places[PLACES];

static uint64_t count;
static pthread_mutex_t sessions_lock = PTHREAD_MUTEX_INITIALIZER; /* of both */

static bool place_has(const struct place *p, const struct ws__tls_key *key)
{
    return p->since != 0 && memcmp(&p->key, key, sizeof(*key)) == 0;
}

static void place_clear(struct place *p)
{
    SSL_SESSION_free(p->session);
    p->session = NULL;
    p->since = 0;
}

static void place_fill(struct place *p, const struct ws__tls_key *key,
                       SSL_SESSION *session)
{
    place_clear(p);
    *p = (struct place){ *key, ++count, session };
}

/* ---- In ----------------------------------------------------------------- */

static bool is_spoilt(const struct ws__tls_key *key)
{
    for (struct place *p = places; p < places + PLACES; p++)
        if (place_has(p, key) && !p->session)
            return true;
    return false;
}

/* An empty place; or what came first of the key's own, if it has its share, or of
 * all. */
static struct place *place_for(const struct ws__tls_key *key)
{
    struct place *first = &places[0], *own = NULL;
    int n = 0;

    for (struct place *p = places; p < places + PLACES; p++) {
        if (p->since < first->since)
            first = p;
        if (!place_has(p, key))
            continue;
        if (!own || p->since < own->since)
            own = p;
        n++;
    }
    return own && first->since != 0 && n >= OF_A_KEY ? own : first;
}

void ws__tls_sessions_keep(const struct ws__tls_key *key, const SSL_SESSION *of)
{
    SSL_SESSION *session = SSL_SESSION_dup(of);

    if (!session)
        return;
    pthread_mutex_lock(&sessions_lock);
    bool spoilt = is_spoilt(key);
    if (!spoilt)
        place_fill(place_for(key), key, session);
    pthread_mutex_unlock(&sessions_lock);
    if (spoilt)
        SSL_SESSION_free(session);
}

void ws__tls_sessions_spoil(const struct ws__tls_key *key)
{
    pthread_mutex_lock(&sessions_lock);
    for (struct place *p = places; p < places + PLACES; p++)
        if (place_has(p, key))
            place_clear(p);
    place_fill(place_for(key), key, NULL);
    pthread_mutex_unlock(&sessions_lock);
}

/* ---- Out ---------------------------------------------------------------- */

/* Nobody verifies the server's certificate again, so it has to be good still. */
static bool session_is_good(const SSL_SESSION *s)
{
    const X509 *server = SSL_SESSION_get0_peer((SSL_SESSION *)s);
    long age = (long)time(NULL) - SSL_SESSION_get_time(s);

    return SSL_SESSION_is_resumable(s) && age >= 0 &&
           age < SSL_SESSION_get_timeout(s) && server &&
           X509_cmp_current_time(X509_get0_notAfter(server)) > 0;
}

static struct place *newest_of(const struct ws__tls_key *key)
{
    struct place *last = NULL;

    for (struct place *p = places; p < places + PLACES; p++)
        if (place_has(p, key) && p->session &&
            (!last || p->since > last->since))
            last = p;
    return last;
}

static struct place *place_of(const struct ws__tls_key *key)
{
    struct place *p;

    while ((p = newest_of(key)) != NULL && !session_is_good(p->session))
        place_clear(p);
    return p;
}

SSL_SESSION *ws__tls_sessions_take(const struct ws__tls_key *key)
{
    SSL_SESSION *s = NULL;

    pthread_mutex_lock(&sessions_lock);
    struct place *p = place_of(key);
    if (p)
        s = SSL_SESSION_dup(p->session);
    if (s && SSL_SESSION_get_protocol_version(s) >= TLS1_3_VERSION)
        place_clear(p);
    pthread_mutex_unlock(&sessions_lock);
    return s;
}

void ws__tls_sessions_cleanup(void)
{
    pthread_mutex_lock(&sessions_lock);
    for (struct place *p = places; p < places + PLACES; p++)
        place_clear(p);
    pthread_mutex_unlock(&sessions_lock);
}
