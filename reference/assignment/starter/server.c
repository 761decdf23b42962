/* Answers one client, once, in upper case. Make of it what the assignment asks for.
 *
 *     cc -g -o server server.c && ./server 8080
 */
#include <ctype.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int port = argc > 1 ? atoi(argv[1]) : 8080;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};

    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 128) < 0)
        return 1;

    /* Your work begins here: one client, one message, and the server ends. */
    char buffer[4096];
    int connection = accept(listener, NULL, NULL);
    ssize_t length = read(connection, buffer, sizeof buffer);
    for (ssize_t i = 0; i < length; i++)
        buffer[i] = toupper((unsigned char)buffer[i]);
    if (length > 0 && write(connection, buffer, length) < 0)
        return 1;
    close(connection);
    return 0;
}
