/* Writes down, in order, what a process does to the files of one folder: every change of
 * content, of size and of name, and every sync. Loaded with LD_PRELOAD; silent until
 * powercut_record() names the log and the folder. From the log, disk.py rebuilds what a disk
 * may hold after the power was cut at any moment.
 *
 * A record is a header (see `struct record`), the name, and the data. Files are known by their
 * inode, so that a rename does not matter to what is written through an open file. Only files
 * directly inside the folder count; SQLite's "-shm" is memory, not disk, and is left out.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST_FILES 65536
struct record {
    char op; /* C made, O opened, W written, T size set, S synced, D folder synced, U name
                removed, R renamed, M mark */
    char pad[3];
    uint32_t name_length;
    uint64_t file; /* inode */
    int64_t at;    /* W: offset, T: size */
    uint64_t data_length;
};

static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static int log_fd = -1;
static char folder[4096];
static size_t folder_length;
static ino_t inode_of[MOST_FILES]; /* by file descriptor; 0: not ours */
static char is_folder[MOST_FILES];

#define REAL(name) ({ \
    static __typeof__(&name) real; \
    if (!real) \
        real = (__typeof__(&name))dlsym(RTLD_NEXT, #name); \
    real; \
})

static void die(const char *why) {
    fprintf(stderr, "powercut recorder: %s: %s\n", why, strerror(errno));
    _exit(97);
}

static void put(char op, const char *name, ino_t file, int64_t at, const void *data, size_t length) {
    struct record head = {.op = op, .name_length = (uint32_t)strlen(name), .file = file, .at = at,
                          .data_length = length};
    struct iovec parts[3] = {{&head, sizeof head}, {(void *)name, head.name_length},
                             {(void *)data, length}};
    size_t whole = sizeof head + head.name_length + length;
    if (syscall(SYS_writev, log_fd, parts, 3) != (ssize_t)whole) die("the log cannot be written");
}

/* What follows the folder in a path: "" for the folder itself, NULL for what is elsewhere. */
static const char *inside(const char *path) {
    if (log_fd < 0 || !path || strncmp(path, folder, folder_length)) return NULL;
    path += folder_length;
    if (*path && *path != '/') return NULL;
    while (*path == '/') path++;
    return path;
}

/* The name of a file of ours, or NULL. */
static const char *ours(const char *path) {
    const char *name = inside(path);
    size_t length = name ? strlen(name) : 0;
    if (!length || (length > 4 && !strcmp(name + length - 4, "-shm"))) return NULL;
    return name;
}

/* The inode behind a descriptor that was opened on one of our files, or 0. The check against
 * the kernel is needed: a descriptor may have been closed in ways that we do not see. */
static ino_t watched(int fd) {
    struct stat now;
    if (log_fd < 0 || fd < 0 || fd >= MOST_FILES || !inode_of[fd]) return 0;
    if (fstat(fd, &now) || now.st_ino != inode_of[fd]) return inode_of[fd] = 0;
    return now.st_ino;
}

static int64_t size_of(int fd) {
    struct stat now;
    return fstat(fd, &now) ? -1 : now.st_size;
}

static int noted(int fd, const char *path, int flags, int existed) {
    struct stat now;
    if (fd < 0 || fd >= MOST_FILES) return fd;
    inode_of[fd] = 0;
    if (fstat(fd, &now)) return fd;
    const char *name = ours(path);
    if (name) {
        inode_of[fd] = now.st_ino;
        is_folder[fd] = 0;
        put(existed ? 'O' : 'C', name, now.st_ino, 0, NULL, 0);
        if (existed && flags & O_TRUNC) put('T', "", now.st_ino, 0, NULL, 0);
    } else if (inside(path) && !*inside(path)) {
        inode_of[fd] = now.st_ino;
        is_folder[fd] = 1;
    }
    return fd;
}

/* ---- told by the program ------------------------------------------------------------------ */
void powercut_record(const char *log, const char *directory) {
    pthread_mutex_lock(&lock);
    snprintf(folder, sizeof folder, "%s", directory);
    folder_length = strlen(folder);
    log_fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC,
                          0644);
    if (log_fd < 0) die(log);
    pthread_mutex_unlock(&lock);
}

