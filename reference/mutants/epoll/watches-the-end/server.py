import select
import socket

listener = socket.create_server(("", 8080), backlog=100)
listener.setblocking(False)
poller = select.epoll()
poller.register(listener, select.EPOLLIN)
connections, replies, ended = {}, {}, set()


def drop(fd):
    poller.unregister(fd)
    ended.discard(fd)
    del replies[fd]
    connections.pop(fd).close()


def read(fd):
    data = connections[fd].recv(4096)
    if data:
        replies[fd] += data.upper()
    elif replies[fd]:
        ended.add(fd)  # the replies must go first
    else:
        drop(fd)


def write(fd):
    taken = connections[fd].send(replies[fd])
    del replies[fd][:taken]
    if fd in ended and not replies[fd]:
        drop(fd)


def watch(fd):
    wanted = select.EPOLLIN if len(replies[fd]) < 65536 else 0
    poller.modify(fd, wanted | (select.EPOLLOUT if replies[fd] else 0))


def attend(fd, events):
    try:
        if events & ~select.EPOLLOUT:
            read(fd)
        if fd in replies and replies[fd] and events & select.EPOLLOUT:
            write(fd)
    except BlockingIOError:
        pass
    except OSError:
        drop(fd)
    if fd in replies:
        watch(fd)


while True:
    for fd, events in poller.poll():
        if fd != listener.fileno():
            attend(fd, events)
            continue
        client, _ = listener.accept()
        client.setblocking(False)
        connections[client.fileno()] = client
        replies[client.fileno()] = bytearray()
        poller.register(client, select.EPOLLIN)
