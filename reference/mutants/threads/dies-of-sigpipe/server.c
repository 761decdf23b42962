#include <ctype.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
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

static int send_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t count = send(fd, data, size, 0);
        if (count < 0)
            return -1;
        data += count;
        size -= count;
    }
    return 0;
}

static void *serve(void *argument)
{
    int fd = (intptr_t)argument;
    char data[CHUNK];
    ssize_t count;

    while ((count = recv(fd, data, sizeof data, 0)) > 0) {
        for (ssize_t i = 0; i < count; i++)
            data[i] = toupper((unsigned char)data[i]);
        if (send_all(fd, data, count) < 0)
            break;
    }
    close(fd);
    return NULL;
}

int main(int argc, char **argv)
{
    int listener = open_listener(argc > 1 ? atoi(argv[1]) : 8080);
    pthread_attr_t detached;

    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    for (;;) {
        pthread_t thread;
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            continue;
        if (pthread_create(&thread, &detached, serve, (void *)(intptr_t)fd) != 0)
            close(fd);
    }
}
