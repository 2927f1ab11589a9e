/* Reading and writing whole, and saying what went wrong.
 *
 * Guarantees: a failure stops the run with RX_STOP_DISK and one message, the first; a write is complete or has failed.
 */
#ifndef RX_FILES_H
#define RX_FILES_H

/* Tests only: the n-th operation on a file from now fails for want of room, or is the last thing this process does. */
#ifdef RX_TESTING
#include <signal.h>
static int64_t rx_fail_in, rx_kill_in;

__attribute__((visibility("default"))) void rx_test_files(int64_t fail_in, int64_t kill_in) {
    rx_fail_in = fail_in;
    rx_kill_in = kill_in;
}

static void rx_file_moment(void) {
    if (rx_kill_in && --rx_kill_in == 0) raise(SIGKILL);
}

static bool rx_file_operation(void) {
    rx_file_moment();
    if (!rx_fail_in || --rx_fail_in) return true;
    errno = ENOSPC;
    return false;
}
#else
static inline void rx_file_moment(void) {}
static inline bool rx_file_operation(void) { return true; }
#endif

/* Stops the run; `what` is the beginning of a sentence, completed by the system's reason if there is one. */
static void rx_disk_failed(rx_run *run, const char *what, const char *path, int error) {
    pthread_mutex_lock(&run->disk_lock);
    if (!run->disk_what[0]) {
        run->disk_errno = error;
        snprintf(run->disk_what, sizeof run->disk_what, "%s %s%s%s", what, path, error ? ": " : "",
                 error ? strerror(error) : "");
    }
    pthread_mutex_unlock(&run->disk_lock);
    rx_stop_for(run, RX_STOP_DISK);
}

static bool rx_write(rx_run *run, int fd, const char *path, const void *from, size_t bytes, uint64_t offset) {
    const char *p = from;
    while (bytes) {
        /* In pieces: a single write is cut at 2 GiB by the kernel. */
        const size_t piece = bytes < (1u << 28) ? bytes : 1u << 28;
        const ssize_t n = rx_file_operation() ? pwrite(fd, p, piece, (off_t)offset) : -1;
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            rx_disk_failed(run, "cannot write to", path, n < 0 ? errno : ENOSPC);
            return false;
        }
        p += n;
        bytes -= (size_t)n;
        offset += (uint64_t)n;
    }
    return true;
}

static bool rx_read(rx_run *run, int fd, const char *path, void *to, size_t bytes, uint64_t offset) {
    char *p = to;
    while (bytes) {
        const ssize_t n = pread(fd, p, bytes < (1u << 28) ? bytes : 1u << 28, (off_t)offset);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            rx_disk_failed(run, n < 0 ? "cannot read" : "cut short:", path, n < 0 ? errno : 0);
            return false;
        }
        p += n;
        bytes -= (size_t)n;
        offset += (uint64_t)n;
    }
    return true;
}

/* A file without a name, which is gone when the process is, however it ends. */
static int rx_temporary(rx_run *run, const char *folder) {
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/ratified-XXXXXX", folder) >= sizeof path) {
        rx_disk_failed(run, "too long a name:", folder, 0);
        return -1;
    }
    const int fd = mkstemp(path);
    if (fd < 0) {
        rx_disk_failed(run, "cannot make a file in", folder, errno);
        return -1;
    }
    unlink(path);
    return fd;
}

#endif
