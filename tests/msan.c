/* SPDX-License-Identifier: MIT */

/* MemorySanitizer sees only what code that it has compiled writes.  What zlib,
 * libdeflate, ISA-L and OpenSSL write for base and proto, it is told of here:
 * the programs of the suite pure are linked with these instead (--wrap), where
 * they are built for it. */

#include <openssl/evp.h>
#include <sanitizer/msan_interface.h>
#include <stddef.h>
#include <zlib.h>

#define WRAP(type, name, ...)                                                  \
    type __real_##name(__VA_ARGS__);                                           \
    type __wrap_##name(__VA_ARGS__);                                           \
    type __wrap_##name(__VA_ARGS__)

static void see(const volatile void *p, size_t n)
{
    __msan_unpoison((const void *)p, n);
}

/* ---- zlib --------------------------------------------------------------- */

/* What a call did to a stream, and what it has written behind out. */
static void see_stream(z_streamp z, const Bytef *out)
{
    see(z, sizeof(*z));
    see(out, (size_t)(z->next_out - out));
}

WRAP(int, deflateInit2_, z_streamp z, int level, int method, int bits,
     int memory, int strategy, const char *version, int size)
{
    int result = __real_deflateInit2_(z, level, method, bits, memory, strategy,
                                      version, size);

    see(z, sizeof(*z));
    return result;
}

WRAP(int, deflateReset, z_streamp z)
{
    int result = __real_deflateReset(z);

    see(z, sizeof(*z));
    return result;
}

WRAP(int, deflateParams, z_streamp z, int level, int strategy)
{
    const Bytef *out = z->next_out;
    int result = __real_deflateParams(z, level, strategy);

    see_stream(z, out);
    return result;
}

WRAP(int, deflate, z_streamp z, int flush)
{
    const Bytef *out = z->next_out;
    int result = __real_deflate(z, flush);

    see_stream(z, out);
    return result;
}

WRAP(int, inflateInit2_, z_streamp z, int bits, const char *version, int size)
{
    int result = __real_inflateInit2_(z, bits, version, size);

    see(z, sizeof(*z));
    return result;
}

WRAP(int, inflateReset, z_streamp z)
{
    int result = __real_inflateReset(z);

    see(z, sizeof(*z));
    return result;
}

WRAP(int, inflateResetKeep, z_streamp z)
{
    int result = __real_inflateResetKeep(z);

    see(z, sizeof(*z));
    return result;
}

WRAP(int, inflate, z_streamp z, int flush)
{
    const Bytef *out = z->next_out;
    int result = __real_inflate(z, flush);

    see_stream(z, out);
    return result;
}

WRAP(int, inflateGetDictionary, z_streamp z, Bytef *dictionary, uInt *length)
{
    int result = __real_inflateGetDictionary(z, dictionary, length);

    see(length, sizeof(*length));
    if (dictionary)
        see(dictionary, *length);
    return result;
}

/* ---- OpenSSL ------------------------------------------------------------ */

/* Opens files, by names that it has written. */
WRAP(EVP_MD *, EVP_MD_fetch, OSSL_LIB_CTX *library, const char *name,
     const char *properties)
{
    __msan_scoped_disable_interceptor_checks();
    EVP_MD *md = __real_EVP_MD_fetch(library, name, properties);
    __msan_scoped_enable_interceptor_checks();

    return md;
}

WRAP(int, EVP_Digest, const void *data, size_t count, unsigned char *digest,
     unsigned int *size, const EVP_MD *type, ENGINE *engine)
{
    int result = __real_EVP_Digest(data, count, digest, size, type, engine);

    see(size, sizeof(*size));
    see(digest, *size);
    return result;
}

/* ---- libdeflate --------------------------------------------------------- */

#ifdef TESTS_LIBDEFLATE
#include <libdeflate.h>

WRAP(enum libdeflate_result, libdeflate_deflate_decompress_ex,
     struct libdeflate_decompressor *inflate, const void *in, size_t in_size,
     void *out, size_t out_room, size_t *taken, size_t *made)
{
    enum libdeflate_result result = __real_libdeflate_deflate_decompress_ex(
        inflate, in, in_size, out, out_room, taken, made);

    if (result != LIBDEFLATE_SUCCESS)
        return result;
    see(taken, sizeof(*taken));
    see(made, sizeof(*made));
    see(out, *made);
    return result;
}
#endif

/* ---- ISA-L -------------------------------------------------------------- */

#ifdef TESTS_ISAL
#include <isa-l/igzip_lib.h>

WRAP(int, isal_deflate, struct isal_zstream *z)
{
    const uint8_t *out = z->next_out;
    int result = __real_isal_deflate(z);

    see(z, sizeof(*z));
    see(out, (size_t)(z->next_out - out));
    return result;
}
#endif
