#define _GNU_SOURCE
#include "CCloisterLinux.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/random.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// The guest's side of a virtual machine: what the agent does as /init, before and for the runtime. Everything here runs in
// a kernel of its own; the host trusts none of it.

enum {
    sandbox_user = 993,
    sandbox_group = 990,
    open_files_max = 1024,
    filter_bytes_max = 64 * 1024,
    device_attempts_max = 5000,
};

static const char root[] = "/newroot";

static unsigned char filter_bytes[filter_bytes_max];
static struct sock_fprog filter;
static int cgroup_processes = -1, memory_current = -1, memory_peak = -1, memory_events = -1;

int cloister_guest_is(void) { return getpid() == 1 && getenv("CLOISTER_GUEST") != NULL; }

int cloister_guest_has_layers(void) { return getenv("CLOISTER_LAYERS") != NULL; }

static int attempt(int result) { return result == 0 ? 0 : errno; }

static int make_directory(const char *path, mode_t mode) {
    return mkdir(path, mode) == 0 || errno == EEXIST ? 0 : errno;
}

static int write_file(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return errno;
    size_t length = strlen(text);
    int error = write(file, text, length) == (ssize_t)length ? 0 : errno;
    close(file);
    return error;
}

static void pause_briefly(void) {
    struct timespec span = {.tv_nsec = 1000000};
    (void)nanosleep(&span, NULL);
}

static int mount_at(const char *source, const char *target, const char *type, unsigned long flags, const char *data) {
    int error = make_directory(target, 0755);
    return error != 0 ? error : attempt(mount(source, target, type, flags, data));
}

