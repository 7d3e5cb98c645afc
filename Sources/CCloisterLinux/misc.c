#define _GNU_SOURCE
#include "CCloisterLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
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
