#define _GNU_SOURCE
#include "CCloisterLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

enum { child_stack_bytes = 64 * 1024 };

struct child {
    const cloister_spawn_request *request;
    int is_in_unified;
    int step;
    int error;
};

// A single thread that moves itself by `tasks` needs no lock of the whole machine, as `cgroup.procs` would: that waits
// some 10 ms for every CPU to pass by.
static int enter_cgroups(const struct child *child) {
    const cloister_spawn_request *request = child->request;
    for (size_t index = 0; index < request->cgroup_count; index++) {
        if (write(request->cgroups[index], "0", 1) != 1) return -1;
    }
    if (request->unified_cgroup < 0 || child->is_in_unified) return 0;
    int entrance = openat(request->unified_cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    if (entrance < 0 || write(entrance, "0", 1) != 1) return -1;
    return close(entrance);
}

static int make_target(const cloister_bind *bind) {
    if (!bind->is_file) return mkdir(bind->target, 0755);
    int created = open(bind->target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    if (created < 0) return -1;
    return close(created);
}

// Through an overlay the files of one directory have inodes of their own in each sandbox, so that a lock or a watch that
// one takes on a shared file says nothing to the others. Its second layer is an empty directory, since an overlay that is
// only read needs two.
static int overlay(const cloister_spawn_request *request, const cloister_bind *bind) {
    if (!bind->own_inodes || bind->source == NULL || strpbrk(bind->source, ":,\\") != NULL) return -1;
    char options[4000];
    int length = snprintf(options, sizeof options, "lowerdir=%s:%s/empty", bind->source, request->stage);
    if (length < 0 || (size_t)length >= sizeof options) return -1;
    return mount("overlay", bind->target, "overlay", MS_RDONLY | MS_NOSUID | MS_NODEV, options);
}

static int place(const cloister_spawn_request *request, const cloister_bind *bind, int source) {
    if (overlay(request, bind) == 0) return 0;
    // A host without overlays, or a path that its options can't name: the directory itself.
    return (int)syscall(SYS_move_mount, source, "", AT_FDCWD, bind->target, MOVE_MOUNT_F_EMPTY_PATH);
}

// The sources may lie below directories that only root may enter; an unprivileged user namespace can't follow their
// paths, but it can use these mounts.
static int stage_binds(const cloister_spawn_request *request) {
    int sources[CLOISTER_BINDS_MAX];
    if (request->bind_count > CLOISTER_BINDS_MAX) {
        errno = E2BIG;
        return -1;
    }
    for (size_t index = 0; index < request->bind_count; index++) {
        const cloister_bind *bind = &request->binds[index];
        sources[index] = bind->source == NULL
            ? bind->mount
            : (int)syscall(SYS_open_tree, AT_FDCWD, bind->source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
        if (sources[index] < 0) return -1;
    }
    if (mount("tmpfs", request->stage, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=64k") != 0) return -1;
    char empty[256];
    int length = snprintf(empty, sizeof empty, "%s/empty", request->stage);
    if (length < 0 || (size_t)length >= sizeof empty || mkdir(empty, 0755) != 0) return -1;
    for (size_t index = 0; index < request->bind_count; index++) {
        const cloister_bind *bind = &request->binds[index];
        if (make_target(bind) != 0 || place(request, bind, sources[index]) != 0) return -1;
    }
    return 0;
}

static int isolate_mounts(const cloister_spawn_request *request) {
    if (!request->private_mounts && request->confinement == NULL) return 0;
    // Slave, not private: what the host unmounts later goes away here too and isn't kept busy.
    if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) != 0) return -1;
    if (request->stage != NULL && stage_binds(request) != 0) return -1;
    if (request->hidden == NULL) return 0;
    return mount("none", request->hidden, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755,size=4k");
}

static int place_descriptors(const cloister_spawn_request *request) {
    const cloister_confinement *confinement = request->confinement;
    int count = 3 + (confinement != NULL ? (int)confinement->extra_count : 0);
    int high[3 + CLOISTER_EXTRA_DESCRIPTORS_MAX];
    if (count > (int)(sizeof high / sizeof *high)) {
        errno = E2BIG;
        return -1;
    }
    for (int index = 0; index < count; index++) {
        int wanted = index < 3 ? request->descriptors[index] : confinement->extra_descriptors[index - 3];
        high[index] = fcntl(wanted, F_DUPFD, count);
        if (high[index] < 0) return -1;
    }
    for (int index = 0; index < count; index++) {
        if (dup2(high[index], index) < 0) return -1;
    }
    return (int)syscall(SYS_close_range, (unsigned)count, ~0U, 0U);
}

// The stage becomes the root, and what was the root is gone from this mount namespace.
static int enter_stage(const cloister_spawn_request *request) {
    char old[256];
    int length = snprintf(old, sizeof old, "%s/empty", request->stage);
    if (length < 0 || (size_t)length >= sizeof old) return -1;
    if (syscall(SYS_pivot_root, request->stage, old) != 0) return -1;
    if (chdir("/") != 0) return -1;
    if (mkdir("/proc", 0555) != 0) return -1;
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL) != 0) return -1;
    if (umount2("/empty", MNT_DETACH) != 0) return -1;
    return mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID, NULL);
}

static int set_limit(int resource, uint64_t value) {
    struct rlimit limit = {.rlim_cur = value, .rlim_max = value};
    return (int)syscall(SYS_prlimit64, 0, resource, &limit, NULL);
}

// The C library's own calls would tell the parent's threads, whose memory this still is.
static int confine(const cloister_spawn_request *request) {
    const cloister_confinement *confinement = request->confinement;
    if (confinement == NULL) return 0;
    if (request->stage == NULL) {
        errno = EINVAL;
        return -1;
    }
    if (enter_stage(request) != 0) return -1;
    if (set_limit(RLIMIT_CORE, 0) != 0 || set_limit(RLIMIT_MEMLOCK, confinement->memory_lock_bytes) != 0) return -1;
    for (unsigned long capability = 0; capability < 64; capability++) {
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno != EINVAL) return -1;
    }
    uint32_t user = confinement->user;
    if (syscall(SYS_setgroups, 0, NULL) != 0) return -1;
    if (syscall(SYS_setresgid, user, user, user) != 0) return -1;
    if (syscall(SYS_setresuid, user, user, user) != 0) return -1;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static void reset_signals(void) {
    for (int number = 1; number < NSIG; number++) (void)signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

// Runs in the parent's memory while the parent's thread waits: only system calls, no allocation, no locks.
static int run_child(void *argument) {
    struct child *child = argument;
    const cloister_spawn_request *request = child->request;
    child->step = CLOISTER_SPAWN_CGROUP;
    if (enter_cgroups(child) != 0) goto failed;
    child->step = CLOISTER_SPAWN_MOUNTS;
    if (isolate_mounts(request) != 0) goto failed;
    child->step = CLOISTER_SPAWN_DESCRIPTORS;
    if (place_descriptors(request) != 0) goto failed;
    (void)setsid();
    reset_signals();
    child->step = CLOISTER_SPAWN_CONFINEMENT;
    if (confine(request) != 0) goto failed;
    child->step = CLOISTER_SPAWN_EXEC;
    execve(request->program, request->arguments, request->environment);
failed:
    child->error = errno;
    _exit(127);
}

// clone() in a cgroup from the start, for which glibc has no function. The child must not return into this frame: it
// has a stack of its own. Returns the pid or a negative errno value.
static long clone_into_cgroup(struct child *child, void *stack, int flags, int *pidfd) {
#ifdef __x86_64__
    struct clone_args arguments = {
        .flags = (uint64_t)(flags & ~CSIGNAL) | CLONE_INTO_CGROUP,
        .pidfd = (uint64_t)(uintptr_t)pidfd,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)stack,
        .stack_size = child_stack_bytes,
        .cgroup = (uint64_t)child->request->unified_cgroup,
    };
    register struct child *passed __asm__("r12") = child;
    register int (*run)(void *) __asm__("r13") = run_child;
    long result = SYS_clone3;
    __asm__ volatile(
        "syscall\n\t"
        "test %%rax, %%rax\n\t"
        "jnz 1f\n\t"
        "xor %%ebp, %%ebp\n\t"
        "mov %%r12, %%rdi\n\t"
        "call *%%r13\n\t"
        "ud2\n"
        "1:"
        : "+a"(result)
        : "D"(&arguments), "S"(sizeof arguments), "r"(passed), "r"(run)
        : "rcx", "r11", "memory", "cc");
    return result;
#else
    (void)child, (void)stack, (void)flags, (void)pidfd;
    return -ENOSYS;
#endif
}

static pid_t clone_child(struct child *child, int flags, int *pidfd) {
    void *stack = mmap(NULL, child_stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) return -1;
    pid_t pid = -1;
    if (child->request->unified_cgroup >= 0) {
        child->is_in_unified = 1;
        pid = (pid_t)clone_into_cgroup(child, stack, flags, pidfd);
    }
    // Without a cgroup to start in, or where the kernel can't: the child enters by itself.
    if (pid < 0) {
        child->is_in_unified = 0;
        pid = clone(run_child, (char *)stack + child_stack_bytes, flags, child, pidfd);
    }
    int error = errno;
    munmap(stack, child_stack_bytes);
    errno = error;
    return pid;
}

int cloister_spawn(const cloister_spawn_request *request, pid_t *pid, int *pidfd, int *step) {
    sigset_t all, previous;
    sigfillset(&all);
    // A handler of ours must not run in the child while it shares our memory.
    pthread_sigmask(SIG_SETMASK, &all, &previous);
    struct child child = {.request = request, .step = CLOISTER_SPAWN_CLONE, .error = 0};
    int flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD;
    if (request->private_mounts || request->confinement != NULL) flags |= CLONE_NEWNS;
    if (request->confinement != NULL) flags |= CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
    int descriptor = -1;
    pid_t started = clone_child(&child, flags, &descriptor);
    int error = started < 0 ? errno : child.error;
    pthread_sigmask(SIG_SETMASK, &previous, NULL);
    if (error != 0) {
        *step = child.step;
        if (started > 0) {
            (void)cloister_reap(descriptor, -1, NULL);
            close(descriptor);
        }
        return error;
    }
    *pid = started;
    *pidfd = descriptor;
    return 0;
}

static int collect(int pidfd, int *wait_status) {
    siginfo_t information;
    memset(&information, 0, sizeof information);
    int result;
    do {
        result = waitid((idtype_t)P_PIDFD, (id_t)pidfd, &information, WEXITED | WNOHANG);
    } while (result != 0 && errno == EINTR);
    if (wait_status == NULL) return 0;
    *wait_status = -1;
    if (result != 0 || information.si_pid == 0) return 0;
    *wait_status = information.si_code == CLD_EXITED ? (information.si_status & 0xff) << 8 : information.si_status & 0x7f;
    return 0;
}

int cloister_await_end(int pidfd, int timeout_ms) {
    struct pollfd watched = {.fd = pidfd, .events = POLLIN};
    int ready;
    do {
        ready = poll(&watched, 1, timeout_ms);
    } while (ready < 0 && errno == EINTR);
    if (ready < 0) return errno;
    return ready == 0 ? ETIMEDOUT : 0;
}

int cloister_reap(int pidfd, int timeout_ms, int *wait_status) {
    int error = cloister_await_end(pidfd, timeout_ms);
    return error != 0 ? error : collect(pidfd, wait_status);
}

void cloister_reap_child(pid_t pid) {
    siginfo_t discarded;
    (void)waitid(P_PID, (id_t)pid, &discarded, WEXITED | WNOHANG);
}

int cloister_pidfd_open(pid_t pid, int *pidfd) {
    int descriptor = (int)syscall(SYS_pidfd_open, pid, 0);
    if (descriptor < 0) return errno;
    *pidfd = descriptor;
    return 0;
}

int cloister_pidfd_kill(int pidfd, int signal) {
    return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) == 0 ? 0 : errno;
}

int cloister_set_subreaper(int enabled) {
    return prctl(PR_SET_CHILD_SUBREAPER, enabled, 0, 0, 0) == 0 ? 0 : errno;
}
