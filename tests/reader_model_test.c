/* SPDX-License-Identifier: MIT */

/*
 * The reader beside the one of reader_model.h: whatever comes, in pieces of
 * whatever size, both say the same.
 *
 * reader_model_test [CASES [SEED]]
 */

#include "test.h"

#include <stdlib.h>

#include "reader_run.h"

enum {
    MESSAGE_MAX = 70000,
    SURELY = 1000, /* of so many cases enough are of each kind */
};

static long cases = 3000;
static uint64_t seed = 1;

/* ---- Streams ------------------------------------------------------------ */

struct stream {
    uint8_t bytes[STREAM_MAX];
    size_t n;
    bool client; /* is to read it */
};

/* The lengths where something begins or ends, and those in between. */
static size_t some_length(void)
{
    static const unsigned edges[] = {
        0,  1,  2,   3,   4,   7,   8,   16,  31,  32,  63,   64,
        65, 96, 125, 126, 127, 128, 490, 505, 511, 512, 1024, 4090
    };

    if (roll(256) == 0)
        return 65534 + roll(4);
    if (roll(3) == 0)
        return edges[roll(COUNT(edges))] + roll(2);
    return roll(roll(8) == 0 ? 2000 : 60);
}

static void put_frame(struct stream *s, unsigned first, const uint8_t *data,
                      size_t n)
{
    bool masked = !s->client;
    struct ws__frame f = { .opcode = first & 0xf,
                           .fin = first & FIN,
                           .rsv1 = first & RSV1,
                           .masked = roll(200) == 0 ? !masked : masked,
                           .len = n };

    for (size_t i = 0; i < sizeof(f.key); i++)
        f.key[i] = (uint8_t)roll(256);
    assert_true(n + WS__FRAME_HEADER_MAX <= sizeof(s->bytes) - s->n);
    s->n += ws__frame_encode(&f, s->bytes + s->n);
    for (size_t i = 0; i < n; i++)
        s->bytes[s->n++] = f.masked ? data[i] ^ f.key[i % 4] : data[i];
}

static void put_controls(struct stream *s)
{
    static const uint8_t opcodes[] = { PING, PONG, CLOSE };
    uint8_t data[125];

    while (roll(4) == 0) {
        size_t n = roll(4) == 0 ? roll(sizeof(data) + 1) : roll(4);

        for (size_t i = 0; i < n; i++)
            data[i] = (uint8_t)roll(256);
        put_frame(s, FIN | opcodes[roll(3)], data, n);
    }
}

/* Mostly valid, and mostly ASCII. */
static void make_text(uint8_t *p, size_t n)
{
    static const char *const characters[] = { "\xc3\xa4", "\xe2\x82\xac",
                                              "\xed\x9f\xbf",
                                              "\xf0\x9f\x98\x80",
                                              "\xf4\x8f\xbf\xbf" };
    bool ascii = roll(2);

    for (size_t i = 0; i < n;) {
        const char *c = characters[roll(COUNT(characters))];
        size_t k = strlen(c);

        if (ascii || k > n - i || roll(3) > 0)
            p[i++] = (uint8_t)roll(128);
        else
            for (const char *end = c + k; c < end; c++)
                p[i++] = (uint8_t)*c;
    }
    if (n > 0 && roll(10) == 0)
        p[roll((unsigned)n)] = (uint8_t)roll(256);
}

