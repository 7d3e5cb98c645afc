#ifndef CCLOISTER_LINUX_H
#define CCLOISTER_LINUX_H

// What glibc's Swift overlay hides (calls behind _GNU_SOURCE) or what can't be written in Swift safely (code that
// runs between clone and exec). Nothing here decides anything. Every function returns 0 or an errno value unless
// its comment says otherwise, and every descriptor it hands out is close-on-exec.

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// --- Network namespace (network.c)

/// Makes a network namespace whose only interface is lo (up), with a non-blocking TCP socket that listens on
/// 127.0.0.1:`port` in it. `*network` is a descriptor of the namespace. The calling thread's namespace is unchanged.
int cloister_loopback_network(uint16_t port, int backlog, int *listener, int *network);

/// A descriptor that stands for a directory in paths; for nothing else.
int cloister_open_place(const char *path, int *place);
/// A non-blocking unix socket that listens at `name` in the directory `folder` is a descriptor of.
int cloister_unix_listen(int folder, const char *name, int backlog, int *listener);
/// A non-blocking connection to it. EAGAIN when its queue is full.
int cloister_unix_connect(int folder, const char *name, int *connection);

// --- Starting and reaping programs (spawn.c)

/// Which step of a spawn failed.
enum cloister_spawn_step {
    CLOISTER_SPAWN_CLONE = 1,
    CLOISTER_SPAWN_CGROUP,
    CLOISTER_SPAWN_MOUNTS,
    CLOISTER_SPAWN_DESCRIPTORS,
    CLOISTER_SPAWN_EXEC,
    CLOISTER_SPAWN_CONFINEMENT,
};

enum { CLOISTER_BINDS_MAX = 16, CLOISTER_EXTRA_DESCRIPTORS_MAX = 4 };

/// A directory or file that a spawned program sees at `target` (absolute, right below the stage).
typedef struct {
    const char *source;             // NULL: `mount` is moved there instead
    int mount;                      // a mount that has no place yet (`cloister_disk_mount`); -1 with a source
    const char *target;
    int is_file;
    int own_inodes;                 // a directory whose files, at the target, have locks and watches of their own (overlay)
} cloister_bind;

/// What a spawned program that faces hostile input is held by. It needs a stage, which becomes all of its file system, and gets
/// pid, network, ipc and uts namespaces of its own, no capabilities, and no way to new privileges.
typedef struct {
    uint32_t user;                  // becomes its user, group and only group
    const int *extra_descriptors;   // become 3, 4 and so on
    size_t extra_count;             // at most CLOISTER_EXTRA_DESCRIPTORS_MAX
    uint64_t memory_lock_bytes;     // RLIMIT_MEMLOCK
} cloister_confinement;

typedef struct {
    const char *program;            // absolute path
    char *const *arguments;         // ended by NULL
    char *const *environment;       // ended by NULL
    int descriptors[3];             // become 0, 1, 2; nothing else is inherited
    const int *cgroups;             // open `tasks` files (version 1) that the child enters before exec
    size_t cgroup_count;
    int unified_cgroup;             // the directory of a version 2 cgroup that it starts in; -1: none
    int private_mounts;             // not 0: a mount namespace of its own, nothing propagates out of it
    const char *hidden;             // a mount point that an empty file system covers there; may be NULL
    const char *stage;              // an empty directory; there, a tmpfs that holds the binds; may be NULL
    const cloister_bind *binds;
    size_t bind_count;              // at most CLOISTER_BINDS_MAX
    const cloister_confinement *confinement; // NULL: none
} cloister_spawn_request;

/// Starts a program in a new session, without copying the caller's memory. `*pidfd` is its process descriptor; reap it
/// with `cloister_reap`. On failure nothing was started and `*step` says where it failed.
int cloister_spawn(const cloister_spawn_request *request, pid_t *pid, int *pidfd, int *step);

/// Waits up to `timeout_ms` (-1: for ever) for a process to end; then, if it is a child of this process, reaps it and
/// stores its wait status (-1 if it was no child). ETIMEDOUT when it still runs.
int cloister_reap(int pidfd, int timeout_ms, int *wait_status);

/// Waits as `cloister_reap` does, but leaves the zombie.
int cloister_await_end(int pidfd, int timeout_ms);
/// Reaps exactly this child if it has ended; no effect otherwise.
void cloister_reap_child(pid_t pid);

int cloister_pidfd_open(pid_t pid, int *pidfd);
int cloister_pidfd_kill(int pidfd, int signal);

/// Whether orphaned descendants become children of this process, which then must reap them.
int cloister_set_subreaper(int enabled);

