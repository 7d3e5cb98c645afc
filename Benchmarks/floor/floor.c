/* The floor: the least that can stand between a caller and Lambda's runtime client. One thread, epoll, keep-alive; no TLS,
 * no signature, no tenants, no isolation, no logs, no limits beyond what keeps it standing.
 *
 *   floor FRONT_PORT RUNTIME_PORT
 *
 * POST /2015-03-31/functions/NAME/invocations on the front goes to a runtime that waits in
 * GET /2018-06-01/runtime/invocation/next on the other port, or queues until one does. GET /waiting on the front tells how
 * many runtimes wait. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 4096, REQUEST_BYTES_MAX = 8 << 20, HEAD_BYTES_MAX = 16 << 10 };
enum kind { LISTENER_FRONT, LISTENER_RUNTIME, FRONT, RUNTIME };

struct connection {
    enum kind kind;
    int descriptor;
    char *input;
    size_t used, capacity;
    char *output; /* What the socket did not take at once. */
    size_t output_used, output_sent;
    /* FRONT: the body of the invocation in progress. RUNTIME: the caller it works for. */
    size_t head_bytes, body_bytes;
    int busy, waiting;
    uint64_t serial, peer_serial;
    struct connection *peer, *next;
};

static int poller;
static uint64_t serials, requests;
static struct connection *idle_runtimes; /* Last in, first out. */
static struct connection *queue_head, *queue_tail;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void watch(struct connection *c, uint32_t events, int operation) {
    struct epoll_event event = {.events = events, .data.ptr = c};
    if (epoll_ctl(poller, operation, c->descriptor, &event) != 0) fail("epoll_ctl");
}

static struct connection *connection_new(enum kind kind, int descriptor) {
    struct connection *c = calloc(1, sizeof *c);
    if (!c) fail("calloc");
    c->kind = kind;
    c->descriptor = descriptor;
    c->serial = ++serials;
    watch(c, EPOLLIN, EPOLL_CTL_ADD);
    return c;
}

static void unlink_from(struct connection **list, struct connection *c) {
    for (struct connection **at = list; *at; at = &(*at)->next)
        if (*at == c) {
            *at = c->next;
            c->next = NULL;
            return;
        }
}

/* Closed now, freed after the events at hand: later ones of this turn may still point here. */
static struct connection *graveyard;

static void connection_close(struct connection *c) {
    if (c->descriptor < 0) return;
    unlink_from(&idle_runtimes, c);
    if (c->kind == FRONT && c->waiting) {
        unlink_from(&queue_head, c);
        for (queue_tail = queue_head; queue_tail && queue_tail->next;) queue_tail = queue_tail->next;
    }
    close(c->descriptor);
    c->descriptor = -1;
    c->serial = 0;
    c->next = graveyard;
    graveyard = c;
}

static void flush(struct connection *c) {
    while (c->output_sent < c->output_used) {
        ssize_t sent = send(c->descriptor, c->output + c->output_sent, c->output_used - c->output_sent, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EAGAIN) return watch(c, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
            return connection_close(c);
        }
        c->output_sent += (size_t)sent;
    }
    free(c->output);
    c->output = NULL;
    c->output_used = c->output_sent = 0;
    watch(c, EPOLLIN, EPOLL_CTL_MOD);
}

