import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** An executor is not yet a pool: this one has no bound, and makes a thread for every client that comes. */
public final class Server {
    private static final int CHUNK = 4096;
    private static final int BACKLOG = 128;

    public static void main(String[] words) throws IOException {
        int port = words.length > 0 ? Integer.parseInt(words[0]) : 8080;
        ExecutorService pool = Executors.newCachedThreadPool();
        try (ServerSocket listener = new ServerSocket(port, BACKLOG)) {
            while (true) {
                Socket connection = listener.accept();
                pool.execute(() -> serve(connection));
            }
        }
    }

    /** Answer one client until it stops sending; then the thread is free for the next. */
    private static void serve(Socket connection) {
        byte[] chunk = new byte[CHUNK];
        try (connection) {
            InputStream requests = connection.getInputStream();
            OutputStream replies = connection.getOutputStream();
            int count;
            while ((count = requests.read(chunk)) > 0) {
                upper(chunk, count);
                replies.write(chunk, 0, count);
            }
        } catch (IOException left) {
            // A reset is the end of one connection, not of the server.
        }
    }

    /** On bytes, not on strings: what arrives may end in the middle of a character. */
    private static void upper(byte[] chunk, int count) {
        for (int i = 0; i < count; i++) {
            if (chunk[i] >= 'a' && chunk[i] <= 'z') {
                chunk[i] -= 'a' - 'A';
            }
        }
    }
}
