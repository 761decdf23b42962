import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/**
 * Selectors: one thread waits for all channels at once, with whatever the system does best.
 *
 * java.nio puts one interface over epoll and kqueue, and keeps an object of our own with each channel: here the client,
 * with the part of its reply that the kernel has not taken yet.
 */
public final class Server {
    private static final int CHUNK = 4096;
    private static final int BACKLOG = 128;

    public static void main(String[] words) throws IOException {
        int port = words.length > 0 ? Integer.parseInt(words[0]) : 8080;
        Selector selector = Selector.open();
        ServerSocketChannel listener = ServerSocketChannel.open();
        listener.bind(new InetSocketAddress(port), BACKLOG);
        listener.configureBlocking(false);
        listener.register(selector, SelectionKey.OP_ACCEPT);
        while (true) {
            selector.select(key -> {
                if (key.isAcceptable()) {
                    accept(listener, selector);
                } else {
                    ((Client) key.attachment()).ready(key);
                }
            });
        }
    }

    private static void accept(ServerSocketChannel listener, Selector selector) {
        try {
            SocketChannel channel = listener.accept();
            if (channel != null) {
                channel.configureBlocking(false);
                channel.register(selector, SelectionKey.OP_READ, new Client(channel));
            }
        } catch (IOException gone) {
            // The client has left before it was accepted.
        }
    }

    /** One connection: it reads when nothing is left to send, so that a slow reader holds up only itself. */
    private static final class Client {
        private final SocketChannel channel;
        private final ByteBuffer buffer = ByteBuffer.allocate(CHUNK);

        Client(SocketChannel channel) {
            this.channel = channel;
        }

        void ready(SelectionKey key) {
            try {
                if (key.isReadable()) {
                    buffer.clear();
                    if (channel.read(buffer) < 0) {
                        channel.close(); // this also takes it out of the set
                        return;
                    }
                    buffer.flip();
                    upper(buffer);
                }
                channel.write(buffer); // may take less than it is given
                key.interestOps(buffer.hasRemaining() ? SelectionKey.OP_WRITE : SelectionKey.OP_READ);
            } catch (IOException left) {
                close();
            }
        }

        private void close() {
            try {
                channel.close();
            } catch (IOException already) {
                // Closed is closed.
            }
        }

        /** On bytes, not on strings: what arrives may end in the middle of a character. */
        private static void upper(ByteBuffer buffer) {
            for (int i = buffer.position(); i < buffer.limit(); i++) {
                byte one = buffer.get(i);
                if (one >= 'a' && one <= 'z') {
                    buffer.put(i, (byte) (one - 'a' + 'A'));
                }
            }
        }
    }
}