static void send_all(struct connection *c, const char *head, size_t head_bytes, const char *body, size_t body_bytes) {
    struct iovec parts[2] = {{(void *)head, head_bytes}, {(void *)body, body_bytes}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t sent = c->output ? 0 : sendmsg(c->descriptor, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return connection_close(c);
    size_t done = sent > 0 ? (size_t)sent : 0, total = head_bytes + body_bytes;
    if (done == total) return;
    char *rest = realloc(c->output, c->output_used + total - done);
    if (!rest) fail("realloc");
    c->output = rest;
    for (int i = 0; i < 2; i++) {
        size_t skip = done < parts[i].iov_len ? done : parts[i].iov_len;
        memcpy(rest + c->output_used, (char *)parts[i].iov_base + skip, parts[i].iov_len - skip);
        c->output_used += parts[i].iov_len - skip;
        done -= skip;
    }
    watch(c, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
}

/* Gives the caller's invocation to a runtime that waits. */
static void assign(struct connection *runtime, struct connection *caller) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    char head[512];
    int bytes = snprintf(
        head, sizeof head,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: %08x-0000-4000-8000-%012llx\r\n"
        "Lambda-Runtime-Deadline-Ms: %lld\r\n"
        "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:000000000000:function:floor\r\n"
        "Content-Length: %zu\r\n\r\n",
        (unsigned)getpid(), (unsigned long long)++requests & 0xffffffffffffull, (long long)now.tv_sec * 1000 + 30000,
        caller->body_bytes);
    runtime->waiting = 0;
    runtime->peer = caller;
    runtime->peer_serial = caller->serial;
    caller->waiting = 0;
    send_all(runtime, head, (size_t)bytes, caller->input + caller->head_bytes, caller->body_bytes);
}

static void invoke(struct connection *caller) {
    caller->busy = 1;
    if (idle_runtimes) {
        struct connection *runtime = idle_runtimes;
        idle_runtimes = runtime->next;
        runtime->next = NULL;
        return assign(runtime, caller);
    }
    caller->waiting = 1;
    caller->next = NULL;
    if (queue_tail) queue_tail->next = caller;
    else queue_head = caller;
    queue_tail = caller;
}

static void runtime_waits(struct connection *runtime) {
    if (queue_head) {
        struct connection *caller = queue_head;
        queue_head = caller->next;
        if (!queue_head) queue_tail = NULL;
        caller->next = NULL;
        return assign(runtime, caller);
    }
    runtime->waiting = 1;
    runtime->next = idle_runtimes;
    idle_runtimes = runtime;
}

static void consume(struct connection *c) {
    size_t total = c->head_bytes + c->body_bytes;
    memmove(c->input, c->input + total, c->used - total);
    c->used -= total;
    c->head_bytes = c->body_bytes = 0;
}

static void process(struct connection *c);

static void runtime_answers(struct connection *runtime, int is_error) {
    static const char accepted[] =
        "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"status\":\"OK\"}\n";
    struct connection *caller = runtime->peer;
    /* A caller that has gone has another serial, or none. */
    if (caller && caller->serial == runtime->peer_serial && caller->busy) {
        char head[256];
        int bytes = snprintf(
            head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%sContent-Length: %zu\r\n\r\n",
            is_error ? "X-Amz-Function-Error: Unhandled\r\n" : "", runtime->body_bytes);
        caller->busy = 0;
        send_all(caller, head, (size_t)bytes, runtime->input + runtime->head_bytes, runtime->body_bytes);
        if (caller->descriptor >= 0) {
            consume(caller);
            process(caller);
        }
    }
    runtime->peer = NULL;
    send_all(runtime, accepted, sizeof accepted - 1, NULL, 0);
}

/* Whether a whole request lies in the buffer; -1 for one that can't be read. */
static int parse(struct connection *c) {
    char *end = memmem(c->input, c->used, "\r\n\r\n", 4);
    if (!end) return c->used > HEAD_BYTES_MAX ? -1 : 0;
    c->head_bytes = (size_t)(end - c->input) + 4;
    c->body_bytes = 0;
    for (char *line = memchr(c->input, '\n', c->head_bytes); line && line + 1 < end; line = memchr(line, '\n', (size_t)(end + 2 - line))) {
        line++;
        if (end - line > 15 && strncasecmp(line, "content-length:", 15) == 0) {
            long long value = strtoll(line + 15, NULL, 10);
            if (value < 0 || value > REQUEST_BYTES_MAX) return -1;
            c->body_bytes = (size_t)value;
        }
        if (end - line > 18 && strncasecmp(line, "transfer-encoding:", 18) == 0) return -1;
    }
    return c->used >= c->head_bytes + c->body_bytes;
}

static int begins(const struct connection *c, const char *text) {
    size_t bytes = strlen(text);
    return c->used >= bytes && memcmp(c->input, text, bytes) == 0;
}

static void tell_waiting(struct connection *c) {
    char answer[128], number[16];
    int count = 0;
    for (struct connection *runtime = idle_runtimes; runtime; runtime = runtime->next) count++;
    int digits = snprintf(number, sizeof number, "%d", count);
    int bytes = snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", digits, number);
    consume(c);
    send_all(c, answer, (size_t)bytes, NULL, 0);
}

static void process(struct connection *c) {
    while (c->descriptor >= 0 && c->used > 0 && !c->busy && !c->waiting) {
        int whole = parse(c);
        if (whole < 0) return connection_close(c);
        if (whole == 0) return;
        if (c->kind == FRONT && begins(c, "POST /2015-03-31/functions/")) {
            invoke(c);
        } else if (c->kind == FRONT && begins(c, "GET /waiting ")) {
            tell_waiting(c);
        } else if (c->kind == RUNTIME && begins(c, "GET /2018-06-01/runtime/invocation/next")) {
            consume(c);
            runtime_waits(c);
        } else if (c->kind == RUNTIME && begins(c, "POST /2018-06-01/runtime/")) {
            char *end = memchr(c->input, '\r', c->head_bytes);
            char *query = memmem(c->input, (size_t)(end - c->input), "/error", 6);
            runtime_answers(c, query != NULL);
            if (c->descriptor >= 0) consume(c);
        } else {
            return connection_close(c);
        }
    }
}

static void receive(struct connection *c) {
    for (;;) {
        if (c->used == c->capacity) {
            if (c->capacity > REQUEST_BYTES_MAX) return connection_close(c);
            c->capacity = c->capacity ? c->capacity * 2 : 4096;
            c->input = realloc(c->input, c->capacity);
            if (!c->input) fail("realloc");
        }
        ssize_t got = recv(c->descriptor, c->input + c->used, c->capacity - c->used, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN)) return connection_close(c);
        if (got < 0) break;
        c->used += (size_t)got;
        if (c->used < c->capacity) break;
    }
    process(c);
}

static void accept_all(struct connection *listener) {
    int descriptor;
    while ((descriptor = accept4(listener->descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        int one = 1;
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        connection_new(listener->kind == LISTENER_FRONT ? FRONT : RUNTIME, descriptor);
    }
}

static void listen_on(enum kind kind, const char *port) {
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(descriptor, (struct sockaddr *)&address, sizeof address) != 0) fail("bind");
    if (listen(descriptor, 1024) != 0) fail("listen");
    connection_new(kind, descriptor);
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: floor FRONT_PORT RUNTIME_PORT\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    poller = epoll_create1(EPOLL_CLOEXEC);
    listen_on(LISTENER_FRONT, argv[1]);
    listen_on(LISTENER_RUNTIME, argv[2]);
    struct epoll_event events[64];
    for (;;) {
        int count = epoll_wait(poller, events, 64, -1);
        for (int i = 0; i < count; i++) {
            struct connection *c = events[i].data.ptr;
            if (c->descriptor < 0) continue;
            if (c->kind == LISTENER_FRONT || c->kind == LISTENER_RUNTIME) {
                accept_all(c);
                continue;
            }
            if (events[i].events & EPOLLOUT) flush(c);
            if (c->descriptor >= 0 && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(c);
        }
        /* A runtime may still remember a caller by pointer and serial, so callers' memory is kept: a benchmark's few. */
        while (graveyard) {
            struct connection *dead = graveyard;
            graveyard = dead->next;
            free(dead->input);
            free(dead->output);
            dead->input = dead->output = NULL;
            if (dead->kind == RUNTIME) free(dead);
        }
    }
}
