#define _GNU_SOURCE
#include "CCloisterLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct placing {
    int pidfd;
    const cloister_placement *placements;
    size_t count;
    int error;
};

// Files with inodes of their own, as `cloister_bind` has them: see there.
static int overlay(const cloister_placement *placement, unsigned attributes) {
    if (placement->empty == NULL || strpbrk(placement->source, ":,\\") != NULL) return -1;
    char layers[4000];
    int length = snprintf(layers, sizeof layers, "%s:%s", placement->source, placement->empty);
    if (length < 0 || (size_t)length >= sizeof layers) return -1;
    int context = (int)syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC);
    if (context < 0) return -1;
    int mount = -1;
    if (syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "lowerdir", layers, 0) == 0
        && syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0) {
        mount = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes);
    }
    close(context);
    return mount;
}

static int take_mount(const cloister_placement *placement) {
    unsigned attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    int mount = overlay(placement, attributes);
    if (mount >= 0) return mount;
    mount = (int)syscall(SYS_open_tree, AT_FDCWD, placement->source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (mount < 0) return -1;
    struct mount_attr change = {.attr_set = attributes};
    if (syscall(SYS_mount_setattr, mount, "", AT_EMPTY_PATH, &change, sizeof change) == 0) return mount;
    int error = errno;
    close(mount);
    errno = error;
    return -1;
}

static int place_all(const struct placing *placing) {
    int mounts[CLOISTER_PLACEMENTS_MAX];
    size_t taken = 0;
    int error = placing->count <= CLOISTER_PLACEMENTS_MAX ? 0 : E2BIG;
    while (error == 0 && taken < placing->count) {
        mounts[taken] = take_mount(&placing->placements[taken]);
        if (mounts[taken] < 0) error = errno; else taken++;
    }
    // The thread's own root and working directory, or it could not change its mount namespace.
    if (error == 0 && unshare(CLONE_FS) != 0) error = errno;
    if (error == 0 && setns(placing->pidfd, CLONE_NEWNS) != 0) error = errno;
    for (size_t index = 0; error == 0 && index < taken; index++) {
        const char *target = placing->placements[index].target;
        if (syscall(SYS_move_mount, mounts[index], "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) != 0) error = errno;
    }
    for (size_t index = 0; index < taken; index++) close(mounts[index]);
    return error;
}

// The namespace change ends with the thread, so no other code ever runs in it.
static void *placing_thread(void *argument) {
    struct placing *placing = argument;
    placing->error = place_all(placing);
    return NULL;
}

int cloister_place(int pidfd, const cloister_placement *placements, size_t count) {
    struct placing placing = {.pidfd = pidfd, .placements = placements, .count = count, .error = 0};
    pthread_attr_t attributes;
    pthread_t thread;
    int error = pthread_attr_init(&attributes);
    if (error != 0) return error;
    (void)pthread_attr_setstacksize(&attributes, 64 * 1024);
    error = pthread_create(&thread, &attributes, placing_thread, &placing);
    pthread_attr_destroy(&attributes);
    if (error != 0) return error;
    pthread_join(thread, NULL);
    return placing.error;
}
