import socket

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", 8080))
server.listen(5)
print("listening on port 8080")

while True:
    client, address = server.accept()
    print("connected:", address)
    while True:
        data = client.recv(1024)
        if not data:
            break
        client.sendall(data.upper())
    client.close()
    print("disconnected:", address)
