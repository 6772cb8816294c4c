// SPDX-License-Identifier: MIT

//! fastwebsockets_client [OPTION...] PORT: a client by fastwebsockets, on one
//! thread, with the options of bench_client, but for TLS and compression, that
//! prints what it took itself.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fastwebsockets::{handshake, FragmentCollector, Frame, OpCode, Payload};
use http_body_util::Empty;
use hyper::header::{CONNECTION, HOST, UPGRADE};
use hyper::upgrade::Upgraded;
use hyper::Request;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

type Socket = FragmentCollector<TokioIo<Upgraded>>;

struct Options {
    connections: usize,
    size: usize,
    seconds: f64,
    warmup: f64,
    binary: bool,
    connect: bool,
    port: u16,
}

fn parse() -> Options {
    let mut o = Options {
        connections: 64,
        size: 20,
        seconds: 1.0,
        warmup: 0.2,
        binary: false,
        connect: false,
        port: 0,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().expect("a value");
        match word.as_str() {
            "--connections" => o.connections = value().parse().unwrap(),
            "--size" => o.size = value().parse().unwrap(),
            "--seconds" => o.seconds = value().parse().unwrap(),
            "--warmup" => o.warmup = value().parse().unwrap(),
            "--binary" => o.binary = true,
            "--connect" => o.connect = true,
            port => o.port = port.parse().expect("a port"),
        }
    }
    o
}

struct Spawn;

impl<F> hyper::rt::Executor<F> for Spawn
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        tokio::spawn(future);
    }
}

struct Bench {
    options: Options,
    message: Vec<u8>,
    count: Cell<u64>,
    timing: Cell<bool>,
    over: Cell<bool>,
    took: RefCell<Vec<Duration>>,
}

impl Bench {
    async fn dial(&self) -> Socket {
        let address = ("127.0.0.1", self.options.port);
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let request = Request::get("/")
            .header(HOST, "127.0.0.1")
            .header(UPGRADE, "websocket")
            .header(CONNECTION, "upgrade")
            .header("Sec-WebSocket-Key", handshake::generate_key())
            .header("Sec-WebSocket-Version", "13")
            .body(Empty::<Bytes>::new())
            .unwrap();
        let (mut socket, _) =
            handshake::client(&Spawn, request, stream).await.unwrap();
        socket.set_max_message_size(64 << 20);
        FragmentCollector::new(socket)
    }

    async fn exchange(&self, socket: &mut Socket) {
        let opcode = match self.options.binary {
            true => OpCode::Binary,
            false => OpCode::Text,
        };
        let payload = Payload::Borrowed(&self.message);
        let frame = Frame::new(true, opcode, None, payload);
        socket.write_frame(frame).await.unwrap();
        let answer = socket.read_frame().await.unwrap();
        assert_eq!(answer.payload.len(), self.options.size);
    }

    async fn dial_and_close(&self) {
        let mut socket = self.dial().await;
        let close = Frame::close(1000, b"");
        socket.write_frame(close).await.unwrap();
        let answer = socket.read_frame().await.unwrap();
        assert_eq!(answer.opcode, OpCode::Close);
    }

    fn note(&self, since: Instant) {
        self.count.set(self.count.get() + 1);
        if self.timing.get() {
            self.took.borrow_mut().push(since.elapsed());
        }
    }

    async fn work(&self) {
        let mut socket = None;
        while !self.over.get() {
            let since = Instant::now();
            if self.options.connect {
                self.dial_and_close().await;
            } else {
                if socket.is_none() {
                    socket = Some(self.dial().await);
                }
                self.exchange(socket.as_mut().unwrap()).await;
            }
            self.note(since);
        }
    }

    /// Prints what all the others did meanwhile.
    async fn measure(&self) {
        tokio::time::sleep(Duration::from_secs_f64(self.options.warmup)).await;
        let (count, since, cpu) = (self.count.get(), Instant::now(), cpu());
        self.timing.set(true);
        tokio::time::sleep(Duration::from_secs_f64(self.options.seconds)).await;
        self.timing.set(false);
        let n = (self.count.get() - count) as f64;
        let (cpu, time) = (self::cpu() - cpu, since.elapsed().as_secs_f64());
        self.over.set(true);
        let mut took = self.took.borrow_mut();
        took.sort();
        let at = |share: usize| took[took.len() * share / 100].as_nanos();
        println!(
            "{{\"count\": {n}, \"seconds\": {time:.6}, \
             \"per_second\": {:.1}, \"cpu_us\": {:.4}, \
             \"client_busy\": {:.3}, \"p50_us\": {:.1}, \"p99_us\": {:.1}, \
             \"rss_kib\": {}}}",
            n / time,
            cpu * 1e6 / n,
            cpu / time,
            at(50) as f64 / 1e3,
            at(99) as f64 / 1e3,
            rss_kib()
        );
    }
}

/// The seconds that this process has taken, of its only thread.
fn cpu() -> f64 {
    let line = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    line.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

fn rss_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let options = parse();
    let trade =
        b"{\"trade\":714296,\"pair\":\"EURUSD\",\"side\":\"buy\",\"price\":132.4296},";
    let bench = Rc::new(Bench {
        message: trade.iter().copied().cycle().take(options.size).collect(),
        options,
        count: Cell::new(0),
        timing: Cell::new(false),
        over: Cell::new(false),
        took: RefCell::new(Vec::new()),
    });
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async move {
            for _ in 0..bench.options.connections {
                let mine = bench.clone();
                tokio::task::spawn_local(async move { mine.work().await });
            }
            bench.measure().await;
        })
        .await;
}
