import select
import socket

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("", 8080))
s.listen(100)
s.setblocking(False)

inputs = [s]
outgoing = {}

while True:
    outputs = [c for c in outgoing if outgoing[c]]
    r, w, x = select.select(inputs, outputs, [])
    for c in r:
        if c is s:
            conn, addr = s.accept()
            conn.setblocking(False)
            inputs.append(conn)
            outgoing[conn] = b""
            continue
        data = c.recv(2048)
        if data:
            outgoing[c] += data.upper()
        else:
            inputs.remove(c)
            if not outgoing[c]:
                del outgoing[c]
                c.close()
    for c in w:
        if c not in outgoing:
            continue
        sent = c.send(outgoing[c])
        outgoing[c] = outgoing[c][sent:]
        if not outgoing[c] and c not in inputs:
            del outgoing[c]
            c.close()
