#define _GNU_SOURCE
#include "CCloisterLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

// As in the kernel's fs/ext4/ext4.h, which is no header for programs.
#define EXT4_IOC_SHUTDOWN _IOR('X', 125, uint32_t)
#define EXT4_GOING_FLAGS_NOLOGFLUSH 2

enum { attach_attempts_max = 64 };

const int cloister_unnamed_file_flags = O_TMPFILE;

int cloister_is_in_memory(const char *path) {
    struct statfs status;
    if (statfs(path, &status) != 0) return 0;
    return status.f_type == TMPFS_MAGIC || status.f_type == RAMFS_MAGIC;
}

static int copy_range(int from, int to, off_t start, off_t end) {
    while (start < end) {
        off_t target = start;
        ssize_t copied = copy_file_range(from, &start, to, &target, (size_t)(end - start), 0);
        if (copied < 0 && errno == EINTR) continue;
        if (copied < 0) return errno;
        if (copied == 0) return EIO;
    }
    return 0;
}

int cloister_copy_sparse(int from, int to) {
    if (ioctl(to, FICLONE, from) == 0) return 0;
    struct stat status;
    if (fstat(from, &status) != 0) return errno;
    if (ftruncate(to, status.st_size) != 0) return errno;
    off_t end = 0;
    for (;;) {
        off_t start = lseek(from, end, SEEK_DATA);
        if (start < 0) return errno == ENXIO ? 0 : errno;
        end = lseek(from, start, SEEK_HOLE);
        if (end < 0) return errno;
        int error = copy_range(from, to, start, end);
        if (error != 0) return error;
    }
}

// The device frees itself when its last user goes.
static int attach(int image, int control, char path[32], int *device) {
    struct loop_config configuration = {.fd = (uint32_t)image, .info = {.lo_flags = LO_FLAGS_AUTOCLEAR}};
    for (int attempt = 0; attempt < attach_attempts_max; attempt++) {
        int number = ioctl(control, LOOP_CTL_GET_FREE);
        if (number < 0) return errno;
        (void)snprintf(path, 32, "/dev/loop%d", number);
        *device = open(path, O_RDWR | O_CLOEXEC);
        if (*device < 0) return errno;
        if (ioctl(*device, LOOP_CONFIGURE, &configuration) == 0) return 0;
        int error = errno;
        close(*device);
        *device = -1;
        // Another process was faster.
        if (error != EBUSY) return error;
    }
    return EBUSY;
}

static int set(int context, const char *key, const char *value) {
    unsigned command = value != NULL ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;
    return (int)syscall(SYS_fsconfig, context, command, key, value, 0);
}

static int mount_device(const char *path, int *mount) {
    int context = (int)syscall(SYS_fsopen, "ext4", FSOPEN_CLOEXEC);
    if (context < 0) return errno;
    int error = 0;
    // No flush of the host's disk for what nobody needs after a crash, and no filling of unused inode tables.
    if (set(context, "source", path) != 0 || set(context, "nobarrier", NULL) != 0
        || set(context, "noinit_itable", NULL) != 0
        || syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) != 0) {
        error = errno;
    } else {
        unsigned attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOATIME;
        *mount = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes);
        if (*mount < 0) error = errno;
    }
    close(context);
    return error;
}

static int prepare_root(int mount, int *root) {
    *root = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*root < 0) return errno;
    if (unlinkat(*root, "lost+found", AT_REMOVEDIR) != 0 && errno != ENOENT) return errno;
    return fchmod(*root, 01777) == 0 ? 0 : errno;
}

int cloister_disk_mount(int image, int *mount, int *root) {
    *mount = *root = -1;
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    if (control < 0) return errno;
    char path[32];
    int device = -1;
    int error = attach(image, control, path, &device);
    close(control);
    if (error == 0) error = mount_device(path, mount);
    if (device >= 0) close(device);
    if (error == 0) error = prepare_root(*mount, root);
    if (error == 0) return 0;
    if (*root >= 0) close(*root);
    if (*mount >= 0) close(*mount);
    return error;
}

void cloister_disk_discard(int root) {
    uint32_t flags = EXT4_GOING_FLAGS_NOLOGFLUSH;
    (void)ioctl(root, EXT4_IOC_SHUTDOWN, &flags);
}
