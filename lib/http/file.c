/* SPDX-License-Identifier: MIT */

/* Files over HTTP. */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "fiber/offload.h"
#include "http/deny.h"
#include "http/reply.h"
#include "io/beneath.h"
#include "proto/http_date.h"
#include "proto/uri.h"

enum { PIECE = 64 * 1024 };

static const struct {
    const char *suffix;
    const char *type;
} types[] = {
    { "html", "text/html; charset=utf-8" },
    { "htm", "text/html; charset=utf-8" },
    { "css", "text/css; charset=utf-8" },
    { "js", "text/javascript; charset=utf-8" },
    { "mjs", "text/javascript; charset=utf-8" },
    { "json", "application/json" },
    { "map", "application/json" },
    { "webmanifest", "application/manifest+json" },
    { "txt", "text/plain; charset=utf-8" },
    { "md", "text/markdown; charset=utf-8" },
    { "csv", "text/csv; charset=utf-8" },
    { "xml", "text/xml; charset=utf-8" },
    { "svg", "image/svg+xml" },
    { "png", "image/png" },
    { "jpg", "image/jpeg" },
    { "jpeg", "image/jpeg" },
    { "gif", "image/gif" },
    { "webp", "image/webp" },
    { "avif", "image/avif" },
    { "ico", "image/x-icon" },
    { "wasm", "application/wasm" },
    { "pdf", "application/pdf" },
    { "zip", "application/zip" },
    { "gz", "application/gzip" },
    { "woff", "font/woff" },
    { "woff2", "font/woff2" },
    { "ttf", "font/ttf" },
    { "mp3", "audio/mpeg" },
    { "mp4", "video/mp4" },
    { "webm", "video/webm" },
};

static const char *type_of(const char *name)
{
    const char *slash = strrchr(name, '/');
    const char *dot = strrchr(slash ? slash : name, '.');

    for (size_t i = 0; dot && i < sizeof(types) / sizeof(*types); i++)
        if (ws__equal_nocase(dot + 1, types[i].suffix))
            return types[i].type;
    return "application/octet-stream";
}

/* A file being sent.  Disks make their callers wait, hence the helpers. */
struct file {
    const char *root;
    char *name; /* beneath root */
    int fd;
    struct stat st;
    char *piece;
    size_t len;
};

static int open_file(void *arg)
{
    struct file *f = arg;

    f->fd = ws__open_beneath(f->root, f->name);
    if (f->fd < 0)
        return f->fd;
    return fstat(f->fd, &f->st) == 0 ? 0 : -errno;
}

/* Of a file that has become shorter there is no more to send. */
static int read_piece(void *arg)
{
    struct file *f = arg;
    ssize_t n;

    do
        n = read(f->fd, f->piece, f->len);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return n == 0 ? -EIO : -errno;
    f->len = (size_t)n;
    return 0;
}

static void file_fini(struct file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    ws_free(f->name);
    ws_free(f->piece);
}

/* ---- Answers ------------------------------------------------------------ */

static int status_of(int error)
{
    switch (-error) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case EXDEV: /* a way out of root */
    case ENAMETOOLONG:
    case ENXIO: /* a socket */
        return 404;
    case EACCES:
        return 403;
    default:
        return 500;
    }
}

static int deny_file(struct ws__request *r, int status)
{
    static const char *const reasons[] = { "404 page not found", "Forbidden",
                                           "Internal Server Error" };
    int which = status == 404 ? 0 : status == 403 ? 1 : 2;

    return ws__deny(
        r, &(struct ws__denial){ .status = status, .reason = reasons[which] });
}

/* To the same path with a slash behind it.  Made from the decoded path, with
 * one slash in front: as it was sent, "//host/.." would lead to another host. */
