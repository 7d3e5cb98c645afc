#define _GNU_SOURCE
#include "CCloisterLinux.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

long cloister_stream_read(int descriptor, void *buffer, size_t capacity) {
    ssize_t count;
    do {
        count = read(descriptor, buffer, capacity);
    } while (count < 0 && errno == EINTR);
    if (count >= 0) return count;
    return errno == EAGAIN ? -1 : -2;
}

long cloister_stream_write(int descriptor, const void *buffer, size_t count) {
    if (count == 0) return 0;
    ssize_t written;
    do {
        written = send(descriptor, buffer, count, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (written < 0 && errno == ENOTSOCK) written = write(descriptor, buffer, count);
    } while (written < 0 && errno == EINTR);
    if (written >= 0) return written;
    return errno == EAGAIN ? 0 : -2;
}

void cloister_stream_shutdown(int descriptor) { (void)shutdown(descriptor, SHUT_WR); }

void cloister_stream_close(int descriptor) { (void)close(descriptor); }

int cloister_watch(cloister_watched *watched, size_t count, int timeout_ms) {
    struct pollfd polled[CLOISTER_WATCHED_MAX];
    if (count > CLOISTER_WATCHED_MAX) return EINVAL;
    for (size_t index = 0; index < count; index++) {
        short events = (short)((watched[index].input ? POLLIN : 0) | (watched[index].output ? POLLOUT : 0));
        // A descriptor that nothing is wanted of would report its hang-up again and again.
        polled[index] = (struct pollfd){.fd = events != 0 ? watched[index].descriptor : -1, .events = events};
    }
    int ready = poll(polled, count, timeout_ms);
    for (size_t index = 0; index < count; index++) {
        short events = ready > 0 ? polled[index].revents : 0;
        watched[index].input = (events & (POLLIN | POLLHUP | POLLERR)) != 0 && watched[index].input;
        watched[index].output = (events & (POLLOUT | POLLHUP | POLLERR)) != 0 && watched[index].output;
    }
    return ready < 0 && errno != EINTR ? errno : 0;
}
