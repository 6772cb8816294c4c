// SPDX-License-Identifier: MIT

// node_peer.js server [--tls CERT KEY] [--deflate [TERM...]]
//     echoes; prints "listening PORT"
// node_peer.js client URL [--ca FILE] [--deflate [TERM...]]
//     talks to an echo server; prints each case
// A TERM is a parameter of permessage-deflate, as NAME or NAME=NUMBER.

"use strict";

const { once } = require("node:events");
const { readFileSync } = require("node:fs");
const http = require("node:http");
const https = require("node:https");
const WebSocket = require("ws");

const SIZES = [0, 1, 125, 126, 127, 4096, 65535, 65536, 200000, 1 << 20];
const PATIENCE_MS = 60000;

// { "serverMaxWindowBits": 10 } of server_max_window_bits=10
function options(terms) {
    const options = { threshold: 0 };
    for (const term of terms) {
        const [name, value] = term.split("=");
        options[name.replace(/_(.)/g, (_, c) => c.toUpperCase())] =
            value === undefined ? true : Number(value);
    }
    return options;
}

function serve(tls, deflate) {
    const server = tls
        ? https.createServer({ cert: readFileSync(tls[0]),
            key: readFileSync(tls[1]) })
        : http.createServer();
    const sockets = new WebSocket.Server({ server, perMessageDeflate: deflate });
    server.listen(0, "127.0.0.1",
        () => console.log("listening", server.address().port));
    sockets.on("connection", (ws) => {
        ws.on("error", () => ws.terminate());
        ws.on("message", (data, binary) => ws.send(data, { binary }));
    });
}

function text(n) {
    const p = Buffer.alloc(n);
    for (let i = 0; i < n; i++)
        p[i] = 97 + i * 7 % 26;
    return p;
}

function binary(n) {
    const p = Buffer.alloc(n);
    let x = n + 1;
    for (let i = 0; i < n; i++) {
        x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
        p[i] = x >>> 24;
    }
    return p;
}

function check(condition, why) {
    if (!condition)
        throw new Error(why);
}

const patience = () => ({ signal: AbortSignal.timeout(PATIENCE_MS) });

async function expect(ws, want, wantBinary) {
    const [got, isBinary] = await once(ws, "message", patience());
    check(isBinary === wantBinary, "the other type came back");
    check(want.equals(got), `${got.length} bytes came back other than sent`);
}

async function roundTrip(ws, data, binary) {
    const answer = expect(ws, data, binary);
    ws.send(data, { binary });
    await answer;
}

async function ping(ws) {
    const pong = once(ws, "pong", patience());
    ws.ping("are you there");
    const [data] = await pong;
    check(data.toString() === "are you there", `the pong was "${data}"`);
}

async function fragments(ws) {
    const pieces = [text(1), text(1000), text(0), text(70000)];
    const answer = expect(ws, Buffer.concat(pieces), false);
    pieces.forEach((piece, i) => ws.send(piece,
        { binary: false, fin: i === pieces.length - 1 }));
    await answer;
}

async function closing(ws) {
    const closed = once(ws, "close", patience());
    ws.close(1000, "bye");
    const [code] = await closed;
    check(code === 1000, `the answer was ${code}`);
}

async function report(name, run) {
    try {
        await run();
        console.log("ok " + name);
    } catch (error) {
        console.log(`not ok ${name}: ${error.message}`);
    }
}

async function talk(url, ca, deflate) {
    const ws = new WebSocket(url,
        { ca: ca && readFileSync(ca[0]), perMessageDeflate: deflate });
    await once(ws, "open", patience());

    await report("compression as asked", () => {
        const agreed = ws.extensions.startsWith("permessage-deflate");
        check(agreed === Boolean(deflate), `the extensions are "${ws.extensions}"`);
    });
    for (const n of SIZES) {
        await report(`text of ${n} bytes`, () => roundTrip(ws, text(n), false));
        await report(`binary of ${n} bytes`,
            () => roundTrip(ws, binary(n), true));
    }
    await report("text of many-byte characters", () => roundTrip(ws,
        Buffer.from("größer, 你好, 🦍; ".repeat(3000)), false));
    await report("the same again", async () => {
        await roundTrip(ws, binary(230), true);
        await roundTrip(ws, binary(230), true);
    });
    await report("the same far behind", () => roundTrip(ws,
        Buffer.concat([binary(20000), binary(20000)]), true));
    await report("ping", () => ping(ws));
    await report("fragments", () => fragments(ws));
    await report("close", () => closing(ws));
}

const args = process.argv.slice(2);

// Removes an option.  Returns its arguments; undefined: it is not there.
function take(name, count) {
    const at = args.indexOf(name);
    return at >= 0 ? args.splice(at, 1 + count).slice(1) : undefined;
}

const terms = take("--deflate", Infinity);
const deflate = terms && options(terms);
const tls = take("--tls", 2);
const ca = take("--ca", 1);
if (args.length === 1 && args[0] === "server") {
    serve(tls, deflate || false);
} else if (args.length === 2 && args[0] === "client") {
    talk(args[1], ca, deflate || false);
} else {
    console.error("usage: node_peer.js server [--tls CERT KEY] | " +
        "client URL [--ca FILE]  [--deflate [TERM...]]");
    process.exitCode = 2;
}
