/* SPDX-License-Identifier: MIT */

/*
 * hub_clients CLIENTS PER_SECOND SECONDS URL...: so many clients of the nodes at
 * these URLs (hub_node), and publishers that go on for so long.  A client that
 * loses its node comes to the next, with the last place it knows.  Prints what
 * came of it when all have heard the end, and exits with 0 if every client got
 * every publication once and in order, or was told that some were lost.
 *
 * Data of a publication is its number.  What a node said was published has to
 * be there; what failed may be.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <silverback.h>

enum {
    NUMBERS = 1 << 16,
    PATIENCE_MS = 90 * 1000,
    PAUSE_MS = 50,
};

static const char topic[] = "news";
static const ws_dialer dialer = { .handshake_timeout_ms = 5000,
                                  .ping_interval_ms = 5000 };
static char **urls;
static size_t n_urls;
static int64_t publishing_until;

/* What is known of each number: where it stands; and of each client. */
struct fate {
    bool acked;
    bool failed;
};
static struct fate fates[NUMBERS];
static unsigned published, failed;
static bool ended; /* and the last number */
static unsigned last_number;

struct client {
    size_t url;
    bool known; /* its place is: */
    uint64_t epoch, offset;
    unsigned next; /* nothing below was missed, or it was told */
    bool told;     /* since its last publication */
    bool done;
    uint8_t *had; /* a bit for each number, since it was told last */
};
static struct client *clients;
static unsigned n_clients, done;

static struct {
    unsigned long got, resumed, replayed, recovered, not_recovered, lost;
    unsigned long gaps, duplicates, disorder, missing;
} count;

/* ---- What a client hears ------------------------------------------------ */

static void complain(const struct client *k, const char *what, uint64_t epoch,
                     uint64_t offset)
{
    if (count.gaps + count.duplicates + count.disorder + count.missing < 20)
        printf("client %td: %s at %" PRIu64 " %" PRIu64 ", after %" PRIu64
               " %" PRIu64 "\n",
               k - clients, what, epoch, offset, k->epoch, k->offset);
}

/* Which ones a client should have had can be told of those that follow in the
 * log: the publishers take turns, so numbers are nearly in order. */
static void client_got(struct client *k, uint64_t epoch, uint64_t offset,
                       unsigned number)
{
    if (number >= NUMBERS)
        return;
    count.got++;
    if (offset > k->offset + 1) {
        complain(k, "a gap", epoch, offset);
        count.gaps++;
    } else if (offset <= k->offset) {
        complain(k, "out of order", epoch, offset);
        count.disorder++;
    } else if (k->had[number / 8] >> number % 8 & 1) {
        complain(k, "a duplicate", epoch, offset);
        count.duplicates++;
    }
    k->had[number / 8] |= (uint8_t)(1 << number % 8);
    k->epoch = epoch;
    k->offset = offset;
    if (ended && number == last_number && !k->done) {
        k->done = true;
        done++;
    }
}

static void client_told(struct client *k, uint64_t epoch, uint64_t offset)
{
    k->told = true;
    k->epoch = epoch;
    k->offset = offset;
    memset(k->had, 0, NUMBERS / 8);
}

static void client_joined(struct client *k, const char *line)
{
    uint64_t epoch, offset;
    unsigned recovered, replayed;

    sscanf(line, "joined %" SCNu64 " %" SCNu64 " %u %u", &epoch, &offset,
           &recovered, &replayed);
    count.replayed += replayed;
    if (k->known) {
        count.resumed++;
        *(recovered ? &count.recovered : &count.not_recovered) += 1;
    }
    if (k->known && !recovered)
        client_told(k, epoch, offset);
    if (!k->known || !recovered) {
        k->epoch = epoch;
        k->offset = offset;
    }
    k->known = true;
}

/* Returns whether the line was what a client may hear. */
static bool client_hears(struct client *k, const char *line)
{
    uint64_t epoch, offset;
    unsigned number;

    if (sscanf(line, "pub %" SCNu64 " %" SCNu64 " %u", &epoch, &offset,
               &number) == 3) {
        client_got(k, epoch, offset, number);
    } else if (sscanf(line, "lost %" SCNu64 " %" SCNu64, &epoch, &offset) ==
               2) {
        count.lost++;
        client_told(k, epoch, offset);
    } else if (strncmp(line, "joined ", 7) == 0) {
        client_joined(k, line);
    } else {
        return false;
    }
    return true;
}

/* ---- A client ----------------------------------------------------------- */

static ws_conn *client_connect(struct client *k)
{
    ws_conn *c = ws_dial(&dialer, urls[k->url], NULL, NULL, NULL);
    char line[128];

    k->url = (k->url + 1) % n_urls;
    if (!c)
        return NULL;
    int n = k->known
                ? snprintf(line, sizeof(line), "join %s %" PRIu64 " %" PRIu64,
                           topic, k->epoch, k->offset)
                : snprintf(line, sizeof(line), "join %s", topic);
    ws_write_message(c, WS_TEXT, line, (size_t)n);
    return c;
}

static void client_run(void *arg)
{
    struct client *k = arg;
    ws_message m;

    while (!k->done) {
        ws_conn *c = client_connect(k);

        while (c && !k->done) {
            ws_set_read_deadline(c, ws_after(PATIENCE_MS));
            if (ws_read_message(c, &m) != 0 || !client_hears(k, m.data))
                break;
        }
        ws_close(c);
        if (!k->done)
            ws_sleep(PAUSE_MS);
    }
}

