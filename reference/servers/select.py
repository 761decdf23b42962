import select, socket
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("", 8080))
s.listen(100)
s.setblocking(False)
out = {}
eof = set()
def drop(c):
    out.pop(c); eof.discard(c); c.close()
while True:
    r, w, _ = select.select([s] + [c for c in out if c not in eof and len(out[c]) < 65536], [c for c in out if out[c]], [])
    for c in r:
        if c is s:
            conn, addr = s.accept()
            conn.setblocking(False)
            out[conn] = bytearray()
        elif c in out:
            try:
                data = c.recv(4096)
            except BlockingIOError:
                continue
            except OSError:
                drop(c); continue
            if not data:
                eof.add(c)
                if not out[c]: drop(c)
            else:
                out[c] += data.upper()
    for c in list(out):
        if out[c]:
            try:
                n = c.send(out[c])
                del out[c][:n]
            except BlockingIOError:
                continue
            except OSError:
                drop(c); continue
            if c in eof and not out[c]: drop(c)
