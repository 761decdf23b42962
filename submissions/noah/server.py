import select, socket
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("", 8080))
s.listen(100)
socks = [s]
while True:
    r, _, _ = select.select(socks, [], [])
    for c in r:
        if c is s:
            conn, addr = s.accept()
            socks.append(conn)
        else:
            try:
                data = c.recv(4096)
                if not data:
                    socks.remove(c)
                    c.close()
                else:
                    c.sendall(data.upper())
            except ConnectionError:
                socks.remove(c)
                c.close()
