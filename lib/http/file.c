/* SPDX-License-Identifier: MIT */

/* Files over HTTP. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "http/deny.h"
#include "http/disk_file.h"
#include "http/reply.h"
#include "proto/condition.h"
#include "proto/http_date.h"
#include "proto/http_write.h"
#include "proto/mime.h"
#include "proto/range.h"
#include "proto/uri.h"

enum {
    PIECE = 64 * 1024,
    SETTLED_S = 2, /* a clock of files may tick rarely, and be not quite ours */
};

/* A file that is being sent, and the fields that say what of it. */
struct sent_file {
    struct ws__disk_file disk;
    uint64_t size;
    uint64_t first, len; /* what is sent */
    struct ws__validators is;
    char etag[64];
    char modified[WS__HTTP_DATE_LEN + 1];
    char range[80]; /* Content-Range */
};

/* ---- Refusals ----------------------------------------------------------- */

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

static int deny_file(struct ws__request *r, int status, const ws_header *needed)
{
    const char *reason =
        status == 404 ? "404 page not found" : ws__http_reason(status);

    return ws__deny(r, &(struct ws__denial){ .status = status,
                                             .reason = reason,
                                             .needed = needed });
}

/* Names that begin with a dot are nobody's business; but those below
 * /.well-known/ are there to be found (RFC 8615). */
static bool is_hidden(const char *name)
{
    static const char well_known[] = ".well-known/";

    if (strncmp(name, well_known, sizeof(well_known) - 1) == 0)
        name += sizeof(well_known) - 1;
    for (const char *p = name; p; p = strchr(p, '/')) {
        p += strspn(p, "/");
        if (*p == '.')
            return true;
    }
    return false;
}

/* ---- Folders ------------------------------------------------------------ */

/* To the same path with a slash behind it.  Made from the decoded path, with
 * one slash in front: as it was sent, "//host/.." would lead to another host. */
