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
#include <sys/socket.h>
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
