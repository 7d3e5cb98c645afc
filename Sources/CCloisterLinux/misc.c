#define _GNU_SOURCE
#include "CCloisterLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
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
