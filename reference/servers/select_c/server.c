/* Upper-case echo server with select(): one thread, a buffer of pending output per client. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT 8080
#define ROOM 65536

struct client {
    int finished;       /* has sent its FIN */
    size_t start, end;  /* pending output is out[start..end) */
    char out[ROOM];
};

static struct client *clients[FD_SETSIZE];

static void fail(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static void set_nonblocking(int fd)
{
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
        fail("fcntl");
}

static int open_listener(void)
{
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(INADDR_ANY)};

    if (fd < 0)
        fail("socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
        fail("bind");
    if (listen(fd, 128) < 0)
        fail("listen");
    set_nonblocking(fd);
    return fd;
}

static void drop(int fd)
{
    free(clients[fd]);
    clients[fd] = NULL;
    close(fd);
}

static void accept_client(int listener)
{
    int fd = accept(listener, NULL, NULL);

    if (fd < 0)
        return;
    if (fd >= FD_SETSIZE) {  /* select() could not watch it */
        close(fd);
        return;
    }
    set_nonblocking(fd);
    clients[fd] = calloc(1, sizeof **clients);
    if (!clients[fd])
        fail("calloc");
}

static void receive(int fd)
{
    struct client *c = clients[fd];
    ssize_t count = recv(fd, c->out + c->end, ROOM - c->end, 0);

    if (count < 0) {
        if (errno != EAGAIN && errno != EINTR)
            drop(fd);
        return;
    }
    if (count == 0) {
        if (c->start == c->end)
            drop(fd);
        else
            c->finished = 1;
        return;
    }
    for (ssize_t i = 0; i < count; i++)
        c->out[c->end + i] = toupper((unsigned char)c->out[c->end + i]);
    c->end += count;
}

static void transmit(int fd)
{
    struct client *c = clients[fd];
    ssize_t count = send(fd, c->out + c->start, c->end - c->start, MSG_NOSIGNAL);

    if (count < 0) {
        if (errno != EAGAIN && errno != EINTR)
            drop(fd);
        return;
    }
    c->start += count;
    if (c->start == c->end) {
        c->start = c->end = 0;
        if (c->finished)
            drop(fd);
    }
}

int main(void)
{
    int listener = open_listener();

    for (;;) {
        fd_set readable, writable;
        int highest = listener;

        FD_ZERO(&readable);
        FD_ZERO(&writable);
        FD_SET(listener, &readable);
        for (int fd = 0; fd < FD_SETSIZE; fd++) {
            struct client *c = clients[fd];
            if (!c)
                continue;
            if (!c->finished && c->end < ROOM)
                FD_SET(fd, &readable);
            if (c->start < c->end)
                FD_SET(fd, &writable);
            if (fd > highest)
                highest = fd;
        }
        if (select(highest + 1, &readable, &writable, NULL, NULL) < 0) {
            if (errno == EINTR)
                continue;
            fail("select");
        }
        for (int fd = 0; fd <= highest; fd++) {
            if (clients[fd] && FD_ISSET(fd, &readable))
                receive(fd);
            if (clients[fd] && FD_ISSET(fd, &writable))
                transmit(fd);
        }
        if (FD_ISSET(listener, &readable))
            accept_client(listener);
    }
}