int cloister_guest_mount_kernel(void) {
    int error = mount_at("devtmpfs", "/dev", "devtmpfs", MS_NOSUID | MS_NOEXEC, NULL);
    if (error != 0) return error;
    // The kernel may have started us without the three standard descriptors.
    int null;
    while ((null = open("/dev/null", O_RDWR)) >= 0 && null <= 2) {
    }
    if (null < 0) return errno;
    close(null);
    error = mount_at("proc", "/proc", "proc", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL);
    if (error == 0) error = mount_at("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL);
    if (error == 0) error = mount_at("cgroup2", "/cgroup", "cgroup2", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL);
    return error;
}

int cloister_guest_load_modules(void) {
    for (int number = 0; number < 100; number++) {
        char path[32];
        (void)snprintf(path, sizeof path, "/modules/%02d.ko", number);
        int module = open(path, O_RDONLY | O_CLOEXEC);
        if (module < 0) return errno == ENOENT ? 0 : errno;
        long result = syscall(SYS_finit_module, module, "", 0);
        int error = result == 0 || errno == EEXIST ? 0 : errno;
        close(module);
        if (error != 0) return error;
        (void)unlink(path);
    }
    return E2BIG;
}

int cloister_guest_open_port(int *port) {
    static const char *const names[] = {"/dev/vport0p1", "/dev/vport1p1", "/dev/vport2p1", "/dev/vport3p1", "/dev/vport4p1"};
    for (int count = 0; count < device_attempts_max; count++) {
        for (size_t index = 0; index < sizeof names / sizeof *names; index++) {
            *port = open(names[index], O_RDWR | O_CLOEXEC | O_NONBLOCK);
            if (*port >= 0) return 0;
        }
        pause_briefly();
    }
    return ENODEV;
}

// The block device whose serial number the platform has set to `serial`.
static int find_disk(const char *serial, char path[32]) {
    for (char letter = 'a'; letter < 'h'; letter++) {
        char file[64], text[32] = "";
        (void)snprintf(file, sizeof file, "/sys/block/vd%c/serial", letter);
        int descriptor = open(file, O_RDONLY | O_CLOEXEC);
        if (descriptor < 0) continue;
        ssize_t count = read(descriptor, text, sizeof text - 1);
        close(descriptor);
        if (count > 0 && strncmp(text, serial, strlen(serial)) == 0) {
            (void)snprintf(path, 32, "/dev/vd%c", letter);
            return 0;
        }
    }
    return ENODEV;
}

static int mount_disk(const char *serial, const char *type, const char *place, unsigned long flags, const char *data) {
    char device[32], target[64];
    int error = ENODEV;
    for (int count = 0; count < device_attempts_max && error == ENODEV; count++) {
        error = find_disk(serial, device);
        if (error == ENODEV) pause_briefly();
    }
    if (error != 0) return error;
    (void)snprintf(target, sizeof target, "%s%s", root, place);
    return attempt(mount(device, target, type, flags | MS_NOSUID | MS_NODEV, data));
}

static int make_device(const char *name, unsigned minor_number, unsigned major_number) {
    char path[64];
    (void)snprintf(path, sizeof path, "%s/dev/%s", root, name);
    if (mknod(path, S_IFCHR | 0666, makedev(major_number, minor_number)) != 0) return errno;
    return attempt(chmod(path, 0666));
}

static int make_devices(void) {
    char path[64];
    (void)snprintf(path, sizeof path, "%s/dev", root);
    int error = attempt(mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=64k"));
    if (error == 0) error = make_device("null", 3, 1);
    if (error == 0) error = make_device("zero", 5, 1);
    if (error == 0) error = make_device("full", 7, 1);
    if (error == 0) error = make_device("random", 8, 1);
    if (error == 0) error = make_device("urandom", 9, 1);
    if (error == 0) error = make_device("tty", 0, 5);
    static const char *const links[][2] = {
        {"fd", "/proc/self/fd"}, {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"}};
    for (size_t index = 0; index < sizeof links / sizeof *links && error == 0; index++) {
        (void)snprintf(path, sizeof path, "%s/dev/%s", root, links[index][0]);
        error = attempt(symlink(links[index][1], path));
    }
    (void)snprintf(path, sizeof path, "%s/dev/shm", root);
    if (error == 0) error = mount_at("tmpfs", path, "tmpfs", MS_NOSUID | MS_NOEXEC | MS_NODEV, "mode=1777,size=4m");
    (void)snprintf(path, sizeof path, "%s/dev", root);
    if (error == 0) error = attempt(mount(NULL, path, NULL, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NOEXEC, NULL));
    return error;
}

static int make_temporary(void) {
    int error = mount_disk("tmp", "ext4", "/tmp", MS_NOATIME, "nobarrier,noinit_itable");
    if (error != 0) return error;
    char path[64];
    (void)snprintf(path, sizeof path, "%s/tmp/lost+found", root);
    if (rmdir(path) != 0 && errno != ENOENT) return errno;
    (void)snprintf(path, sizeof path, "%s/tmp", root);
    if (chown(path, sandbox_user, sandbox_group) != 0) return errno;
    return attempt(chmod(path, 01777));
}

int cloister_guest_mount_root(int has_layers) {
    char path[64];
    int error = make_directory(root, 0755);
    if (error == 0) error = mount_disk("root", "erofs", "", MS_RDONLY, NULL);
    if (error == 0) error = mount_disk("code", "erofs", "/var/task", MS_RDONLY, NULL);
    if (error == 0 && has_layers) error = mount_disk("layers", "erofs", "/opt", MS_RDONLY, NULL);
    if (error == 0) error = make_temporary();
    if (error == 0) error = make_devices();
    (void)snprintf(path, sizeof path, "%s/proc", root);
    // Its own processes are all that the sandbox's user sees.
    if (error == 0) {
        error = attempt(mount("proc", path, "proc", MS_NOSUID | MS_NOEXEC | MS_NODEV, "hidepid=invisible"));
    }
    (void)snprintf(path, sizeof path, "%s/var/runtime/cloister-agent", root);
    if (error == 0) error = attempt(mount("/init", path, NULL, MS_BIND, NULL));
    return error;
}

int cloister_guest_enter_root(void) {
    if (chdir(root) != 0) return errno;
    if (mount(".", "/", NULL, MS_MOVE, NULL) != 0) return errno;
    if (chroot(".") != 0) return errno;
    return attempt(chdir("/"));
}

int cloister_guest_harden(void) {
    static const char *const settings[][2] = {
        {"/proc/sys/user/max_user_namespaces", "0"}, {"/proc/sys/kernel/dmesg_restrict", "1"},
        {"/proc/sys/kernel/kptr_restrict", "2"}, {"/proc/sys/kernel/perf_event_paranoid", "3"},
        {"/proc/sys/kernel/sysrq", "0"}, {"/proc/sys/kernel/modules_disabled", "1"},
    };
    for (size_t index = 0; index < sizeof settings / sizeof *settings; index++) {
        int error = write_file(settings[index][0], settings[index][1]);
        if (error != 0 && error != ENOENT) return error;
    }
    // This one is 2 already in Debian's kernel, and then refuses to be set.
    (void)write_file("/proc/sys/kernel/unprivileged_bpf_disabled", "1");
    return attempt(sethostname("sandbox", strlen("sandbox")));
}

static int open_in_cgroup(const char *name, int flags, int *descriptor) {
    char path[64];
    (void)snprintf(path, sizeof path, "/cgroup/function/%s", name);
    *descriptor = open(path, flags | O_CLOEXEC);
    return *descriptor >= 0 ? 0 : errno;
}

int cloister_guest_make_cgroup(void) {
    const char *limit = getenv("CLOISTER_MEMORY_BYTES");
    const char *processes = getenv("CLOISTER_PROCESSES");
    if (limit == NULL || processes == NULL) return EINVAL;
    int error = write_file("/cgroup/cgroup.subtree_control", "+memory +pids");
    if (error == 0) error = make_directory("/cgroup/function", 0755);
    if (error == 0) error = write_file("/cgroup/function/memory.max", limit);
    if (error == 0) error = write_file("/cgroup/function/pids.max", processes);
    if (error == 0) error = open_in_cgroup("cgroup.procs", O_WRONLY, &cgroup_processes);
    if (error == 0) error = open_in_cgroup("memory.current", O_RDONLY, &memory_current);
    if (error == 0) error = open_in_cgroup("memory.peak", O_RDONLY, &memory_peak);
    if (error == 0) error = open_in_cgroup("memory.events", O_RDONLY, &memory_events);
    return error;
}

static const char *read_text(int descriptor, char text[512]) {
    ssize_t count = pread(descriptor, text, 511, 0);
    text[count > 0 ? count : 0] = '\0';
    return text;
}

void cloister_guest_memory(uint64_t *current, uint64_t *peak, uint64_t *kills) {
    char text[512];
    *current = strtoull(read_text(memory_current, text), NULL, 10);
    *peak = strtoull(read_text(memory_peak, text), NULL, 10);
    const char *line = strstr(read_text(memory_events, text), "oom_kill ");
    *kills = line != NULL ? strtoull(line + strlen("oom_kill "), NULL, 10) : 0;
}

int cloister_guest_load_filter(void) {
    int file = open("/filter", O_RDONLY | O_CLOEXEC);
    if (file < 0) return errno;
    ssize_t count = read(file, filter_bytes, sizeof filter_bytes);
    close(file);
    if (count <= 0 || (size_t)count % sizeof(struct sock_filter) != 0) return ENOEXEC;
    filter = (struct sock_fprog){
        .len = (unsigned short)((size_t)count / sizeof(struct sock_filter)), .filter = (struct sock_filter *)(void *)filter_bytes};
    return 0;
}

int cloister_guest_listen(uint16_t port, int *listener) {
    int control = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (control < 0) return errno;
    struct ifreq request;
    memset(&request, 0, sizeof request);
    strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (ioctl(control, SIOCSIFFLAGS, &request) != 0 || bind(control, (struct sockaddr *)&address, sizeof address) != 0
        || listen(control, 128) != 0) {
        int error = errno;
        close(control);
        return error;
    }
    *listener = control;
    return 0;
}

int cloister_guest_accept(int listener) {
    int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (connection < 0) return -1;
    int on = 1;
    (void)setsockopt(connection, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof on);
    return connection;
}

int cloister_guest_set_moment(uint64_t wall_nanoseconds, const uint8_t *seed, size_t count) {
    struct timespec now = {
        .tv_sec = (time_t)(wall_nanoseconds / 1000000000), .tv_nsec = (long)(wall_nanoseconds % 1000000000)};
    int error = attempt(clock_settime(CLOCK_REALTIME, &now));
    // As struct rand_pool_info, whose last member has no size.
    struct {
        int entropy_bits;
        int count;
        uint8_t bytes[64];
    } pool;
    memset(&pool, 0, sizeof pool);
    if (count > sizeof pool.bytes) count = sizeof pool.bytes;
    pool.entropy_bits = (int)count * 8;
    pool.count = (int)count;
    memcpy(pool.bytes, seed, count);
    int random = open("/dev/random", O_WRONLY | O_CLOEXEC);
    if (random < 0) return errno;
    if (ioctl(random, RNDADDENTROPY, &pool) != 0 || ioctl(random, RNDRESEEDCRNG) != 0) error = errno;
    close(random);
    return error;
}

struct runtime_start {
    char *const *arguments;
    char *const *environment;
    int output;
    volatile int error;
};

// The C library's own calls would tell the parent's threads, whose memory this still is.
static int become_sandbox_user(void) {
    for (unsigned long capability = 0; capability < 64; capability++) {
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno != EINVAL) return -1;
    }
    if (syscall(SYS_setgroups, 0, NULL) != 0) return -1;
    if (syscall(SYS_setresgid, sandbox_group, sandbox_group, sandbox_group) != 0) return -1;
    if (syscall(SYS_setresuid, sandbox_user, sandbox_user, sandbox_user) != 0) return -1;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter);
}

static int set_limit(int resource, rlim_t value) {
    struct rlimit limit = {.rlim_cur = value, .rlim_max = value};
    return (int)syscall(SYS_prlimit64, 0, resource, &limit, NULL);
}

// Between vfork and exec: system calls only.
static void run_runtime(struct runtime_start *start) {
    (void)setsid();
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (write(cgroup_processes, "0", 1) != 1) goto failed;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || dup2(null, 0) < 0 || dup2(start->output, 1) < 0 || dup2(start->output, 2) < 0) goto failed;
    if (syscall(SYS_close_range, 3U, ~0U, 0U) != 0) goto failed;
    if (set_limit(RLIMIT_NOFILE, open_files_max) != 0 || set_limit(RLIMIT_CORE, 0) != 0) goto failed;
    umask(022);
    if (chdir("/var/task") != 0) goto failed;
    if (become_sandbox_user() != 0) goto failed;
    execve(start->arguments[0], start->arguments, start->environment);
failed:
    start->error = errno;
    _exit(127);
}

int cloister_guest_start(char *const *arguments, char *const *environment, int output, pid_t *pid) {
    struct runtime_start start = {.arguments = arguments, .environment = environment, .output = output, .error = 0};
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

void cloister_guest_power_off(void) {
    (void)reboot(RB_AUTOBOOT);
    for (;;) pause();
}
