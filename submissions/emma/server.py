import select
import socket


class Client:
    def __init__(self, sock):
        self.sock = sock
        self.outbox = b""
        self.done = False

    def fileno(self):
        return self.sock.fileno()


class Server:
    def __init__(self, port):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("", port))
        self.listener.listen(100)
        self.clients = []

    def run(self):
        while True:
            readers = [c for c in self.clients if not c.done and len(c.outbox) < 100000]
            writers = [c for c in self.clients if c.outbox]
            readable, writable, _ = select.select([self.listener] + readers, writers, [], 0)
            for ready in readable:
                if ready is self.listener:
                    sock, _ = self.listener.accept()
                    sock.setblocking(False)
                    self.clients.append(Client(sock))
                else:
                    self.read(ready)
            for client in writable:
                if client in self.clients:
                    self.write(client)

    def read(self, client):
        try:
            data = client.sock.recv(4096)
        except OSError:
            self.remove(client)
            return
        if data:
            client.outbox += data.upper()
        else:
            client.done = True
            if not client.outbox:
                self.remove(client)

    def write(self, client):
        try:
            sent = client.sock.send(client.outbox)
        except OSError:
            self.remove(client)
            return
        client.outbox = client.outbox[sent:]
        if client.done and not client.outbox:
            self.remove(client)

    def remove(self, client):
        self.clients.remove(client)
        client.sock.close()


if __name__ == "__main__":
    Server(8080).run()