// --- File systems in image files (disk.c)

/// For open() of a directory: a new file in its file system that has no name and goes with its last descriptor.
extern const int cloister_unnamed_file_flags;
/// Not 0 if `path` is in a file system whose files are memory (tmpfs, ramfs).
int cloister_is_in_memory(const char *path);
/// Makes the empty file `to` a copy of `from` that shares or leaves out what it can: only data is copied, no holes.
int cloister_copy_sparse(int from, int to);
/// Mounts the ext4 image file `image` through a loop device, nosuid, nodev, with no place in any mount namespace yet.
/// `*mount` is a descriptor of the mount (until it is moved somewhere, closing it unmounts), `*root` one of its root
/// directory, which is emptied of lost+found and gets mode 1777. The loop device goes with the last user.
int cloister_disk_mount(int image, int *mount, int *root);
/// Gives up everything in the file system that `root` is in: nothing more is written back, later calls fail with EIO.
void cloister_disk_discard(int root);

// --- Directories in a running sandbox (place.c)

enum { CLOISTER_PLACEMENTS_MAX = 4 };

/// A directory of the host that a running process sees at `target` from now on, read-only, nosuid, nodev.
typedef struct {
    const char *source;
    const char *target;             // an existing directory in the process's mount namespace
    const char *empty;              // an empty directory: the files get inodes of their own (overlay); NULL: they don't
} cloister_placement;

/// Mounts them in the mount namespace of the process that `pidfd` stands for. After a failure some may be there.
int cloister_place(int pidfd, const cloister_placement *placements, size_t count);

// --- Small things (misc.c)

/// A stream socket pair; the first is non-blocking, the second blocking.
int cloister_socketpair(int *ours, int *theirs);
/// A pipe; the read end is non-blocking, the write end blocking.
int cloister_pipe(int *reader, int *writer);
/// A copy of an executable file in memory that nobody can change any more (memfd with all seals).
int cloister_sealed_copy(const char *path, int *copy);
/// Takes an exclusive lock on `path` (created 0600) without waiting; EWOULDBLOCK when another holds it.
int cloister_lock_file(const char *path, int *descriptor);

/// Sends bytes over a unix socket, with a descriptor unless that is -1.
int cloister_send_descriptor(int socket, const void *bytes, size_t count, int descriptor);
/// A file in memory, of that size, that every user may write to through its descriptor, until it is sealed.
int cloister_memory_file(size_t size, int *descriptor);
/// Lets nobody change the file any more, through no descriptor. EBUSY while somebody has it mapped for writing.
int cloister_seal(int descriptor);
/// Where `key` first is in `bytes`; SIZE_MAX if it isn't.
size_t cloister_find(const void *bytes, size_t count, const void *key, size_t key_count);
/// How fast this CPU's time stamp counter runs, measured for 100 ms; 0 if it has none.
uint64_t cloister_counter_kilohertz(void);

// --- Seccomp (seccomp.c)

typedef struct {
    const char *name;
    uint32_t number;
} cloister_syscall;

/// This architecture's system calls, in no particular order. `index` is below `cloister_syscall_count`.
cloister_syscall cloister_syscall_at(size_t index);
extern const size_t cloister_syscall_count;
/// AUDIT_ARCH_… of this build.
extern const uint32_t cloister_audit_architecture;

// --- The agent's system calls (agent.c); for the first process of a sandbox only

/// Hides the process from its children (not dumpable, the descriptor that orders come from close-on-exec) and returns in
/// `*children` a descriptor that is readable when a child has ended.
int cloister_agent_protect(int control, int *children);
/// Whether a child has ended since the last call of this or of `cloister_agent_wait`.
int cloister_agent_child_ended(int children);
/// Waits until a child has ended (bit 0) or descriptor 0 is readable or closed (bit 1). Returns the bits.
int cloister_agent_wait(int children);
/// Reads from descriptor 0. 0: end of file or error.
size_t cloister_agent_read(void *buffer, size_t capacity);
/// Writes all of it to descriptor 0; errors are ignored, the next read tells.
void cloister_agent_write(const void *buffer, size_t count);
/// Starts the runtime in /var/task, standard input /dev/null.
int cloister_agent_start(char *const *arguments, char *const *environment, pid_t *pid);
/// Reaps one ended child, waiting for one if `wait`. Returns its pid, 0 if none has ended, -1 if there is none.
pid_t cloister_agent_reap(int wait, int *wait_status);
/// Kills every other process of the pid namespace. Does nothing unless this is its process 1.
void cloister_agent_kill_others(void);
void cloister_agent_exit(int status) __attribute__((noreturn));
/// Not 0 if the environment variable CLOISTER_SELF_TEST is set; the platform sets it in its self-test only.
int cloister_agent_is_probe(void);
/// Sends `text` to 127.0.0.1:`port`, shuts down sending, waits for one byte, then writes `text` to standard output.
int cloister_agent_probe(uint16_t port, const char *text, size_t count);

