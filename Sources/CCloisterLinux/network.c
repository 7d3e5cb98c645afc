#define _GNU_SOURCE
#include "CCloisterLinux.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct work {
    uint16_t port;
    int backlog;
    int listener;
    int network;
    int error;
};

static int raise_loopback(int socket) {
    struct ifreq request;
    memset(&request, 0, sizeof request);
    strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    return ioctl(socket, SIOCSIFFLAGS, &request);
}

static int listen_on_loopback(int socket, uint16_t port, int backlog) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(socket, (struct sockaddr *)&address, sizeof address) != 0) return -1;
    return listen(socket, backlog);
}

static int make_network(struct work *work) {
    if (unshare(CLONE_NEWNET) != 0) return errno;
    work->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (work->listener < 0) return errno;
    if (raise_loopback(work->listener) != 0) return errno;
    if (listen_on_loopback(work->listener, work->port, work->backlog) != 0) return errno;
    work->network = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    return work->network < 0 ? errno : 0;
}

// The namespace change ends with the thread, so no other code ever runs in it.
static void *network_thread(void *argument) {
    struct work *work = argument;
    work->error = make_network(work);
    return NULL;
}

int cloister_loopback_network(uint16_t port, int backlog, int *listener, int *network) {
    struct work work = {.port = port, .backlog = backlog, .listener = -1, .network = -1, .error = 0};
    pthread_attr_t attributes;
    pthread_t thread;
    int error = pthread_attr_init(&attributes);
    if (error != 0) return error;
    (void)pthread_attr_setstacksize(&attributes, 64 * 1024);
    error = pthread_create(&thread, &attributes, network_thread, &work);
    pthread_attr_destroy(&attributes);
    if (error != 0) return error;
    pthread_join(thread, NULL);
    if (work.error != 0) {
        if (work.listener >= 0) close(work.listener);
        if (work.network >= 0) close(work.network);
        return work.error;
    }
    *listener = work.listener;
    *network = work.network;
    return 0;
}

// Through a descriptor of the folder, since a socket's path may have 107 bytes at most.
static int name_socket(int folder, const char *name, struct sockaddr_un *address) {
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    int length = snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", folder, name);
    return length > 0 && (size_t)length < sizeof address->sun_path ? 0 : ENAMETOOLONG;
}

int cloister_open_place(const char *path, int *place) {
    *place = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return *place >= 0 ? 0 : errno;
}

int cloister_unix_listen(int folder, const char *name, int backlog, int *listener) {
    struct sockaddr_un address;
    int error = name_socket(folder, name, &address);
    if (error != 0) return error;
    int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (made < 0) return errno;
    if (bind(made, (struct sockaddr *)&address, sizeof address) != 0 || listen(made, backlog) != 0) {
        error = errno;
        close(made);
        return error;
    }
    *listener = made;
    return 0;
}

int cloister_unix_connect(int folder, const char *name, int *connection) {
    struct sockaddr_un address;
    int error = name_socket(folder, name, &address);
    if (error != 0) return error;
    int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (made < 0) return errno;
    if (connect(made, (struct sockaddr *)&address, sizeof address) != 0) {
        error = errno;
        close(made);
        return error;
    }
    *connection = made;
    return 0;
}
