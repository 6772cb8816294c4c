/* SPDX-License-Identifier: MIT */

#include <errno.h>

#include "conn/compressor.h"
#include "conn/extras.h"
#include "conn/prepared.h"
#include "conn/write_message.h"

static int send_form(ws_conn *c, const struct ws__form *f, ws_type type,
                     size_t plain)
{
    if (!f)
        return -ENOMEM;
    return ws__write_whole(
        c, &(struct ws__sending){ .opcode = (uint8_t)type,
                                  .fin = true,
                                  .rsv1 = f->rsv1,
                                  .may_coalesce = true,
                                  .data = ws__form_payload(f),
                                  .framed = f->header,
                                  .len = f->len,
                                  .compressed = f->rsv1,
                                  .plain = plain,
                                  .deadline = ws__write_deadline(c) });
}

/* A window that lives on has to see the message itself, and a close frame's
 * code has to be judged. */
static int write_prepared(ws_conn *c, ws_prepared *p)
{
    const struct ws__form *f = p->plain;
    bool compressed = ws__compressor_wanted(c);

    if (!ws__is_data(p->type) || (compressed && ws__compressor_keeps(c)))
        return ws_write_message(c, p->type, ws__form_payload(f), f->len);
    if (compressed)
        f = ws__prepared_compressed(p, c, atomic_load(&c->w.level));
    return send_form(c, f, p->type, p->plain->len);
}

int ws_write_prepared(ws_conn *c, ws_prepared *p)
{
    if (!c || !p)
        return WS_ERR_INVALID;
    ws__prepared_ref(p);
    int error = write_prepared(c, p);
    ws_prepared_free(p);
    return error;
}
