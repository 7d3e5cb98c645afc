/* A closed-loop HTTP/1.1 load generator: N keep-alive connections, each sends the next request when the last one's answer
 * is whole. The requests are ready-made bytes from files (connection i sends file i modulo their number), so that whatever
 * a peer needs, a signature for instance, costs nothing here. One thread, epoll.
 *
 *   load PORT CONNECTIONS WARMUP REQUESTS FILE...
 *
 * Connects to 127.0.0.1. Prints one JSON object; latencies are from the first byte sent to the last byte read. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { INPUT_BYTES_MAX = 1 << 20, CONNECTIONS_MAX = 1024, SILENCE_SECONDS_MAX = 60 };

struct request {
    char *bytes;
    size_t count;
};

struct connection {
    int descriptor;
    const struct request *request;
    size_t sent, used;
    uint64_t began;
    int busy, watches_output;
    char *input;
};

static int poller, port;
static uint64_t warmup, wanted, begun, ended, failed, measured;
static uint64_t *latencies;
static char first_failure[400];

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static struct request read_request(const char *path) {
    int descriptor = open(path, O_RDONLY);
    struct stat status;
    if (descriptor < 0 || fstat(descriptor, &status) != 0) fail(path);
    struct request request = {malloc((size_t)status.st_size + 1), (size_t)status.st_size};
    if (!request.bytes || read(descriptor, request.bytes, request.count) != (ssize_t)request.count) fail(path);
    close(descriptor);
    return request;
}

static void connect_to_peer(struct connection *c) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    c->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(c->descriptor, (struct sockaddr *)&address, sizeof address) != 0) fail("connect");
    setsockopt(c->descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(c->descriptor, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, c->descriptor, &event) != 0) fail("epoll_ctl");
}

static void send_rest(struct connection *c) {
    while (c->sent < c->request->count) {
        ssize_t sent = send(c->descriptor, c->request->bytes + c->sent, c->request->count - c->sent, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) break;
        if (sent < 0) fail("send");
        c->sent += (size_t)sent;
    }
    int is_partial = c->sent < c->request->count;
    if (is_partial == c->watches_output) return;
    struct epoll_event event = {.events = EPOLLIN | (is_partial ? EPOLLOUT : 0u), .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_MOD, c->descriptor, &event) != 0) fail("epoll_ctl");
    c->watches_output = is_partial;
}

static void begin(struct connection *c) {
    c->busy = begun < warmup + wanted;
    if (!c->busy) return;
    begun++;
    c->sent = c->used = 0;
    c->began = now_ns();
    send_rest(c);
}

/* The whole answer's length; 0 while it isn't known. */
static size_t answer_bytes(const struct connection *c) {
    char *end = memmem(c->input, c->used, "\r\n\r\n", 4);
    if (!end) return 0;
    size_t head = (size_t)(end - c->input) + 4;
    for (char *line = c->input; line < end;) {
        if (strncasecmp(line, "content-length:", 15) == 0) return head + (size_t)strtoull(line + 15, NULL, 10);
        if (strncasecmp(line, "transfer-encoding:", 18) == 0) {
            char *last = memmem(c->input + head - 2, c->used - head + 2, "\r\n0\r\n\r\n", 7);
            return last ? (size_t)(last - c->input) + 7 : 0;
        }
        line = (char *)memchr(line, '\n', (size_t)(end + 2 - line)) + 1;
    }
    return head;
}

static void note_failure(const struct connection *c) {
    if (failed++) return;
    size_t count = c->used < sizeof first_failure - 1 ? c->used : sizeof first_failure - 1;
    for (size_t i = 0; i < count; i++) {
        unsigned char byte = (unsigned char)c->input[i];
        first_failure[i] = byte < 32 || byte > 126 || byte == '"' || byte == '\\' ? ' ' : (char)byte;
    }
}

static void end(struct connection *c) {
    uint64_t took = now_ns() - c->began;
    int good = c->used > 12 && memcmp(c->input + 9, "200", 3) == 0
        && !memmem(c->input, c->used, "unction-Error:", 14) && !memmem(c->input, c->used, "unction-error:", 14);
    if (!good) note_failure(c);
    if (ended++ >= warmup && measured < wanted) latencies[measured++] = took;
}

static void receive(struct connection *c) {
    ssize_t got = recv(c->descriptor, c->input + c->used, INPUT_BYTES_MAX - c->used, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        if (c->busy) {
            fprintf(stderr, "load: the peer closed a connection before its answer was whole\n");
            exit(1);
        }
        close(c->descriptor);
        return;
    }
    c->used += (size_t)got;
    size_t whole = answer_bytes(c);
    if (whole == 0 || c->used < whole) return;
    end(c);
    begin(c);
}

static int by_size(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static double microseconds(double quantile) {
    uint64_t index = (uint64_t)(quantile * (double)(measured - 1) + 0.5);
    return (double)latencies[index] / 1000;
}

int main(int argc, char **argv) {
    if (argc < 6) {
        fprintf(stderr, "usage: load PORT CONNECTIONS WARMUP REQUESTS FILE...\n");
        return 2;
    }
    port = atoi(argv[1]);
    int count = atoi(argv[2]), files = argc - 5;
    warmup = strtoull(argv[3], NULL, 10);
    wanted = strtoull(argv[4], NULL, 10);
    if (count < 1 || count > CONNECTIONS_MAX || wanted < 1) fail("a number is out of range");
    latencies = calloc(wanted, sizeof *latencies);
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct connection *connections = calloc((size_t)count, sizeof *connections);
    struct request *requests = calloc((size_t)files, sizeof *requests);
    for (int i = 0; i < files; i++) requests[i] = read_request(argv[5 + i]);
    for (int i = 0; i < count; i++) {
        connections[i].request = &requests[i % files];
        connections[i].input = malloc(INPUT_BYTES_MAX);
        connect_to_peer(&connections[i]);
    }
    for (int i = 0; i < count; i++) begin(&connections[i]);
    uint64_t started = 0;
    struct epoll_event events[128];
    while (ended < warmup + wanted) {
        if (!started && ended >= warmup) started = now_ns();
        int ready = epoll_wait(poller, events, 128, SILENCE_SECONDS_MAX * 1000);
        if (ready == 0) {
            fprintf(stderr, "load: no answer for %d s\n", SILENCE_SECONDS_MAX);
            return 1;
        }
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            if (events[i].events & EPOLLOUT) send_rest(c);
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(c);
        }
    }
    double seconds = (double)(now_ns() - started) / 1e9;
    qsort(latencies, measured, sizeof *latencies, by_size);
    printf(
        "{\"connections\": %d, \"requests\": %llu, \"failed\": %llu, \"seconds\": %.6f, \"perSecond\": %.1f, "
        "\"minMicroseconds\": %.1f, \"p50Microseconds\": %.1f, \"p90Microseconds\": %.1f, \"p99Microseconds\": %.1f, "
        "\"maxMicroseconds\": %.1f, \"firstFailure\": \"%s\"}\n",
        count, (unsigned long long)measured, (unsigned long long)failed, seconds, (double)measured / seconds,
        microseconds(0), microseconds(0.5), microseconds(0.9), microseconds(0.99), microseconds(1), first_failure);
    return failed ? 1 : 0;
}
