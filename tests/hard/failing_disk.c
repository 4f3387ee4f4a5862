/* A disk that fails: preloaded, it counts what is written below a folder, and fails the n-th time.

   disk_arm(folder, n, error, lasting): from now on count; the n-th open for writing, write, sync, truncation, rename
   or new folder fails with `error`, and with `lasting` all later ones, too. n = 0: none fails.
   disk_count(): how many there were. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FILES = 65536 };
static char folder[4096];
static long failing, counted;
static int failure, lasts;
static unsigned char below[FILES];

void disk_arm(const char *path, long n, int error, int lasting) {
    snprintf(folder, sizeof folder, "%s/", path);
    failing = n, failure = error, lasts = lasting, counted = 0;
    memset(below, 0, sizeof below);
}

long disk_count(void) { return counted; }

static int inside(const char *path) { return *folder && path && strncmp(path, folder, strlen(folder)) == 0; }

static int fails(int concerned) {
    if (!concerned) return 0;
    counted++;
    if (!failing || counted < failing || (counted > failing && !lasts)) return 0;
    errno = failure;
    return 1;
}

static int of_file(int file) { return file >= 0 && file < FILES && below[file]; }

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static int opened(int file, const char *path) {
    if (file >= 0 && file < FILES) below[file] = inside(path);
    return file;
}

#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | __O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }

#define WRITING(flags) (((flags) & O_ACCMODE) != O_RDONLY || ((flags) & O_CREAT))

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        MODE(flags) \
        REAL(name); \
        return fails(inside(path) && WRITING(flags)) ? -1 : opened(real(path, flags, mode), path); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
    int name(int at, const char *path, int flags, ...) { \
        MODE(flags) \
        REAL(name); \
        return fails(inside(path) && WRITING(flags)) ? -1 : opened(real(at, path, flags, mode), path); \
    }
OPENAT(openat)
OPENAT(openat64)

int close(int file) {
    REAL(close);
    if (file >= 0 && file < FILES) below[file] = 0;
    return real(file);
}

ssize_t write(int file, const void *data, size_t size) {
    REAL(write);
    return fails(of_file(file)) ? -1 : real(file, data, size);
}

ssize_t writev(int file, const struct iovec *data, int parts) {
    REAL(writev);
    return fails(of_file(file)) ? -1 : real(file, data, parts);
}

ssize_t pwrite64(int file, const void *data, size_t size, off64_t at) {
    REAL(pwrite64);
    return fails(of_file(file)) ? -1 : real(file, data, size, at);
}

int fsync(int file) {
    REAL(fsync);
    return fails(of_file(file)) ? -1 : real(file);
}

int ftruncate64(int file, off64_t size) {
    REAL(ftruncate64);
    return fails(of_file(file)) ? -1 : real(file, size);
}

int rename(const char *from, const char *to) {
    REAL(rename);
    return fails(inside(to)) ? -1 : real(from, to);
}

int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    return fails(inside(path)) ? -1 : real(path, mode);
}
