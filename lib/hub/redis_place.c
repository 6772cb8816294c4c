/* SPDX-License-Identifier: MIT */

#include "hub/redis_place.h"

enum ws__redis_next ws__redis_place_heard(struct ws__redis_place *p,
                                          const ws_place *place, bool whole)
{
    if (p->looking || p->due || p->at.epoch == 0) {
        p->heard = true;
        return WS__REDIS_DROP;
    }
    if (place->epoch == p->at.epoch && place->offset <= p->at.offset)
        return WS__REDIS_DROP;
    if (whole && place->epoch == p->at.epoch &&
        place->offset == p->at.offset + 1) {
        p->at = *place;
        return WS__REDIS_DELIVER;
    }
    p->due = true;
    return WS__REDIS_LOOK;
}

void ws__redis_place_on(struct ws__redis_place *p)
{
    p->on = true;
    p->due = true;
    p->heard = true;
}

void ws__redis_place_off(struct ws__redis_place *p)
{
    p->on = false;
}

void ws__redis_place_begin(struct ws__redis_place *p)
{
    p->at = (ws_place){ 0 };
    p->due = p->on;
    p->heard = p->looking;
}

void ws__redis_place_acked(struct ws__redis_place *p, const ws_place *place)
{
    if (p->acked.epoch == 0)
        p->acked = *place;
    if (p->acked.epoch != place->epoch) {
        p->another = *place;
        p->due = true;
    } else if (p->acked.offset < place->offset) {
        p->acked.offset = place->offset;
    }
}

int ws__redis_place_seen(const struct ws__redis_place *p,
                         ws_place seen[static WS__REDIS_SEEN])
{
    const ws_place all[] = { p->at, p->acked, p->another };
    int n = 0;

    for (int i = 0; i < WS__REDIS_SEEN; i++)
        if (all[i].epoch != 0)
            seen[n++] = all[i];
    return n;
}

void ws__redis_place_look(struct ws__redis_place *p)
{
    p->due = false;
    p->heard = false;
    p->looking = true;
}

/* What was acknowledged and is in the log has been told to nobody in vain: only
 * what the log does not have yet counts from now on. */
void ws__redis_place_proved(struct ws__redis_place *p,
                            const struct ws__lineage *l)
{
    ws_place newest = ws__lineage_end(l);

    if (p->another.epoch == newest.epoch)
        p->acked = p->another;
    else if (p->acked.epoch != newest.epoch)
        p->acked = (ws_place){ 0 };
    p->another = (ws_place){ 0 };
}

/* A topic that is new: unless its beginning has been trimmed already. */
static enum ws__redis_looked place_start(struct ws__redis_place *p,
                                         const struct ws__lineage *l,
                                         uint64_t first)
{
    bool whole = l->last == 0 || first == 1;

    p->from_start = false;
    p->at = whole ? ws__lineage_place(l, 0) : ws__lineage_end(l);
    return whole ? WS__REDIS_MORE : WS__REDIS_LOST;
}

enum ws__redis_looked ws__redis_place_looked(struct ws__redis_place *p,
                                             const struct ws__lineage *l,
                                             uint64_t first)
{
    bool fresh = p->at.epoch == 0;

    ws__redis_place_proved(p, l);
    if (fresh && p->from_start)
        return place_start(p, l, first);
    if (!fresh && ws__lineage_reaches(l, &p->at, first))
        return WS__REDIS_MORE;
    p->at = ws__lineage_end(l);
    return fresh ? WS__REDIS_SYNCED : WS__REDIS_LOST;
}

void ws__redis_place_done(struct ws__redis_place *p, bool all)
{
    p->looking = false;
    p->due = p->due || p->heard || !all;
    p->heard = false;
}
