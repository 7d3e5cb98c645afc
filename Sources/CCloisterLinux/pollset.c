#define _GNU_SOURCE
#include "CCloisterLinux.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

int cloister_poll_set(int *set) {
    *set = epoll_create1(EPOLL_CLOEXEC);
    return *set >= 0 ? 0 : errno;
}

int cloister_poll_add(int set, int descriptor, uint64_t key, int input, int output) {
    struct epoll_event event = {.events = (input ? EPOLLIN : 0U) | (output ? EPOLLOUT : 0U), .data.u64 = key};
    return epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &event) == 0 ? 0 : errno;
}

void cloister_poll_remove(int set, int descriptor) { (void)epoll_ctl(set, EPOLL_CTL_DEL, descriptor, NULL); }

size_t cloister_poll_wait(int set, cloister_polled *polled, size_t capacity) {
    struct epoll_event events[CLOISTER_POLLED_MAX];
    if (capacity > CLOISTER_POLLED_MAX) capacity = CLOISTER_POLLED_MAX;
    int count = epoll_wait(set, events, (int)capacity, -1);
    for (int index = 0; index < count; index++) {
        uint32_t failed = events[index].events & (EPOLLHUP | EPOLLERR);
        polled[index].key = events[index].data.u64;
        polled[index].input = (events[index].events & EPOLLIN) != 0 || failed != 0;
        polled[index].output = (events[index].events & EPOLLOUT) != 0 || failed != 0;
    }
    return count > 0 ? (size_t)count : 0;
}

int cloister_wake_make(int *wake) {
    *wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return *wake >= 0 ? 0 : errno;
}

void cloister_wake_give(int wake) { (void)eventfd_write(wake, 1); }

void cloister_wake_take(int wake) {
    eventfd_t count;
    (void)eventfd_read(wake, &count);
}
