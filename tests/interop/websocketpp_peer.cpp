// SPDX-License-Identifier: MIT

// websocketpp_peer server              echoes; prints "listening PORT"
// websocketpp_peer client URL SIZE...  as orders.py says

#include <iostream>
#include <string>
#include <vector>

#include <websocketpp/client.hpp>
#include <websocketpp/config/asio_no_tls.hpp>
#include <websocketpp/config/asio_no_tls_client.hpp>
#include <websocketpp/extensions/permessage_deflate/enabled.hpp>
#include <websocketpp/server.hpp>

namespace {

template <typename Base> struct deflating : Base {
    struct permessage_deflate_config {};
    using permessage_deflate_type =
        websocketpp::extensions::permessage_deflate::enabled<
            permessage_deflate_config>;
};

using server = websocketpp::server<deflating<websocketpp::config::asio>>;
using client =
    websocketpp::client<deflating<websocketpp::config::asio_client>>;

constexpr auto text_frame = websocketpp::frame::opcode::text;

std::string text(size_t n)
{
    std::string s(n, 'a');
    for (size_t i = 0; i < n; i++)
        s[i] = static_cast<char>('a' + i * 7 % 26);
    return s;
}

void serve()
{
    server s;
    websocketpp::lib::asio::error_code ec;

    s.clear_access_channels(websocketpp::log::alevel::all);
    s.clear_error_channels(websocketpp::log::elevel::all);
    s.init_asio();
    s.set_message_handler(
        [&s](websocketpp::connection_hdl c, server::message_ptr m) {
            s.send(c, m->get_payload(), m->get_opcode());
        });
    s.listen(websocketpp::lib::asio::ip::tcp::endpoint(
        websocketpp::lib::asio::ip::address_v4::loopback(), 0));
    s.start_accept();
    std::cout << "listening " << s.get_local_endpoint(ec).port() << std::endl;
    s.run();
}

void talk(const std::string &url, const std::vector<size_t> &sizes)
{
    client c;
    size_t at = 0;
    websocketpp::lib::error_code ec;

    auto next = [&](websocketpp::connection_hdl to) {
        if (at < sizes.size())
            c.send(to, text(sizes[at]), text_frame);
        else
            c.close(to, websocketpp::close::status::normal, "");
    };
    c.clear_access_channels(websocketpp::log::alevel::all);
    c.clear_error_channels(websocketpp::log::elevel::all);
    c.init_asio();
    c.set_open_handler(next);
    c.set_message_handler(
        [&](websocketpp::connection_hdl to, client::message_ptr m) {
            const std::string &got = m->get_payload();
            std::cout << got.size()
                      << (got == text(sizes[at]) ? "" : " others") << "\n";
            at++;
            next(to);
        });
    c.set_close_handler([&](websocketpp::connection_hdl from) {
        auto code = c.get_con_from_hdl(from)->get_remote_close_code();
        if (code != websocketpp::close::status::normal)
            std::cout << "closed: " << code << "\n";
    });
    c.set_fail_handler([](websocketpp::connection_hdl) {
        std::cout << "not connected\n";
    });
    c.connect(c.get_connection(url, ec));
    c.run();
}

} // namespace

int main(int argc, char **argv)
{
    std::vector<size_t> sizes;

    for (int i = 3; i < argc; i++)
        sizes.push_back(std::stoul(argv[i]));
    if (argc == 2 && argv[1] == std::string("server"))
        serve();
    else if (argc > 3 && argv[1] == std::string("client"))
        talk(argv[2], sizes);
    else
        return 2;
    return 0;
}
