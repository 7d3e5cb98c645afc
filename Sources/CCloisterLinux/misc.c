#define _GNU_SOURCE
#include "CCloisterLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int make_nonblocking(int descriptor) {
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0) return -1;
    return fcntl(descriptor, F_SETFL, flags | O_NONBLOCK);
}

static int hand_out(int pair[2], int *first, int *second) {
    if (make_nonblocking(pair[0]) != 0) {
        int error = errno;
        close(pair[0]);
        close(pair[1]);
        return error;
    }
    *first = pair[0];
    *second = pair[1];
    return 0;
}

int cloister_socketpair(int *ours, int *theirs) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return errno;
    return hand_out(pair, ours, theirs);
}

int cloister_pipe(int *reader, int *writer) {
    int pair[2];
    if (pipe2(pair, O_CLOEXEC) != 0) return errno;
    return hand_out(pair, reader, writer);
}

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

static int fill_and_seal(int from, int copy) {
    ssize_t count;
    while ((count = sendfile(copy, from, NULL, 1 << 20)) > 0) {
    }
    if (count < 0) return errno;
    return fcntl(copy, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0 ? 0 : errno;
}

int cloister_sealed_copy(const char *path, int *copy) {
    int from = open(path, O_RDONLY | O_CLOEXEC);
    if (from < 0) return errno;
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    *copy = memfd_create("program", flags | MFD_EXEC);
    // Kernels before 6.3 don't know the flag.
    if (*copy < 0 && errno == EINVAL) *copy = memfd_create("program", flags);
    int error = *copy < 0 ? errno : fill_and_seal(from, *copy);
    close(from);
    if (error != 0 && *copy >= 0) close(*copy);
    return error;
}

int cloister_lock_file(const char *path, int *descriptor) {
    int opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (opened < 0) return errno;
    if (flock(opened, LOCK_EX | LOCK_NB) != 0) {
        int error = errno;
        close(opened);
        return error;
    }
    *descriptor = opened;
    return 0;
}

size_t cloister_find(const void *bytes, size_t count, const void *key, size_t key_count) {
    const char *found = memmem(bytes, count, key, key_count);
    return found != NULL ? (size_t)(found - (const char *)bytes) : SIZE_MAX;
}

#ifdef __x86_64__
static uint64_t counter(void) {
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static uint64_t nanoseconds(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static int compare(const void *one, const void *other) {
    uint64_t left = *(const uint64_t *)one, right = *(const uint64_t *)other;
    return (left > right) - (left < right);
}

// The median, since a busy host may take the CPU between a look at the clock and one at the counter.
uint64_t cloister_counter_kilohertz(void) {
    uint64_t samples[5];
    for (int index = 0; index < 5; index++) {
        struct timespec span = {.tv_nsec = 20000000};
        uint64_t time = nanoseconds(), start = counter();
        (void)nanosleep(&span, NULL);
        uint64_t elapsed = nanoseconds() - time, ticks = counter() - start;
        samples[index] = elapsed > 0 ? ticks * 1000000U / elapsed : 0;
    }
    qsort(samples, 5, sizeof samples[0], compare);
    return samples[2];
}
#else
uint64_t cloister_counter_kilohertz(void) { return 0; }
#endif

int cloister_send_descriptor(int socket, const void *bytes, size_t count, int descriptor) {
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = count};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    memset(&control, 0, sizeof control);
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (descriptor >= 0) {
        message.msg_control = control.space;
        message.msg_controllen = sizeof control.space;
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof descriptor);
        memcpy(CMSG_DATA(&control.header), &descriptor, sizeof descriptor);
    }
    ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    if (sent < 0) return errno;
    return (size_t)sent == count ? 0 : EMSGSIZE;
}

int cloister_memory_file(size_t size, int *descriptor) {
    *descriptor = memfd_create("machine", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (*descriptor < 0) return errno;
    if (ftruncate(*descriptor, (off_t)size) == 0 && fchmod(*descriptor, 0666) == 0) return 0;
    int error = errno;
    close(*descriptor);
    return error;
}

int cloister_seal(int descriptor) {
    int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    return fcntl(descriptor, F_ADD_SEALS, seals) == 0 ? 0 : errno;
}
