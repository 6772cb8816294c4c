// SPDX-License-Identifier: MIT
// beast [--deflate] [--tls] PORT: the echo server of Boost.Beast, on one
// thread.

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>

namespace beast = boost::beast;
namespace asio = boost::asio;
namespace ssl = asio::ssl;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using beast::error_code;

static constexpr std::size_t largest = 64 << 20;

struct settings {
    bool deflate = false;
    bool tls = false;
    std::uint16_t port = 0;
};

template <class Layer>
class session : public std::enable_shared_from_this<session<Layer>>
{
  public:
    template <class... Args>
    explicit session(bool deflate, Args &&...args)
        : stream(std::forward<Args>(args)...)
    {
        websocket::permessage_deflate compression;

        compression.server_enable = deflate;
        compression.server_no_context_takeover = true;
        compression.client_no_context_takeover = true;
        stream.set_option(compression);
        stream.read_message_max(largest);
        stream.auto_fragment(false);
    }

    void start()
    {
        if constexpr (std::is_same_v<Layer, tcp::socket>)
            accept();
        else
            stream.next_layer().async_handshake(
                ssl::stream_base::server, then([](auto &s) { s.accept(); }));
    }

  private:
    websocket::stream<Layer> stream;
    beast::flat_buffer message;

    // What to do next, unless there was an error: it ends the session.
    template <class Next> auto then(Next next)
    {
        return
            [self = this->shared_from_this(), next](error_code error, auto...) {
                if (!error)
                    next(*self);
            };
    }

    void accept()
    {
        stream.async_accept(then([](auto &s) { s.read(); }));
    }

    void read()
    {
        stream.async_read(message, then([](auto &s) { s.write(); }));
    }

    void write()
    {
        stream.text(stream.got_text());
        stream.async_write(message.data(), then([](auto &s) {
                               s.message.consume(s.message.size());
                               s.read();
                           }));
    }
};

static void serve(tcp::acceptor &listener, ssl::context &tls, const settings &s)
{
    listener.async_accept([&](error_code error, tcp::socket socket) {
        if (!error) {
            socket.set_option(tcp::no_delay(true), error);
            if (s.tls)
                std::make_shared<session<ssl::stream<tcp::socket>>>(
                    s.deflate, std::move(socket), tls)
                    ->start();
            else
                std::make_shared<session<tcp::socket>>(s.deflate,
                                                       std::move(socket))
                    ->start();
        }
        serve(listener, tls, s);
    });
}

int main(int argc, char **argv)
{
    settings s;

    for (int i = 1; i < argc; i++)
        if (std::strcmp(argv[i], "--deflate") == 0)
            s.deflate = true;
        else if (std::strcmp(argv[i], "--tls") == 0)
            s.tls = true;
        else
            s.port = static_cast<std::uint16_t>(std::atoi(argv[i]));

    asio::io_context loop(1);
    ssl::context tls(ssl::context::tls_server);
    tcp::acceptor listener(
        loop, tcp::endpoint(asio::ip::address_v4::loopback(), s.port));

    if (s.tls) {
        tls.use_certificate_chain_file("cert.pem");
        tls.use_private_key_file("key.pem", ssl::context::pem);
    }
    serve(listener, tls, s);
    loop.run();
}
