#define _GNU_SOURCE
#include "CCloisterLinux.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

int cloister_agent_protect(int control, int *children) {
    // Not dumpable: processes of the same user can neither trace it nor reach its descriptors through /proc.
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return errno;
    if (fcntl(control, F_SETFD, FD_CLOEXEC) != 0) return errno;
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &mask, NULL) != 0) return errno;
    *children = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    return *children < 0 ? errno : 0;
}

int cloister_agent_wait(int children) {
    struct pollfd watched[2] = {{.fd = children, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
    while (poll(watched, 2, -1) < 0) {
        if (errno != EINTR) return 2;
    }
    struct signalfd_siginfo discarded;
    if (watched[0].revents != 0) {
        while (read(children, &discarded, sizeof discarded) > 0) {
        }
    }
    return (watched[0].revents != 0 ? 1 : 0) | (watched[1].revents != 0 ? 2 : 0);
}

int cloister_agent_child_ended(int children) {
    struct signalfd_siginfo discarded;
    int ended = 0;
    while (read(children, &discarded, sizeof discarded) > 0) ended = 1;
    return ended;
}

size_t cloister_agent_read(void *buffer, size_t capacity) {
    ssize_t count;
    do {
        count = read(0, buffer, capacity);
    } while (count < 0 && errno == EINTR);
    return count > 0 ? (size_t)count : 0;
}

void cloister_agent_write(const void *buffer, size_t count) {
    const char *next = buffer;
    while (count > 0) {
        ssize_t written = send(0, next, count, MSG_NOSIGNAL);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return;
        next += written;
        count -= (size_t)written;
    }
}

struct start {
    char *const *arguments;
    char *const *environment;
    volatile int error;
};

// Between vfork and exec: system calls only.
static void run_runtime(struct start *start) {
    (void)setsid();
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || dup2(null, 0) < 0) goto failed;
    if (chdir("/var/task") != 0) goto failed;
    execve(start->arguments[0], start->arguments, start->environment);
failed:
    start->error = errno;
    _exit(127);
}

int cloister_agent_start(char *const *arguments, char *const *environment, pid_t *pid) {
    struct start start = {.arguments = arguments, .environment = environment, .error = 0};
    pid_t child = vfork();
    if (child < 0) return errno;
    if (child == 0) run_runtime(&start);
    if (start.error != 0) {
        (void)waitpid(child, NULL, 0);
        return start.error;
    }
    *pid = child;
    return 0;
}

pid_t cloister_agent_reap(int wait, int *wait_status) {
    for (;;) {
        pid_t pid = waitpid(-1, wait_status, wait ? 0 : WNOHANG);
        if (pid >= 0 || errno != EINTR) return pid;
    }
}

void cloister_agent_kill_others(void) {
    if (getpid() == 1) (void)kill(-1, SIGKILL);
}

void cloister_agent_exit(int status) { _exit(status); }

int cloister_agent_is_probe(void) { return getenv("CLOISTER_SELF_TEST") != NULL; }

static int probe(int connection, const char *text, size_t count) {
    char answer;
    if (send(connection, text, count, MSG_NOSIGNAL) != (ssize_t)count) return errno;
    if (shutdown(connection, SHUT_WR) != 0) return errno;
    if (read(connection, &answer, 1) != 1) return EPROTO;
    return write(1, text, count) == (ssize_t)count ? 0 : EIO;
}

int cloister_agent_probe(uint16_t port, const char *text, size_t count) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection < 0) return errno;
    int error = connect(connection, (struct sockaddr *)&address, sizeof address) != 0 ? errno : 0;
    if (error == 0) error = probe(connection, text, count);
    close(connection);
    return error;
}