/* ---- The publishers ----------------------------------------------------- */

struct publisher {
    size_t url;
    ws_conn *c;
};

/* Returns 1 if it was published, 0 if not or perhaps, and -1 if the node is
 * gone. */
static int publish_once(struct publisher *p, unsigned number)
{
    char line[64];
    ws_message m;
    int n = snprintf(line, sizeof(line), "publish %s %u", topic, number);

    if (!p->c)
        p->c = ws_dial(&dialer, urls[p->url++ % n_urls], NULL, NULL, NULL);
    if (!p->c)
        return -1;
    ws_set_read_deadline(p->c, ws_after(PATIENCE_MS));
    if (ws_write_message(p->c, WS_TEXT, line, (size_t)n) == 0 &&
        ws_read_message(p->c, &m) == 0)
        return strncmp(m.data, "published ", 10) == 0;
    ws_close(p->c);
    p->c = NULL;
    return -1;
}

static unsigned numbers;

static bool publish_next(struct publisher *p)
{
    unsigned number = numbers++;
    int r = publish_once(p, number);

    if (r == 1) {
        fates[number].acked = true;
        published++;
    } else {
        fates[number].failed = true;
        failed++;
        ws_sleep(PAUSE_MS);
    }
    return r == 1;
}

struct publishing {
    size_t url;
    int64_t every_us;
};

static void publisher_run(void *arg)
{
    const struct publishing *how = arg;
    struct publisher p = { .url = how->url };
    int64_t begun = ws_now(), n = 0;

    while (ws_now() < publishing_until && numbers < NUMBERS - 64) {
        publish_next(&p);
        n++;
        int64_t due = begun + n * how->every_us / 1000 - ws_now();
        if (due > 0)
            ws_sleep(due);
        else
            begun -= due;
    }
    ws_close(p.c);
}

/* ---- The end ------------------------------------------------------------ */

/* What a client that was never told has not had. */
static void find_missing(void)
{
    for (struct client *k = clients; k < clients + n_clients; k++)
        for (unsigned i = 0; i < numbers && !k->told; i++)
            if (fates[i].acked && !(k->had[i / 8] >> i % 8 & 1)) {
                if (count.missing++ < 20)
                    printf("client %td: %u is missing\n", k - clients, i);
            }
}

static int report(void)
{
    unsigned told = 0;

    find_missing();
    for (struct client *k = clients; k < clients + n_clients; k++)
        told += k->told;
    printf("published %u, failed %u; got %lu; resumed %lu: recovered %lu "
           "(replayed %lu), not recovered %lu; lost was said %lu times; "
           "clients told %u of %u\n",
           published, failed, count.got, count.resumed, count.recovered,
           count.replayed, count.not_recovered, count.lost, told, n_clients);
    printf("gaps %lu, duplicates %lu, out of order %lu, missing %lu, clients "
           "without an end %u\n",
           count.gaps, count.duplicates, count.disorder, count.missing,
           n_clients - done);
    return count.gaps + count.duplicates + count.disorder + count.missing +
               (n_clients - done) !=
           0;
}

/* The last number is published, again if need be, until all have it. */
static void finish(void)
{
    struct publisher p = { 0 };
    int64_t deadline = ws_after(PATIENCE_MS);

    while (done < n_clients && ws_now() < deadline) {
        last_number = numbers;
        ended = true;
        publish_next(&p);
        for (int64_t soon = ws_after(2000);
             done < n_clients && ws_now() < soon;)
            ws_sleep(PAUSE_MS);
    }
    ws_close(p.c);
}

static bool all_know(void)
{
    for (unsigned i = 0; i < n_clients; i++)
        if (!clients[i].known)
            return false;
    return true;
}

static int status;

static void run(void *arg)
{
    const int *numbers_given = arg;
    struct publishing how[8];
    ws_fiber *publishers[8];

    for (unsigned i = 0; i < n_clients; i++)
        ws_detach(ws_go(client_run, &clients[i]));
    while (!all_know())
        ws_sleep(10);
    puts("joined");
    publishing_until = ws_after(numbers_given[2] * 1000);
    for (size_t i = 0; i < n_urls; i++) {
        how[i] = (struct publishing){ i, 1000000 * (int64_t)n_urls /
                                             numbers_given[1] };
        publishers[i] = ws_go(publisher_run, &how[i]);
    }
    for (size_t i = 0; i < n_urls; i++)
        ws_join(publishers[i]);
    puts("published");
    finish();
    status = report();
    fflush(stdout);
    exit(status);
}

int main(int argc, char **argv)
{
    int given[3];

    if (argc < 5 || argc > 12)
        return 2;
    for (int i = 0; i < 3; i++)
        given[i] = atoi(argv[i + 1]);
    urls = argv + 4;
    n_urls = (size_t)(argc - 4);
    n_clients = (unsigned)given[0];
    clients = calloc(n_clients, sizeof(*clients));
    for (unsigned i = 0; i < n_clients; i++) {
        clients[i].url = i % n_urls;
        clients[i].had = calloc(1, NUMBERS / 8);
    }
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    ws_run(run, given);
    return 1;
}
