/* Lets one call that changes files below a folder fail, or kills the process just before it: writes, syncs, renames,
   removals, cuts of a length, new folders.

   Loaded by LD_PRELOAD. Below FAULT_FOLDER, calls are counted once fault_start was called; the one of the number that it
   was given fails with EIO (or, of writes, after half of the bytes with ENOSPC), or ends the process as a kill does. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static long count, point;
static int mode; /* 0: count alone, 1: fail, 2: kill */
static int active;
static char folder[PATH_MAX];

void fault_start(const char *below, long number, int how) {
    strncpy(folder, below, sizeof folder - 1);
    count = 0, point = number, mode = how, active = 1;
}

long fault_count(void) { return count; }

static int below(const char *path) {
    size_t length = strlen(folder);
    return !strncmp(path, folder, length) && (path[length] == '/' || !path[length]);
}

static int of_descriptor(int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size <= 0)
        return 0;
    path[size] = 0;
    return below(path);
}

static int of_name(const char *path) {
    char whole[PATH_MAX];
    return realpath(path, whole) && below(whole);
}

/* A name beside an open folder: removal of a tree goes down by those. */
static int of_entry(int at, const char *path) {
    return path[0] == '/' || at == AT_FDCWD ? of_name(path) : of_descriptor(at);
}

static int now(int concerned) {
    if (!active || !concerned || __sync_add_and_fetch(&count, 1) != point || !mode)
        return 0;
    if (mode == 2)
        kill(getpid(), SIGKILL), pause();
    return 1;
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

ssize_t write(int fd, const void *data, size_t size) {
    REAL(write);
    if (active && now(of_descriptor(fd))) {
        if (size > 1)
            real(fd, data, size / 2);
        errno = ENOSPC;
        return -1;
    }
    return real(fd, data, size);
}

ssize_t writev(int fd, const struct iovec *parts, int number) {
    REAL(writev);
    if (active && now(of_descriptor(fd))) {
        errno = ENOSPC;
        return -1;
    }
    return real(fd, parts, number);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    REAL(pwrite64);
    if (active && now(of_descriptor(fd))) {
        errno = ENOSPC;
        return -1;
    }
    return real(fd, data, size, at);
}

size_t fwrite(const void *data, size_t size, size_t number, FILE *file) {
    REAL(fwrite);
    if (active && now(of_descriptor(fileno(file)))) {
        errno = ENOSPC;
        return 0;
    }
    return real(data, size, number, file);
}

/* Calls that give 0, or -1 with EIO where they are disturbed. */
#define FAILING(name, parameters, arguments, concerned)                                                                  \
    int name parameters {                                                                                                \
        REAL(name);                                                                                                      \
        if (active && now(concerned)) {                                                                                  \
            errno = EIO;                                                                                                 \
            return -1;                                                                                                   \
        }                                                                                                                \
        return real arguments;                                                                                           \
    }

FAILING(fsync, (int fd), (fd), of_descriptor(fd))
FAILING(fdatasync, (int fd), (fd), of_descriptor(fd))
FAILING(ftruncate64, (int fd, off64_t size), (fd, size), of_descriptor(fd))
FAILING(rename, (const char *from, const char *to), (from, to), of_name(from))
FAILING(renameat, (int at, const char *from, int there, const char *to), (at, from, there, to), of_entry(at, from))
FAILING(unlink, (const char *name), (name), of_name(name))
FAILING(unlinkat, (int at, const char *name, int flags), (at, name, flags), of_entry(at, name))
FAILING(rmdir, (const char *name), (name), of_name(name))
FAILING(mkdir, (const char *name, mode_t mode), (name, mode), below(name))