void powercut_stop(void) {
    pthread_mutex_lock(&lock);
    if (log_fd >= 0) syscall(SYS_close, log_fd);
    log_fd = -1;
    memset(inode_of, 0, sizeof inode_of);
    pthread_mutex_unlock(&lock);
}

void powercut_mark(const char *text) {
    pthread_mutex_lock(&lock);
    if (log_fd >= 0) put('M', text, 0, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
}

/* ---- opening ------------------------------------------------------------------------------ */
#define MODE(flags) mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); \
        mode = va_arg(rest, mode_t); va_end(rest); }
#define OPENING(call) \
    pthread_mutex_lock(&lock); \
    int existed = !ours(path) || !syscall(SYS_faccessat, AT_FDCWD, path, F_OK); \
    int fd = noted(call, path, flags, existed); \
    pthread_mutex_unlock(&lock); \
    return fd;

int open(const char *path, int flags, ...) { MODE(flags) OPENING(REAL(open)(path, flags, mode)) }
int open64(const char *path, int flags, ...) { MODE(flags) OPENING(REAL(open64)(path, flags, mode)) }
int openat(int at, const char *path, int flags, ...) {
    MODE(flags) OPENING(REAL(openat)(at, path, flags, mode))
}
int openat64(int at, const char *path, int flags, ...) {
    MODE(flags) OPENING(REAL(openat64)(at, path, flags, mode))
}
int creat(const char *path, mode_t mode) { return open(path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

/* ---- content and size --------------------------------------------------------------------- */
#define CHANGING(type, call, told) \
    pthread_mutex_lock(&lock); \
    ino_t file = watched(fd); \
    type result = call; \
    if (file) { int kept = errno; told; errno = kept; } \
    pthread_mutex_unlock(&lock); \
    return result;

/* Where a plain write ended; with O_APPEND that is the end of the file. */
static int64_t here(int fd, ssize_t written) { return lseek(fd, 0, SEEK_CUR) - written; }

static void put_parts(ino_t file, int64_t at, const struct iovec *parts, int count, ssize_t left) {
    for (int n = 0; n < count && left > 0; n++) {
        size_t length = parts[n].iov_len < (size_t)left ? parts[n].iov_len : (size_t)left;
        put('W', "", file, at, parts[n].iov_base, length);
        at += (int64_t)length;
        left -= (ssize_t)length;
    }
}

ssize_t write(int fd, const void *data, size_t n) {
    CHANGING(ssize_t, REAL(write)(fd, data, n),
             if (result > 0) put('W', "", file, here(fd, result), data, (size_t)result))
}
ssize_t pwrite(int fd, const void *data, size_t n, off_t at) {
    CHANGING(ssize_t, REAL(pwrite)(fd, data, n, at),
             if (result > 0) put('W', "", file, at, data, (size_t)result))
}
ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at) {
    CHANGING(ssize_t, REAL(pwrite64)(fd, data, n, at),
             if (result > 0) put('W', "", file, at, data, (size_t)result))
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
    CHANGING(ssize_t, REAL(writev)(fd, parts, count),
             if (result > 0) put_parts(file, here(fd, result), parts, count, result))
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
    CHANGING(ssize_t, REAL(pwritev)(fd, parts, count, at),
             if (result > 0) put_parts(file, at, parts, count, result))
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) {
    CHANGING(ssize_t, REAL(pwritev64)(fd, parts, count, at),
             if (result > 0) put_parts(file, at, parts, count, result))
}

/* shutil.copyfile: read back what went across, from where it came. */
ssize_t sendfile(int fd, int from, off_t *at, size_t n) {
    off_t begin = at ? *at : lseek(from, 0, SEEK_CUR);
    CHANGING(ssize_t, REAL(sendfile)(fd, from, at, n), if (result > 0) {
        char *copy = malloc((size_t)result);
        if (!copy || pread(from, copy, (size_t)result, begin) != result) die("sendfile");
        put('W', "", file, here(fd, result), copy, (size_t)result);
        free(copy);
    })
}
ssize_t sendfile64(int fd, int from, off64_t *at, size_t n) { return sendfile(fd, from, at, n); }

/* Not followed: made to fail, so that callers fall back on writes that are. */
ssize_t copy_file_range(int from, off64_t *a, int fd, off64_t *b, size_t n, unsigned flags) {
    if (!watched(fd)) return REAL(copy_file_range)(from, a, fd, b, n, flags);
    errno = EXDEV;
    return -1;
}

static int truncated(const char *path, off_t size) {
    int fd = open(path, O_WRONLY), result = fd < 0 ? -1 : ftruncate(fd, size);
    if (fd >= 0) close(fd);
    return result;
}
int truncate(const char *path, off_t size) {
    return ours(path) ? truncated(path, size) : REAL(truncate)(path, size);
}
int truncate64(const char *path, off64_t size) {
    return ours(path) ? truncated(path, size) : REAL(truncate64)(path, size);
}
int ftruncate(int fd, off_t size) {
    CHANGING(int, REAL(ftruncate)(fd, size), if (!result) put('T', "", file, size, NULL, 0))
}
int ftruncate64(int fd, off64_t size) {
    CHANGING(int, REAL(ftruncate64)(fd, size), if (!result) put('T', "", file, size, NULL, 0))
}
int fallocate(int fd, int mode, off_t at, off_t n) {
    CHANGING(int, REAL(fallocate)(fd, mode, at, n),
             if (!result) put('T', "", file, size_of(fd), NULL, 0))
}
int fallocate64(int fd, int mode, off64_t at, off64_t n) {
    CHANGING(int, REAL(fallocate64)(fd, mode, at, n),
             if (!result) put('T', "", file, size_of(fd), NULL, 0))
}
int posix_fallocate(int fd, off_t at, off_t n) {
    CHANGING(int, REAL(posix_fallocate)(fd, at, n),
             if (!result) put('T', "", file, size_of(fd), NULL, 0))
}
int posix_fallocate64(int fd, off64_t at, off64_t n) {
    CHANGING(int, REAL(posix_fallocate64)(fd, at, n),
             if (!result) put('T', "", file, size_of(fd), NULL, 0))
}

/* ---- syncing ------------------------------------------------------------------------------ */
int fsync(int fd) {
    CHANGING(int, REAL(fsync)(fd), if (!result) put(is_folder[fd] ? 'D' : 'S', "", file, 0, NULL, 0))
}
int fdatasync(int fd) {
    CHANGING(int, REAL(fdatasync)(fd),
             if (!result) put(is_folder[fd] ? 'D' : 'S', "", file, 0, NULL, 0))
}

/* ---- names -------------------------------------------------------------------------------- */
#define NAMING(call, told) \
    pthread_mutex_lock(&lock); \
    int result = call; \
    if (!result) { told; } \
    pthread_mutex_unlock(&lock); \
    return result;

static void put_rename(const char *from, const char *to) {
    if (!from && !to) return;
    if (!from || !to) die("a file was moved across the edge of the folder");
    put('R', from, 0, 0, to, strlen(to));
}

int unlink(const char *path) { NAMING(REAL(unlink)(path), if (ours(path)) put('U', ours(path), 0, 0, NULL, 0)) }
int unlinkat(int at, const char *path, int flags) {
    NAMING(REAL(unlinkat)(at, path, flags), if (ours(path)) put('U', ours(path), 0, 0, NULL, 0))
}
int remove(const char *path) { NAMING(REAL(remove)(path), if (ours(path)) put('U', ours(path), 0, 0, NULL, 0)) }
int rename(const char *from, const char *to) {
    NAMING(REAL(rename)(from, to), put_rename(ours(from), ours(to)))
}
int renameat(int a, const char *from, int b, const char *to) {
    NAMING(REAL(renameat)(a, from, b, to), put_rename(ours(from), ours(to)))
}
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
    NAMING(REAL(renameat2)(a, from, b, to, flags), put_rename(ours(from), ours(to)))
}
