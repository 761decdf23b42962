/* io_uring: the completion model. Nobody asks whether a socket is ready; the kernel is told what to do ("accept one",
 * "receive into this buffer", "send these bytes") and tells when it is done. The requests go into one ring that is
 * shared with the kernel, the completions come out of another, and one call submits and waits.
 *
 * Each client has one request under way at any time: receive, then send until all is sent, then receive again. A
 * client who does not read keeps its own send waiting in the kernel, and nobody else. Uses the system calls directly
 * (io_uring_setup(2), io_uring_enter(2)); a library would hide what is to be learnt.
 */
#include <ctype.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ENTRIES 256
#define CHUNK 4096

struct client {
    int fd;
    int sending;        /* what is under way: a send, or else a receive */
    size_t size, sent;  /* of the reply in data */
    char data[CHUNK];
};

static int ring;
static unsigned *sq_head, *sq_tail, *sq_mask, *sq_array, *cq_head, *cq_tail, *cq_mask;
static struct io_uring_sqe *requests;
static struct io_uring_cqe *completions;
static unsigned unsubmitted;

static void fail(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static void *map(size_t size, off_t what)
{
    void *found = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, what);

    if (found == MAP_FAILED)
        fail("mmap");
    return found;
}

static void open_ring(void)
{
    struct io_uring_params p;
    char *sq, *cq;

    memset(&p, 0, sizeof p);
    if ((ring = syscall(__NR_io_uring_setup, ENTRIES, &p)) < 0)
        fail("io_uring_setup");
    sq = map(p.sq_off.array + p.sq_entries * sizeof(unsigned), IORING_OFF_SQ_RING);
    cq = map(p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe), IORING_OFF_CQ_RING);
    requests = map(p.sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
    sq_head = (unsigned *)(sq + p.sq_off.head);
    sq_tail = (unsigned *)(sq + p.sq_off.tail);
    sq_mask = (unsigned *)(sq + p.sq_off.ring_mask);
    sq_array = (unsigned *)(sq + p.sq_off.array);
    cq_head = (unsigned *)(cq + p.cq_off.head);
    cq_tail = (unsigned *)(cq + p.cq_off.tail);
    cq_mask = (unsigned *)(cq + p.cq_off.ring_mask);
    completions = (struct io_uring_cqe *)(cq + p.cq_off.cqes);
}

/* Hand over all new requests; wait until at least `wanted` have been completed. */
static void enter(unsigned wanted)
{
    int count = syscall(__NR_io_uring_enter, ring, unsubmitted, wanted, wanted ? IORING_ENTER_GETEVENTS : 0, NULL, 0);

    if (count >= 0)
        unsubmitted -= count;
    else if (errno != EINTR && errno != EAGAIN && errno != EBUSY)
        fail("io_uring_enter");
}

static void request(int operation, int fd, void *data, size_t size, void *whose)
{
    unsigned tail = *sq_tail;
    struct io_uring_sqe *entry;

    while (tail - __atomic_load_n(sq_head, __ATOMIC_ACQUIRE) >= ENTRIES)
        enter(0);
    entry = &requests[tail & *sq_mask];
    memset(entry, 0, sizeof *entry);
    entry->opcode = operation;
    entry->fd = fd;
    entry->addr = (uintptr_t)data;
    entry->len = size;
    entry->msg_flags = operation == IORING_OP_SEND ? MSG_NOSIGNAL : 0;
    entry->user_data = (uintptr_t)whose;
    sq_array[tail & *sq_mask] = tail & *sq_mask;
    __atomic_store_n(sq_tail, tail + 1, __ATOMIC_RELEASE);
    unsubmitted++;
}

static void receive(struct client *c)
{
    c->sending = 0;
    request(IORING_OP_RECV, c->fd, c->data, CHUNK, c);
}

static void transmit(struct client *c)
{
    c->sending = 1;
    request(IORING_OP_SEND, c->fd, c->data + c->sent, c->size - c->sent, c);
}

static void drop(struct client *c)
{
    close(c->fd);
    free(c);
}

static void accepted(int fd)
{
    struct client *c;

    if (fd < 0)
        return;
    if (!(c = malloc(sizeof *c)))
        fail("malloc");
    c->fd = fd;
    receive(c);
}

static void completed(struct client *c, int result)
{
    if (result == -EINTR || result == -EAGAIN) {
        if (c->sending)
            transmit(c);
        else
            receive(c);
    } else if (result <= 0) { /* the end, or an error: of this connection alone */
        drop(c);
    } else if (c->sending) {
        c->sent += result;
        if (c->sent < c->size)
            transmit(c);
        else
            receive(c);
    } else {
        for (int i = 0; i < result; i++)
            c->data[i] = toupper((unsigned char)c->data[i]);
        c->size = result;
        c->sent = 0;
        transmit(c);
    }
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

int main(int argc, char **argv)
{
    int listener = open_listener(argc > 1 ? atoi(argv[1]) : 8080);

    open_ring();
    request(IORING_OP_ACCEPT, listener, NULL, 0, NULL);
    for (;;) {
        unsigned head;

        enter(1);
        head = *cq_head;
        while (head != __atomic_load_n(cq_tail, __ATOMIC_ACQUIRE)) {
            struct io_uring_cqe done = completions[head & *cq_mask];

            __atomic_store_n(cq_head, ++head, __ATOMIC_RELEASE);
            if (done.user_data) {
                completed((struct client *)(uintptr_t)done.user_data, done.res);
            } else {
                accepted(done.res);
                request(IORING_OP_ACCEPT, listener, NULL, 0, NULL);
            }
        }
    }
}
