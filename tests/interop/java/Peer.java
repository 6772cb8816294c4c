// SPDX-License-Identifier: MIT

import java.net.InetSocketAddress;
import java.net.URI;
import java.util.Collections;

import org.java_websocket.WebSocket;
import org.java_websocket.client.WebSocketClient;
import org.java_websocket.drafts.Draft;
import org.java_websocket.drafts.Draft_6455;
import org.java_websocket.extensions.permessage_deflate.PerMessageDeflateExtension;
import org.java_websocket.handshake.ClientHandshake;
import org.java_websocket.handshake.ServerHandshake;
import org.java_websocket.server.WebSocketServer;

/**
 * Peer server              echoes; prints "listening PORT"
 * Peer client URL SIZE...  as orders.py says
 */
public class Peer {
    private static Draft deflating() {
        return new Draft_6455(new PerMessageDeflateExtension());
    }

    private static String text(int n) {
        StringBuilder s = new StringBuilder(n);
        for (int i = 0; i < n; i++)
            s.append((char) ('a' + (long) i * 7 % 26));
        return s.toString();
    }

    private static class Echo extends WebSocketServer {
        Echo() {
            super(new InetSocketAddress("127.0.0.1", 0), 1,
                  Collections.singletonList(deflating()));
        }

        @Override
        public void onStart() {
            System.out.println("listening " + getPort());
        }

        @Override
        public void onMessage(WebSocket c, String text) {
            c.send(text);
        }

        @Override
        public void onOpen(WebSocket c, ClientHandshake h) {
        }

        @Override
        public void onClose(WebSocket c, int code, String why, boolean far) {
        }

        @Override
        public void onError(WebSocket c, Exception e) {
        }
    }

    private static class Client extends WebSocketClient {
        private final String[] sizes;
        private int at;

        Client(URI uri, String[] sizes) {
            super(uri, deflating());
            this.sizes = sizes;
        }

        private void next() {
            if (at < sizes.length)
                send(text(Integer.parseInt(sizes[at])));
            else
                close();
        }

        @Override
        public void onOpen(ServerHandshake h) {
            next();
        }

        @Override
        public void onMessage(String got) {
            boolean same = at < sizes.length
                && got.equals(text(Integer.parseInt(sizes[at])));
            System.out.println(got.length() + (same ? "" : " others"));
            at++;
            next();
        }

        @Override
        public void onClose(int code, String why, boolean far) {
            if (code != 1000)
                System.out.println("closed: " + code + " " + why);
        }

        @Override
        public void onError(Exception e) {
            System.out.println(e);
        }
    }

    public static void main(String[] args) throws Exception {
        if (args.length == 1 && args[0].equals("server")) {
            new Echo().run();
            return;
        }
        if (args.length < 3 || !args[0].equals("client")) {
            System.err.println("usage: Peer server | client URL SIZE...");
            System.exit(2);
        }
        String[] sizes = java.util.Arrays.copyOfRange(args, 2, args.length);
        new Client(new URI(args[1]), sizes).run();
    }
}
