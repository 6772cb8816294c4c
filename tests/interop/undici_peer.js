// SPDX-License-Identifier: MIT

// undici_peer.js client URL SIZE...: as orders.py says

"use strict";

const { WebSocket } = require("undici");

function text(n) {
    const p = Buffer.alloc(n);
    for (let i = 0; i < n; i++)
        p[i] = 97 + i * 7 % 26;
    return p.toString("latin1");
}

const [, , role, url, ...sizes] = process.argv;
if (role !== "client" || !url)
    throw new Error("usage: undici_peer.js client URL SIZE...");
const ws = new WebSocket(url);
let at = 0;

function next() {
    if (at < sizes.length)
        ws.send(text(Number(sizes[at])));
    else
        ws.close(1000);
}

ws.onopen = next;
ws.onmessage = ({ data }) => {
    const same = data === text(Number(sizes[at]));
    console.log(same ? data.length : `${data.length} others`);
    at++;
    next();
};
ws.onclose = ({ code }) => {
    if (code !== 1000)
        console.log("closed:", code);
};
