/* epoll: one thread waits for all sockets at once, and the kernel remembers which; level-triggered. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROOM 65536
#define BATCH 64

struct client {
    int fd;
    int finished;       /* has sent its FIN */
    size_t start, end;  /* pending output is out[start..end) */
    char out[ROOM];
};

static int set;

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

static void watch(int operation, int fd, uint32_t events, void *whose)
{
    struct epoll_event event = {.events = events, .data.ptr = whose};

    if (epoll_ctl(set, operation, fd, &event) < 0)
        fail("epoll_ctl");
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
    client->fd = fd;
    watch(EPOLL_CTL_ADD, fd, EPOLLIN, client);
}

/* Returns 0 when the connection is over. */
static int receive(struct client *c)
{
    ssize_t size = recv(c->fd, c->out + c->end, ROOM - c->end, 0);

    if (size < 0)
        return errno == EAGAIN || errno == EINTR;
    if (size == 0)
        c->finished = 1;
    for (ssize_t i = 0; i < size; i++)
        c->out[c->end + i] = toupper((unsigned char)c->out[c->end + i]);
    c->end += size;
    return 1;
}

static int transmit(struct client *c)
{
    ssize_t size = send(c->fd, c->out + c->start, c->end - c->start, MSG_NOSIGNAL);

    if (size < 0)
        return errno == EAGAIN || errno == EINTR;
    c->start += size;
    if (c->start == c->end)
        c->start = c->end = 0;
    return 1;
}

static void attend(struct client *c, uint32_t happened)
{
    int lives = 1;
    uint32_t events;

    if (happened & ~EPOLLOUT) /* an error or a hang-up shows as soon as we read */
        lives = receive(c);
    if (lives && c->start < c->end)
        lives = transmit(c);
    events = (!c->finished && c->end < ROOM ? EPOLLIN : 0) | (c->start < c->end ? EPOLLOUT : 0);
    if (lives && events) {
        watch(EPOLL_CTL_MOD, c->fd, events, c);
        return;
    }
    close(c->fd); /* takes it out of the set as well */
    free(c);
}

int main(int argc, char **argv)
{
    int listener = open_listener(argc > 1 ? atoi(argv[1]) : 8080);

    if ((set = epoll_create1(0)) < 0)
        fail("epoll_create1");
    watch(EPOLL_CTL_ADD, listener, EPOLLIN, NULL);
    for (;;) {
        struct epoll_event events[BATCH];
        int count = epoll_wait(set, events, BATCH, -1);

        if (count < 0) {
            if (errno == EINTR)
                continue;
            fail("epoll_wait");
        }
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr)
                attend(events[i].data.ptr, events[i].events);
            else
                accept_client(listener);
        }
    }
}
