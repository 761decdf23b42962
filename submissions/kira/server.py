# my select server. runs on port 9000!!
import select
import socket

listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("0.0.0.0", 9000))
listener.listen(20)
listener.setblocking(False)
print("server up, port 9000, waiting...")

clients = {}
outbox = {}
closing = set()


def bye(sock):
    print("bye", clients[sock])
    del clients[sock], outbox[sock]
    closing.discard(sock)
    sock.close()


while True:
    wants_read = [s for s in clients if s not in closing and len(outbox[s]) < 65536]
    if len(clients) < 1000:  # select breaks above 1024, the others have to wait
        wants_read.append(listener)
    wants_write = [s for s in clients if outbox[s]]
    rs, ws, _ = select.select(wants_read, wants_write, [])
    for sock in rs:
        if sock is listener:
            conn, addr = listener.accept()
            conn.setblocking(False)
            clients[conn] = addr
            outbox[conn] = b""
            print("hello", addr)
            continue
        try:
            msg = sock.recv(1024)
        except OSError as e:
            print("error", e)
            bye(sock)
            continue
        if not msg:
            if outbox[sock]:
                closing.add(sock)
            else:
                bye(sock)
            continue
        print("got", msg)
        outbox[sock] += msg.upper()
    for sock in ws:
        if sock not in clients:
            continue
        try:
            n = sock.send(outbox[sock])
        except OSError as e:
            print("error", e)
            bye(sock)
            continue
        print("sent", outbox[sock][:n])
        outbox[sock] = outbox[sock][n:]
        if sock in closing and not outbox[sock]:
            bye(sock)