static int redirect_to_folder(struct ws__request *r)
{
    const char *path = r->pub.path + strspn(r->pub.path, "/");
    size_t query = strlen(r->pub.query);
    char *location = ws__alloc(strlen(path) * 3 + query + 4);
    char *p = location;

    if (!location)
        return deny_file(r, 500);
    *p++ = '/';
    p = ws__uri_escape(p, path, "/");
    *p++ = '/';
    if (query > 0)
        *p++ = '?';
    memcpy(p, r->pub.query, query + 1);

    int error = ws_redirect(&r->pub, 301, location);
    ws_free(location);
    return error;
}

/* Only without If-None-Match (RFC 9110, section 13.1.3). */
static bool is_unchanged(const ws_request *r, int64_t modified)
{
    const char *since = ws_header_get(r->headers, "If-Modified-Since");
    int64_t seconds;

    return since && !ws_header_get(r->headers, "If-None-Match") &&
           ws__http_date_parse(since, &seconds) && modified <= seconds;
}

/* Once a part is missing the client can only learn it from the connection. */
static int send_content(struct ws__request *r, struct file *f)
{
    uint64_t left = (uint64_t)f->st.st_size;
    int error = 0;

    while (left > 0 && error == 0) {
        f->len = left < PIECE ? (size_t)left : PIECE;
        error = ws__blocking(WS__FOR_FILES, read_piece, f);
        if (error != 0) {
            r->session->broken = true;
            return error;
        }
        error = ws__reply_more(r, f->piece, f->len);
        left -= f->len;
    }
    return error;
}

static int reply_regular(struct ws__request *r, struct file *f)
{
    char modified[WS__HTTP_DATE_LEN + 1];
    bool dated = ws__http_date(modified, (int64_t)f->st.st_mtime);
    const ws_header headers[] = {
        { "Content-Type", type_of(f->name) },
        { dated ? "Last-Modified" : NULL, modified },
        { 0 },
    };
    uint64_t size = (uint64_t)f->st.st_size;

    if (dated && is_unchanged(&r->pub, (int64_t)f->st.st_mtime))
        return ws__reply_begin(r, 304, headers + 1, 0, NULL, 0);
    if (size > 0 && !r->is_head) {
        f->piece = ws__alloc(size < PIECE ? (size_t)size : PIECE);
        if (!f->piece)
            return deny_file(r, 500);
    }
    int error = ws__reply_begin(r, 200, headers, size, NULL, 0);
    return error == 0 && !r->is_head ? send_content(r, f) : error;
}

static int reply_opened(struct ws__request *r, struct file *f)
{
    if (S_ISDIR(f->st.st_mode))
        return redirect_to_folder(r);
    if (!S_ISREG(f->st.st_mode))
        return deny_file(r, 404);
    return reply_regular(r, f);
}

/* A folder's file is index.html. */
static char *name_of(const char *path)
{
    static const char index[] = "index.html";

    path += strspn(path, "/");
    size_t n = strlen(path);
    bool folder = n == 0 || path[n - 1] == '/';
    char *name = ws__alloc(n + sizeof(index));

    if (!name)
        return NULL;
    memcpy(name, path, n + 1);
    if (folder)
        memcpy(name + n, index, sizeof(index));
    return name;
}

int ws_reply_file(ws_request *pub, const char *root)
{
    static const ws_header allow[] = { { "Allow", "GET, HEAD" }, { 0 } };
    struct ws__request *r = ws__request_of(pub);
    struct file f = { .root = root, .fd = -1 };

    if (!r || !root)
        return WS_ERR_INVALID;
    if (!r->is_head && strcmp(pub->method, "GET") != 0)
        return ws__deny(r, &(struct ws__denial){ 405,
                                                 .reason = "Method Not Allowed",
                                                 .needed = allow });
    f.name = name_of(pub->path);
    if (!f.name)
        return deny_file(r, 500);

    int error = ws__blocking(WS__FOR_FILES, open_file, &f);
    error = error == 0 ? reply_opened(r, &f) : deny_file(r, status_of(error));
    file_fini(&f);
    return error;
}
