/* SPDX-License-Identifier: MIT */

#include "hub/redis_scripts.h"

/* clang-format off */

/* Opens the log: o and l are what they are from now on.  Its eight newest epochs
 * are kept. */
#define OPEN \
"local m, s = KEYS[1], KEYS[2]\n" \
"local f = redis.call('HMGET', m, 'o', 'r', 'l', 'x')\n" \
"local o, l, x = tonumber(f[1]), f[3], f[4] or ' '\n" \
"local begun = false\n" \
"local r = string.match(redis.call('INFO', 'replication'),\n" \
"                       'master_replid:(%w+)') or ''\n" \
"local function text(n) return string.format('%.0f', n) end\n" \
"if not o or not l then\n" \
"  redis.call('DEL', s)\n" \
"  o, l, x, begun = 0, ARGV[1] .. ':0', ' ', true\n" \
"  redis.call('DEL', m)\n" \
"  redis.call('HSET', m, 'o', 0, 'r', r, 'l', l)\n" \
"elseif f[2] ~= r then\n" \
"  local _, n = string.gsub(l, ':', '')\n" \
"  if n > 7 then\n" \
"    x = x .. string.match(l, '%d+') .. ' '\n" \
"    l = string.gsub(l, '^%S+ ', '')\n" \
"  end\n" \
"  l = l .. ' ' .. ARGV[1] .. ':' .. text(o)\n" \
"  redis.call('HSET', m, 'r', r, 'l', l, 'x', x)\n" \
"end\n"

const char ws__redis_publish_text[] = OPEN
"local field, id = 'n:' .. ARGV[2], ARGV[2] .. ':' .. ARGV[3]\n"
"local done = redis.call('HGET', m, field)\n"
"local newest = done and tonumber(string.match(done, '^%d+')) or 0\n"
/* Asked for again, or later than another one: look for it. */
"if tonumber(ARGV[3]) <= newest then\n"
"  local from = tonumber(ARGV[4])\n"
"  local below, seen = '+', o + 1\n"
"  repeat\n"
"    local some = redis.call('XREVRANGE', s, below, text(from + 1) .. '-0',\n"
"                            'COUNT', 16)\n"
"    for _, e in ipairs(some) do\n"
"      seen = tonumber(string.match(e[1], '^%d+'))\n"
"      if e[2][2] == id then return {l, seen} end\n"
"    end\n"
"    below = '(' .. text(seen) .. '-0'\n"
"  until #some == 0\n"
"  if seen > from + 1 then return {l, -1} end\n"
"end\n"
"o = o + 1\n"
"redis.call('XADD', s, 'MAXLEN', '~', ARGV[5], text(o) .. '-0',\n"
"           'i', id, 'p', ARGV[10])\n"
"redis.call('PEXPIRE', s, ARGV[6])\n"
"redis.call('HSET', m, 'o', text(o))\n"
"if tonumber(ARGV[3]) > newest then\n"
"  redis.call('HSET', m, field, ARGV[3] .. ':' .. text(o))\n"
"end\n"
"redis.call('PEXPIRE', m, ARGV[7])\n"
/* A node is new: forget those whose publications are no longer kept. */
"if not done and redis.call('HLEN', m) > 40 then\n"
"  local all = redis.call('HGETALL', m)\n"
"  for i = 1, #all, 2 do\n"
"    local at = tonumber(string.match(all[i + 1], ':(%d+)$'))\n"
"    if string.sub(all[i], 1, 2) == 'n:' and at < o - ARGV[5] then\n"
"      redis.call('HDEL', m, all[i])\n"
"    end\n"
"  end\n"
"end\n"
"redis.call(ARGV[8], ARGV[9], string.match(l, '(%d+):%d+$') .. ' ' ..\n"
"           text(o) .. ' ' .. ARGV[10])\n"
"return {l, o}\n";

const char ws__redis_look_text[] = OPEN
/* Is what stood there lost, and nobody knows of it yet? */
"local function is_lost(epoch, offset)\n"
"  local found = false\n"
"  for e, start in string.gmatch(l, '(%d+):(%d+)') do\n"
"    if found then return offset > tonumber(start) end\n"
"    found = e == epoch\n"
"  end\n"
"  if found then return offset > o end\n"
"  return not string.find(x, ' ' .. epoch .. ' ', 1, true)\n"
"end\n"
"local lost = ''\n"
"for i = 7, #ARGV, 2 do\n"
"  if is_lost(ARGV[i], tonumber(ARGV[i + 1])) then\n"
"    lost = lost .. ARGV[i] .. ' '\n"
"  end\n"
"end\n"
"if lost ~= '' then\n"
/* A log that has just begun has nobody who could have missed it. */
"  if not begun then\n"
"    for e in string.gmatch(l, '(%d+):') do lost = lost .. e .. ' ' end\n"
"    l = ARGV[1] .. ':' .. text(o)\n"
"    redis.call(ARGV[5], ARGV[6], ARGV[1] .. ' ' .. text(o) .. ' ')\n"
"  end\n"
"  x = string.sub(x .. lost, -600)\n"
"  redis.call('HSET', m, 'l', l, 'x', x)\n"
"end\n"
"redis.call('PEXPIRE', m, ARGV[4])\n"
"local first = redis.call('XRANGE', s, '-', '+', 'COUNT', 1)[1]\n"
"first = first and tonumber(string.match(first[1], '^%d+')) or 0\n"
"local some = {}\n"
"if ARGV[3] ~= '0' and tonumber(ARGV[2]) < o then\n"
"  local size = 0\n"
"  local all = redis.call('XRANGE', s, text(tonumber(ARGV[2]) + 1) .. '-0', '+',\n"
"                         'COUNT', ARGV[3])\n"
/* At most 1 MiB, and one more. */
"  for i, e in ipairs(all) do\n"
"    if size > 1048576 then break end\n"
"    size = size + #e[2][4]\n"
"    some[i] = e\n"
"  end\n"
"end\n"
"return {l, o, first, some}\n";

const char ws__redis_alive_text[] =
"local t = redis.call('TIME')\n"
"local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
"redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))\n"
"if ARGV[1] ~= '' then\n"
"  redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[2]), ARGV[1])\n"
"  redis.call('PEXPIRE', KEYS[1], ARGV[2])\n"
"end\n"
"return redis.call('ZRANGE', KEYS[1], 0, -1)\n";

const char ws__redis_announce_text[] =
"local t = redis.call('TIME')\n"
"local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
"redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))\n"
"redis.call('PEXPIRE', KEYS[1], ARGV[2])\n"
"if redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[2]),\n"
"              ARGV[1]) == 1 then\n"
"  redis.call('PEXPIRE', KEYS[1], ARGV[2])\n"
"  redis.call(ARGV[3], KEYS[1], ARGV[1])\n"
"end\n"
"return redis.status_reply('OK')\n";