static int redirect_to_folder(struct ws__request *r)
{
    const char *path = r->pub.path + strspn(r->pub.path, "/");
    size_t query = strlen(r->pub.query);
    char *location = ws__alloc(strlen(path) * 3 + query + 4);
    char *p = location;

    if (!location)
        return deny_file(r, 500, NULL);
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

static bool ends_in_slash(const char *path)
{
    size_t n = strlen(path);

    return n > 0 && path[n - 1] == '/';
}

/* ---- What there is ------------------------------------------------------ */

/* A tag that may come to stand for two contents is a weak one, and a date is
 * none of the future (RFC 9110, sections 8.8.1 and 8.8.2.1). */
static void describe(struct sent_file *f, const ws_header *headers)
{
    const struct stat *st = &f->disk.st;
    const char *callers = ws_header_get(headers, "ETag");
    int64_t now = (int64_t)time(NULL), modified = (int64_t)st->st_mtime;

    f->is.settled = modified <= now - SETTLED_S;
    f->is.modified = modified < now ? modified : now;
    f->is.dated = ws__http_date(f->modified, f->is.modified);
    snprintf(f->etag, sizeof(f->etag), "%s\"%llx.%lx-%llx\"",
             f->is.settled ? "" : "W/", (long long)modified,
             (unsigned long)st->st_mtim.tv_nsec, (long long)st->st_size);
    f->is.etag = callers ? callers : f->etag;
    f->size = f->len = (uint64_t)st->st_size;
    f->first = 0;
}

/* Of the whole, or of the part that is asked for: 200, 206, 416, 304, 412. */
static int choose_status(struct sent_file *f, const struct ws__request *r)
{
    const ws_header *headers = r->pub.headers;
    const char *range = ws_header_get(headers, "Range");
    int status = ws__condition(headers, &f->is);

    if (status != 0)
        return status;
    if (!range || r->is_head || !ws__condition_of_range(headers, &f->is))
        return 200;
    switch (ws__range_parse(range, f->size, &f->first, &f->len)) {
    case WS__RANGE_ALL:
        return 200;
    case WS__RANGE_PART:
        snprintf(f->range, sizeof(f->range), "bytes %llu-%llu/%llu",
                 (unsigned long long)f->first,
                 (unsigned long long)(f->first + f->len - 1),
                 (unsigned long long)f->size);
        return 206;
    case WS__RANGE_VOID:
        break;
    }
    snprintf(f->range, sizeof(f->range), "bytes */%llu",
             (unsigned long long)f->size);
    return 416;
}

/* ---- Sending ------------------------------------------------------------ */

/* Once a part is missing the client can only learn it from the connection. */
static int send_content(struct ws__request *r, struct sent_file *f, char *piece)
{
    int error = 0;

    while (f->len > 0 && error == 0) {
        size_t n = f->len < PIECE ? (size_t)f->len : PIECE;

        error = ws__disk_file_read(&f->disk, piece, n, f->first);
        if (error != 0) {
            r->session->broken = true;
            return error;
        }
        error = ws__reply_more(r, piece, n);
        f->first += n;
        f->len -= n;
    }
    return error;
}

static int send_file(struct ws__request *r, struct sent_file *f, int status,
                     const ws_header *headers)
{
    bool body = f->len > 0 && !r->is_head && status != 304;
    char *piece =
        body ? ws__alloc(f->len < PIECE ? (size_t)f->len : PIECE) : NULL;

    if (body && !piece)
        return deny_file(r, 500, NULL);
    int error = ws__reply_begin(r, status, headers, f->len, NULL, 0);
    if (error == 0 && body)
        error = send_content(r, f, piece);
    ws_free(piece);
    return error;
}

static void add_field(ws_header **end, const char *name, const char *value)
{
    *(*end)++ = (ws_header){ name, value };
}

static int reply_regular(struct ws__request *r, struct sent_file *f,
                         const ws_header *headers)
{
    ws_header needed[6] = { { 0 } }, *end = needed;

    describe(f, headers);
    int status = choose_status(f, r);
    if (status == 206 || status == 416)
        add_field(&end, "Content-Range", f->range);
    if (status == 412 || status == 416)
        return deny_file(r, status, needed);
    add_field(&end, "ETag", f->etag);
    add_field(&end, "Accept-Ranges", "bytes");
    if (f->is.dated)
        add_field(&end, "Last-Modified", f->modified);
    if (status != 304)
        add_field(&end, "Content-Type", ws__mime_type(f->disk.name));
    r->needed = needed;
    int error = send_file(r, f, status, headers);
    r->needed = NULL;
    return error;
}

/* ---- For handlers ------------------------------------------------------- */

static int reply_named(struct ws__request *r, const char *root,
                       const char *name, const ws_header *headers)
{
    bool folder = ends_in_slash(r->pub.path);
    struct sent_file f;
    int error = ws__disk_file_open(&f.disk, root, name, folder);

    if (error != 0)
        error = deny_file(r, status_of(error), NULL);
    else if (S_ISDIR(f.disk.st.st_mode) && !folder)
        error = redirect_to_folder(r);
    else if (!S_ISREG(f.disk.st.st_mode))
        error = deny_file(r, 404, NULL);
    else
        error = reply_regular(r, &f, headers);
    ws__disk_file_close(&f.disk);
    return error;
}

int ws_reply_file_with(ws_request *pub, const char *root,
                       const ws_file_options *options)
{
    static const ws_file_options standard;
    static const ws_header allow[] = { { "Allow", "GET, HEAD" }, { 0 } };
    const ws_file_options *o = options ? options : &standard;
    struct ws__request *r = ws__request_of(pub);

    if (!r || r->answered || !root)
        return WS_ERR_INVALID;
    if (!r->is_head && strcmp(pub->method, "GET") != 0)
        return ws__deny(r, &(struct ws__denial){ 405,
                                                 .reason = "Method Not Allowed",
                                                 .needed = allow });
    const char *name = o->path ? o->path : pub->path;
    name += strspn(name, "/");
    if (!o->dotfiles && is_hidden(name))
        return deny_file(r, 404, NULL);
    return reply_named(r, root, name, o->headers);
}

int ws_reply_file(ws_request *r, const char *root)
{
    return ws_reply_file_with(r, root, NULL);
}
