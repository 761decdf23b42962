/* Processes: one for each client, made with fork(). The parent closes its copy and waits for those that have ended. */
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHUNK 4096

static void fail(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
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
    return fd;
}

/* One SIGCHLD may stand for several children. */
static void reap(int number)
{
    int before = errno;

    (void)number;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    errno = before;
}

static int send_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t count = send(fd, data, size, MSG_NOSIGNAL);
        if (count < 0)
            return -1;
        data += count;
        size -= count;
    }
    return 0;
}

static void serve(int fd)
{
    char data[CHUNK];
    ssize_t count;

    while ((count = recv(fd, data, sizeof data, 0)) > 0) {
        for (ssize_t i = 0; i < count; i++)
            data[i] = toupper((unsigned char)data[i]);
        if (send_all(fd, data, count) < 0)
            break;
    }
}

int main(int argc, char **argv)
{
    int listener = open_listener(argc > 1 ? atoi(argv[1]) : 8080);
    struct sigaction on_child = {.sa_handler = reap, .sa_flags = SA_RESTART};

    sigaction(SIGCHLD, &on_child, NULL);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            continue;
        switch (fork()) {
        case 0:
            close(listener);
            serve(fd);
            _exit(EXIT_SUCCESS);
        default: /* as long as we hold it too, the client would never see the end */
            close(fd);
        }
    }
}
