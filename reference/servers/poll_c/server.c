/* poll(): one thread waits for all sockets at once; an array of descriptors, and a buffer of pending output for each. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROOM 65536

struct client {
    int finished;       /* has sent its FIN */
    size_t start, end;  /* pending output is out[start..end) */
    char out[ROOM];
};

static struct pollfd *watched; /* the listener first, then the clients */
static struct client **clients; /* clients[i] belongs to watched[i] */
static size_t count, room;

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

static int open_listener(int port)
{
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_ANY)};

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

static void watch(int fd, struct client *client)
{
    if (count == room) {
        room = room ? 2 * room : 64;
        watched = realloc(watched, room * sizeof *watched);
        clients = realloc(clients, room * sizeof *clients);
        if (!watched || !clients)
            fail("realloc");
    }
    watched[count] = (struct pollfd){.fd = fd, .events = POLLIN};
    clients[count++] = client;
}

/* The last one takes the place of the one that leaves. */
static void drop(size_t i)
{
    close(watched[i].fd);
    free(clients[i]);
    watched[i] = watched[--count];
    clients[i] = clients[count];
}

static void accept_client(int listener)
{
    struct client *client;
    int fd = accept(listener, NULL, NULL);

    if (fd < 0)
        return;
    set_nonblocking(fd);
    if (!(client = calloc(1, sizeof *client)))
        fail("calloc");
    watch(fd, client);
}

/* Returns 0 when the connection is over. */
static int receive(int fd, struct client *c)
{
    ssize_t size = recv(fd, c->out + c->end, ROOM - c->end, 0);

    if (size < 0)
        return errno == EAGAIN || errno == EINTR;
    if (size == 0)
        c->finished = 1;
    for (ssize_t i = 0; i < size; i++)
        c->out[c->end + i] = toupper((unsigned char)c->out[c->end + i]);
    c->end += size;
    return 1;
}

static int transmit(int fd, struct client *c)
{
    ssize_t size = send(fd, c->out + c->start, c->end - c->start, MSG_NOSIGNAL);

    if (size < 0)
        return errno == EAGAIN || errno == EINTR;
    c->start += size;
    if (c->start == c->end)
        c->start = c->end = 0;
    return 1;
}

static int attend(struct pollfd *p, struct client *c)
{
    int lives = 1;

    if (p->revents & ~POLLOUT) /* an error or a hang-up shows as soon as we read */
        lives = receive(p->fd, c);
    if (lives && c->start < c->end)
        lives = transmit(p->fd, c);
    p->events = (!c->finished && c->end < ROOM ? POLLIN : 0) | (c->start < c->end ? POLLOUT : 0);
    return lives && p->events;
}

int main(int argc, char **argv)
{
    watch(open_listener(argc > 1 ? atoi(argv[1]) : 8080), NULL);
    for (;;) {
        if (poll(watched, count, -1) < 0) {
            if (errno == EINTR)
                continue;
            fail("poll");
        }
        for (size_t i = count - 1; i > 0; i--) /* backwards, because drop() moves the last one */
            if (watched[i].revents && !attend(&watched[i], clients[i]))
                drop(i);
        if (watched[0].revents)
            accept_client(watched[0].fd);
    }
}
