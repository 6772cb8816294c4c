// SPDX-License-Identifier: MIT
// beast_client [OPTION...] PORT: a client by Boost.Beast, on one thread, with
// the options of bench_client, but for --resume, that prints what it took
// itself.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>

#include <sys/resource.h>

namespace beast = boost::beast;
namespace asio = boost::asio;
namespace ssl = asio::ssl;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using beast::error_code;
using steady = std::chrono::steady_clock;

static constexpr std::size_t largest = 64 << 20;

struct settings {
    std::size_t connections = 64, size = 20;
    double seconds = 1, warmup = 0.2;
    bool binary = false, deflate = false, tls = false, connect = false;
    std::uint16_t port = 0;
};

struct figures {
    std::uint64_t count = 0;
    bool timing = false;
    std::vector<double> took; // in microseconds
};

static settings options;
static figures all;
static std::string message;
static asio::io_context loop(1);
static ssl::context tls(ssl::context::tls_client);

[[noreturn]] static void fail(const std::string &why)
{
    std::fprintf(stderr, "beast_client: %s\n", why.c_str());
    std::exit(1);
}

// One connection after the other, or one that is kept.
template <class Layer>
class session : public std::enable_shared_from_this<session<Layer>>
{
  public:
    void start()
    {
        since = steady::now();
        if constexpr (std::is_same_v<Layer, tcp::socket>)
            stream.emplace(loop);
        else
            stream.emplace(loop, tls);

        websocket::permessage_deflate compression;

        compression.client_enable = options.deflate;
        compression.server_no_context_takeover = true;
        compression.client_no_context_takeover = true;
        stream->set_option(compression);
        stream->read_message_max(largest);
        stream->auto_fragment(false);
        stream->text(!options.binary);
        tcp::endpoint to(asio::ip::address_v4::loopback(), options.port);
        beast::get_lowest_layer(*stream).async_connect(
            to, then([](auto &s) { s.secure(); }));
    }

  private:
    boost::optional<websocket::stream<Layer>> stream;
    beast::flat_buffer answer;
    steady::time_point since;

    template <class Next> auto then(Next next)
    {
        return
            [self = this->shared_from_this(), next](error_code error, auto...) {
                // Who has closed need not say goodbye by TLS, too.
                if (error && error != ssl::error::stream_truncated)
                    fail(error.message());
                next(*self);
            };
    }

    void secure()
    {
        beast::get_lowest_layer(*stream).set_option(tcp::no_delay(true));
        if constexpr (std::is_same_v<Layer, tcp::socket>)
            upgrade();
        else
            stream->next_layer().async_handshake(
                ssl::stream_base::client, then([](auto &s) { s.upgrade(); }));
    }

    void upgrade()
    {
        stream->async_handshake("localhost", "/", then([](auto &s) {
                                    options.connect ? s.close() : s.write();
                                }));
    }

    void close()
    {
        stream->async_close(websocket::close_code::normal, then([](auto &s) {
                                s.note();
                                s.start();
                            }));
    }

    void write()
    {
        since = steady::now();
        stream->async_write(asio::buffer(message),
                            then([](auto &s) { s.read(); }));
    }

    void read()
    {
        stream->async_read(answer, then([](auto &s) {
                               if (s.answer.size() != options.size)
                                   fail("an answer of another size");
                               s.answer.consume(s.answer.size());
                               s.note();
                               s.write();
                           }));
    }

    void note()
    {
        std::chrono::duration<double, std::micro> d = steady::now() - since;

        all.count++;
        if (all.timing)
            all.took.push_back(d.count());
    }
};

static double cpu()
{
    timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

static void run_for(double seconds)
{
    loop.run_for(
        std::chrono::microseconds(static_cast<std::int64_t>(seconds * 1e6)));
}

// Prints what all sessions do meanwhile.
static void measure()
{
    run_for(options.warmup);

    auto n = all.count;
    auto since = steady::now();
    double used = cpu();

    all.timing = true;
    run_for(options.seconds);
    n = all.count - n;
    used = cpu() - used;
    std::chrono::duration<double> time = steady::now() - since;
    rusage r;

    getrusage(RUSAGE_SELF, &r);
    if (n == 0 || all.took.empty())
        fail("nothing came");
    std::sort(all.took.begin(), all.took.end());
    std::printf("{\"count\": %ju, \"seconds\": %.6f, \"per_second\": %.1f, ",
                static_cast<std::uintmax_t>(n), time.count(),
                static_cast<double>(n) / time.count());
    std::printf("\"cpu_us\": %.4f, \"client_busy\": %.3f, \"p50_us\": %.1f, "
                "\"p99_us\": %.1f, \"rss_kib\": %ld}\n",
                used * 1e6 / static_cast<double>(n), used / time.count(),
                all.took[all.took.size() / 2],
                all.took[all.took.size() * 99 / 100], r.ru_maxrss);
}

static void parse(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        std::string word = argv[i];
        auto value = [&] { return i + 1 < argc ? argv[++i] : ""; };

        if (word == "--connections")
            options.connections = std::strtoul(value(), nullptr, 10);
        else if (word == "--size")
            options.size = std::strtoul(value(), nullptr, 10);
        else if (word == "--seconds")
            options.seconds = std::atof(value());
        else if (word == "--warmup")
            options.warmup = std::atof(value());
        else if (word == "--binary")
            options.binary = true;
        else if (word == "--deflate")
            options.deflate = true;
        else if (word == "--tls")
            options.tls = true;
        else if (word == "--connect")
            options.connect = true;
        else
            options.port = static_cast<std::uint16_t>(std::atoi(argv[i]));
    }
}

int main(int argc, char **argv)
{
    static const std::string trade = "{\"trade\":714296,\"pair\":\"EURUSD\","
                                     "\"side\":\"buy\",\"price\":132.4296},";

    parse(argc, argv);
    while (message.size() < options.size)
        message += trade;
    message.resize(options.size);
    if (options.tls) {
        tls.load_verify_file("cert.pem");
        tls.set_verify_mode(ssl::verify_peer);
    }
    for (std::size_t i = 0; i < options.connections; i++)
        if (options.tls)
            std::make_shared<session<ssl::stream<tcp::socket>>>()->start();
        else
            std::make_shared<session<tcp::socket>>()->start();
    measure();
    std::fflush(stdout);
    std::_Exit(0); // the sessions are under way
}