/* RFC 7692, section 7.2.1.  Returns the size. */
static size_t compress_message(uint8_t *out, size_t room, uint8_t *p, size_t n)
{
    static z_stream z;

    if (!z.state)
        assert_int_equal(
            deflateInit2(&z, 1, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    deflateReset(&z);
    z.next_in = p;
    z.avail_in = (uInt)n;
    z.next_out = out;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
    size_t size = room - z.avail_out;
    if (n == 0) { /* zlib flushes nothing twice; some send not even that */
        out[0] = 0;
        return roll(2);
    }
    return size - 4;
}

static void put_message(struct stream *s, bool compression)
{
    static uint8_t plain[MESSAGE_MAX], packed[2 * MESSAGE_MAX];
    size_t n = some_length();
    unsigned type = WS_TEXT + roll(2), rsv1 = compression && roll(2) ? RSV1 : 0;
    const uint8_t *p = rsv1 ? packed : plain;

    make_text(plain, n);
    if (rsv1)
        n = compress_message(packed, sizeof(packed), plain, n);
    for (unsigned first = type | rsv1;; first = 0) {
        size_t k = roll(2) ? n : roll((unsigned)n + 1);
        bool last = k == n && roll(8) > 0;

        if (!rsv1 && roll(60) == 0)
            first = roll(256) & ~(compression ? RSV1 : 0u);
        put_frame(s, first | (last ? FIN : 0), p, k);
        put_controls(s);
        p += k;
        n -= k;
        if (last)
            return;
    }
}

/* A huge length, or one that is not the shortest. */
static void put_long_header(struct stream *s)
{
    size_t at = s->n;

    put_frame(s, FIN | WS_BINARY, s->bytes, 0);
    s->n = at + 2;
    s->bytes[at + 1] |= roll(2) ? 127 : 126;
    for (unsigned i = 0; i < 8; i++)
        s->bytes[s->n++] = roll(3) ? 0 : (uint8_t)roll(256);
}

static void spoil(struct stream *s)
{
    for (unsigned k = roll(3); k > 0; k--)
        s->bytes[roll((unsigned)s->n)] ^= (uint8_t)(1u << roll(8));
    if (roll(4) == 0)
        s->n = roll((unsigned)s->n + 1);
}

/* ---- Both --------------------------------------------------------------- */

static struct rules some_rules(void)
{
    static const int limits[] = { 0, 1, 50, 125, 126, 505, 600, 65536 };

    return (struct rules){ .client = roll(3) == 0,
                           .compression = roll(3) == 0,
                           .limit = roll(2) ? -1 : limits[roll(COUNT(limits))],
                           .in_max = roll(2) ? 512 : 4096 };
}

/* What compressed bytes that were spoilt amount to is zlib's to say. */
static void make_stream(struct stream *s, const struct rules *rules)
{
    s->n = 0;
    s->client = rules->client;
    put_controls(s);
    for (unsigned k = 1 + roll(5); k > 0; k--)
        put_message(s, rules->compression);
    if (roll(30) == 0)
        put_long_header(s);
    if (!rules->compression && roll(4) == 0)
        spoil(s);
}

static void the_reader_says_what_the_rfc_does(void **state)
{
    (void)state;
    static struct stream s;
    static struct story model, reader;
    static struct {
        long failed, messages;
    } seen;

    for (long i = 0; i < cases; i++) {
        uint64_t here = seed + (uint64_t)i;

        dice = here * 0x9e3779b97f4a7c15u | 1;
        struct rules rules = some_rules();
        make_stream(&s, &rules);
        model_read(&rules, s.bytes, s.n, &model);
        reader_read(&rules, s.bytes, s.n, &reader);
        if (!tell_the_same(&model, &reader))
            fail_msg("seed %llu: %zu messages and error %d, by the RFC %zu "
                     "and %d",
                     (unsigned long long)here, reader.count, reader.error,
                     model.count, model.error);
        seen.failed += model.failed;
        seen.messages += (long)model.count;
    }
    ws__pool_fini(&buffers);
    ws__pool_fini(&inflaters);
    if (cases >= SURELY)
        assert_true(seen.failed > cases / 20 && seen.messages > cases);
    if (cases > 10000)
        print_message("%ld streams, %ld of them refused, %ld messages\n", cases,
                      seen.failed, seen.messages);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reader_says_what_the_rfc_does),
    };

    if (argc > 1)
        cases = atol(argv[1]);
    if (argc > 2)
        seed = strtoull(argv[2], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