// --- Streams (stream.c); for the agent and for the host's side of a virtual machine's channel

/// Reads from a non-blocking descriptor. 0: end of file, -1: nothing there now, -2: broken.
long cloister_stream_read(int descriptor, void *buffer, size_t capacity);
/// Writes to a non-blocking descriptor. How much was taken (0: it can't take anything now), -2: broken.
long cloister_stream_write(int descriptor, const void *buffer, size_t count);
/// Ends the sending direction of a socket.
void cloister_stream_shutdown(int descriptor);
void cloister_stream_close(int descriptor);

enum { CLOISTER_WATCHED_MAX = 48 };

/// Before the wait: what is wanted; afterwards: what of it may be done without blocking.
typedef struct {
    int descriptor;
    int input;
    int output;
} cloister_watched;

/// Waits for one of these descriptors (at most CLOISTER_WATCHED_MAX), for `timeout_ms` at most (-1: no limit).
int cloister_watch(cloister_watched *watched, size_t count, int timeout_ms);

// --- A thread's poll set (pollset.c)

enum { CLOISTER_POLLED_MAX = 64 };

/// A ready descriptor's key; a failed one can be both read and written.
typedef struct {
    uint64_t key;
    int input;
    int output;
} cloister_polled;

int cloister_poll_set(int *set);
/// Reports the descriptor each time that it is ready; it must not be in the set yet.
int cloister_poll_add(int set, int descriptor, uint64_t key, int input, int output);
void cloister_poll_remove(int set, int descriptor);
/// Waits until some are ready; how many (at most CLOISTER_POLLED_MAX), 0 when interrupted.
size_t cloister_poll_wait(int set, cloister_polled *polled, size_t capacity);
/// A descriptor that is readable from `give` until `take`.
int cloister_wake_make(int *wake);
void cloister_wake_give(int wake);
void cloister_wake_take(int wake);

// --- The agent as /init of a virtual machine (guest.c); called once each, in this order

/// Not 0 if this is process 1 and the kernel's command line says CLOISTER_GUEST.
int cloister_guest_is(void);
/// /dev, /proc, /sys, /cgroup, and the standard descriptors if there are none.
int cloister_guest_mount_kernel(void);
/// Loads /modules/00.ko, 01.ko and so on, and removes the files.
int cloister_guest_load_modules(void);
/// Opens the channel to the host, a virtio-serial port, non-blocking; waits for the device for 5 s at most.
int cloister_guest_open_port(int *port);
/// The cgroup that the runtime runs in, with the limits of the variables CLOISTER_MEMORY_BYTES and CLOISTER_PROCESSES.
int cloister_guest_make_cgroup(void);
/// Reads the filter that the runtime runs under, from /filter.
int cloister_guest_load_filter(void);
/// Whether the platform gave the machine a disk of layers (the variable CLOISTER_LAYERS).
int cloister_guest_has_layers(void);
/// Mounts the disks with the serial numbers root, code, layers and tmp, and what else the runtime's file system has.
int cloister_guest_mount_root(int has_layers);
/// Makes that file system this process's own.
int cloister_guest_enter_root(void);
/// Kernel settings for a kernel whose only user may be hostile. No module can be loaded afterwards.
int cloister_guest_harden(void);
/// Raises lo and listens on 127.0.0.1:`port`, non-blocking.
int cloister_guest_listen(uint16_t port, int *listener);

// Later, any number of times.

/// A non-blocking connection, or -1 if there is none.
int cloister_guest_accept(int listener);
/// Sets the clock, and mixes the seed into the kernel's random number generator at once.
int cloister_guest_set_moment(uint64_t wall_nanoseconds, const uint8_t *seed, size_t count);
/// Starts the runtime as the sandbox's user, without capabilities, under the filter, in the cgroup and in /var/task; its
/// output goes to `output`.
int cloister_guest_start(char *const *arguments, char *const *environment, int output, pid_t *pid);
/// What the runtime's cgroup holds, held at most, and how often the kernel killed for want of memory.
void cloister_guest_memory(uint64_t *current, uint64_t *peak, uint64_t *kills);
/// Ends the machine.
void cloister_guest_power_off(void) __attribute__((noreturn));

#endif
