/* Checkpoints: what is needed to go on after a level, on disk, at any moment whole.
 *
 * A folder with `states-N` (the states of all levels; only ever appended to), `header` (which file, how far, all
 * counters) and `lock`. States are synced before the header that speaks of them, and the header is replaced by
 * renaming: a kill at any moment leaves the last complete checkpoint. What is found on reading is held against
 * checksums. A run that is stopped leaves a checkpoint of its last complete level; the counters then do not include
 * what was done past it.
 */
#ifndef RX_CHECKPOINT_H
#define RX_CHECKPOINT_H

#include <sys/file.h>

#define RX_CHECKPOINT_MAGIC "ratified run v1"

typedef struct rx_header {
    char magic[16];
    uint64_t bytes; /* of the whole header, the checksum at its end included */
    uint64_t words, instances, bounds, constraints, deadlock, witness_wanted, witness_step_wanted;
    uint64_t digest_bytes; /* the text follows the level starts, padded to eight bytes */
    uint64_t file, sorted, levels, distinct, sum;
    double seconds;
    rx_counters counters;
} rx_header;

static void rx_counters_sum(rx_run *run, rx_counters *sum);
static void rx_counters_set(rx_run *run, const rx_counters *sum);
static bool rx_level_push(rx_run *run, uint64_t end);

static bool rx_checkpoint_name(rx_run *run, const char *file, uint64_t number, char *path, size_t size) {
    const int n = number == UINT64_MAX
                      ? snprintf(path, size, "%s/%s", run->config.checkpoint, file)
                      : snprintf(path, size, "%s/%s-%llu", run->config.checkpoint, file, (unsigned long long)number);
    if ((size_t)n < size) return true;
    rx_disk_failed(run, "too long a name:", run->config.checkpoint, 0);
    return false;
}

/* The next states file, empty. */
static bool rx_checkpoint_new_file(rx_run *run, int *fd, char *path, size_t size) {
    if (!rx_checkpoint_name(run, "states", run->checkpoint_file + 1, path, size)) return false;
    *fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (*fd < 0) {
        rx_disk_failed(run, "cannot make", path, errno);
        return false;
    }
    run->checkpoint_file++;
    return true;
}

static bool rx_sync(rx_run *run, int fd, const char *path) {
    if (rx_file_operation() && !fsync(fd)) return true;
    rx_disk_failed(run, "cannot write to", path, errno);
    return false;
}

/* Everything but the states, as one block. NULL: no memory. */
static rx_header *rx_checkpoint_header(const rx_run *run) {
    const size_t digest = strlen(MODEL_DIGEST), padded = (digest + 8) / 8 * 8;
    const size_t starts = (run->boundary_levels + 1) * sizeof(uint64_t);
    const size_t bytes = sizeof(rx_header) + starts + padded + sizeof(uint64_t);
    rx_header *h = calloc(1, bytes);
    if (!h) return NULL;
    memcpy(h->magic, RX_CHECKPOINT_MAGIC, sizeof h->magic);
    h->bytes = bytes;
    h->words = W, h->instances = ROOM_INSTANCES, h->bounds = MODEL_BOUNDS, h->constraints = ROOM_CONSTRAINTS;
    h->deadlock = run->config.deadlock;
    h->witness_wanted = run->config.witness_wanted, h->witness_step_wanted = run->config.witness_step_wanted;
    h->digest_bytes = digest;
    h->file = run->checkpoint_file;
    h->sorted = run->on_disk;
    h->levels = run->boundary_levels;
    h->distinct = run->boundary_distinct;
    h->sum = run->on_disk ? run->boundary_sum : run->checkpoint_sum;
    h->seconds = run->seconds_before + rx_now() - run->begun;
    h->counters = run->before;
    memcpy(h + 1, run->level_start, starts);
    memcpy((char *)(h + 1) + starts, MODEL_DIGEST, digest);
    uint64_t *words = (uint64_t *)h;
    words[bytes / 8 - 1] = rx_checksum(0, words, bytes / 8 - 1);
    return h;
}

static bool rx_checkpoint_write_header(rx_run *run) {
    char path[4096], next[4096];
    rx_header *h = rx_checkpoint_header(run);
    if (!h) return false;
    bool done = rx_checkpoint_name(run, "header", UINT64_MAX, path, sizeof path) &&
                rx_checkpoint_name(run, "header.new", UINT64_MAX, next, sizeof next);
    if (done) {
        const int fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        done = fd >= 0 && rx_write(run, fd, next, h, h->bytes, 0) && rx_sync(run, fd, next);
        if (fd >= 0) close(fd);
        if (done && (!rx_file_operation() || rename(next, path))) done = false;
        if (!done) rx_disk_failed(run, "cannot write", next, errno);
    }
    free(h);
    if (!done) return false;
    const int folder = open(run->config.checkpoint, O_RDONLY | O_CLOEXEC);
    if (folder >= 0) {
        fsync(folder); /* the renaming itself; some file systems refuse, and have nothing to sync then */
        close(folder);
    }
    return true;
}

/* Writes a checkpoint of the last complete level. */
static bool rx_checkpoint_write(rx_run *run) {
    if (!run->boundary_levels) return true;
    const double begun = rx_now();
    if (run->on_disk) {
        if (!rx_sync(run, run->levels_fd, run->levels_path)) return false;
    } else {
        if (run->checkpoint_fd < 0 &&
            !rx_checkpoint_new_file(run, &run->checkpoint_fd, run->checkpoint_path, sizeof run->checkpoint_path))
            return false;
        const uint64_t from = run->checkpoint_states, count = run->boundary_distinct - from;
        if (!rx_write(run, run->checkpoint_fd, run->checkpoint_path, rx_at(run, from), count * RX_STATE_BYTES,
                      from * RX_STATE_BYTES) ||
            !rx_sync(run, run->checkpoint_fd, run->checkpoint_path))
            return false;
        run->checkpoint_sum = rx_checksum(run->checkpoint_sum, rx_at(run, from), count * W);
        run->checkpoint_states = run->boundary_distinct;
    }
    if (!rx_checkpoint_write_header(run)) return false;
    rx_file_moment();
    for (uint64_t old = run->checkpoint_file; old-- > 0;) {
        char path[4096];
        if (!rx_checkpoint_name(run, "states", old, path, sizeof path) || unlink(path)) break;
    }
    run->checkpoint_at = rx_now();
    run->checkpoint_took = run->checkpoint_at - begun;
    return true;
}

/* Whether it is time for a checkpoint: so that a twentieth of a run's time, about, goes into writing them. */
static bool rx_checkpoint_due(const rx_run *run) {
    const double wait = 20 * run->checkpoint_took, most = run->config.checkpoint_seconds;
    return rx_now() - run->checkpoint_at >= (wait < most ? wait : most);
}

/* A complete level: remembers its counters, and writes a checkpoint if it is time. False: the disk failed. */
static bool rx_boundary(rx_run *run) {
    run->boundary_levels = run->levels;
    run->boundary_distinct = run->distinct;
    run->boundary_sum = run->disk_sum;
    if (!run->config.checkpoint && !run->config.spill) return true;
    rx_counters_sum(run, &run->before);
    return !run->config.checkpoint || !rx_checkpoint_due(run) || rx_checkpoint_write(run);
}

static int rx_refuse(rx_run *run, const char *what) {
    snprintf(run->disk_what, sizeof run->disk_what, "the checkpoint in %s %s", run->config.checkpoint, what);
    return 1;
}

/* Whether a header is whole and speaks of this model, with these options. */
static int rx_checkpoint_judge(rx_run *run, const rx_header *h, size_t bytes) {
    const size_t smallest = sizeof *h + 2 * sizeof(uint64_t);
    if (bytes < 16 || memcmp(h->magic, RX_CHECKPOINT_MAGIC, 16))
        return rx_refuse(run, "is of another version, or none");
    const uint64_t *words = (const uint64_t *)h;
    if (bytes < smallest - sizeof(rx_counters) || h->bytes != bytes || bytes % 8 ||
        words[bytes / 8 - 1] != rx_checksum(0, words, bytes / 8 - 1))
        return rx_refuse(run, "is damaged: its header does not match its checksum");
    const size_t mine = strlen(MODEL_DIGEST);
    const uint64_t padded = (h->digest_bytes + 8) / 8 * 8;
    const bool same_shape = h->words == W && h->instances == ROOM_INSTANCES && h->bounds == MODEL_BOUNDS &&
                            h->constraints == ROOM_CONSTRAINTS && h->digest_bytes == mine;
    const char *digest = (const char *)h + bytes - 8 - padded;
    if (!same_shape || memcmp(digest, MODEL_DIGEST, mine)) {
        /* With other numbers of instances the text stands elsewhere only if the header is damaged: it is counted from
         * the end. */
        const int shown = h->digest_bytes < 200 ? (int)h->digest_bytes : 200;
        snprintf(run->disk_what, sizeof run->disk_what,
                 "the checkpoint in %.3000s is of another model, size or version: it says \"%.*s\", this is \"%.200s\"",
                 run->config.checkpoint, shown, digest, MODEL_DIGEST);
        return 1;
    }
    if (h->deadlock != run->config.deadlock || h->witness_wanted != run->config.witness_wanted ||
        h->witness_step_wanted != run->config.witness_step_wanted)
        return rx_refuse(run, "was made by a check of other properties");
    return 0;
}

/* Levels that fit: all into memory. */
static int rx_resume_memory(rx_run *run, const rx_header *h) {
    unsigned log_slots = RX_LOG_SLOTS_MIN;
    while (rx_table_room(log_slots) < h->distinct + 2 * rx_margin(run)) log_slots++;
    if (log_slots > RX_SLOT_BITS || !rx_commit_states(run, h->distinct + 2 * rx_margin(run)) ||
        !rx_table_new(run, log_slots))
        return rx_refuse(run, "does not fit into memory; give a memory budget and a spill folder");
    if (!rx_read(run, run->checkpoint_fd, run->checkpoint_path, run->states, h->distinct * RX_STATE_BYTES, 0)) return 1;
    if (rx_checksum(0, run->states, h->distinct * W) != h->sum)
        return rx_refuse(run, "is damaged: its states do not match their checksum");
    rx_table_put_range(run, 0, h->distinct);
    run->checkpoint_states = h->distinct;
    run->checkpoint_sum = h->sum;
    run->next_block = h->distinct;
    return 0;
}

/* Sorted levels that do not fit: they stay where they are; one pass for the blocks and the checksum. */
static int rx_resume_sorted(rx_run *run, const rx_header *h) {
    run->levels_fd = run->checkpoint_fd;
    run->checkpoint_fd = -1;
    memcpy(run->levels_path, run->checkpoint_path, sizeof run->levels_path);
    for (uint64_t k = 0; k < h->levels; k++) {
        for (uint64_t from = run->level_start[k], n; from < run->level_start[k + 1]; from += n) {
            n = run->level_start[k + 1] - from < RX_IO_STATES ? run->level_start[k + 1] - from : RX_IO_STATES;
            const uint64_t *s = rx_disk_chunk(run->workers[0], from, n);
            if (!s || !rx_block_push(run, from, n, s, false)) return 1;
            run->disk_sum = rx_checksum(run->disk_sum, s, n * W);
        }
        rx_disk_end_level(run);
    }
    run->disk_states = h->distinct;
    return run->disk_sum == h->sum ? 0 : rx_refuse(run, "is damaged: its states do not match their checksum");
}

/* Levels that were in memory, and do not fit into the budget of now: sorted piece by piece into a new file. */
static int rx_resume_sort(rx_run *run, const rx_header *h) {
    uint64_t sum = 0;
    if (!rx_checkpoint_new_file(run, &run->levels_fd, run->levels_path, sizeof run->levels_path)) return 1;
    for (uint64_t k = 0; k < h->levels; k++) {
        const uint64_t end = run->level_start[k + 1];
        for (uint64_t from = run->level_start[k], n; from < end; from += n) {
            n = end - from < run->committed ? end - from : run->committed;
            if (!rx_read(run, run->checkpoint_fd, run->checkpoint_path, run->states, n * RX_STATE_BYTES,
                         from * RX_STATE_BYTES))
                return 1;
            sum = rx_checksum(sum, run->states, n * W);
            memset(run->first, 0, n * sizeof *run->first);
            rx_sort(run->states, run->first, n, run->threads);
            const bool whole = n == end - run->level_start[k];
            if (whole ? !rx_disk_append(run, run->states, n) : !rx_runs_append(run, n)) return 1;
        }
        for (uint64_t n; run->runs_count && (n = rx_merge_piece(run)) > 0;)
            if (!rx_disk_append(run, run->states, n)) return 1;
        run->runs_count = run->runs_bytes = 0;
        rx_disk_end_level(run);
    }
    close(run->checkpoint_fd);
    run->checkpoint_fd = -1;
    if (run->disk_states != h->distinct || sum != h->sum)
        return rx_refuse(run, "is damaged: its states do not match their checksum");
    return RX_LOAD(run->stopping) ? rx_refuse(run, "cannot be brought to disk: no memory") : 0;
}

static int rx_resume(rx_run *run, const rx_header *h) {
    const uint64_t *starts = (const uint64_t *)(h + 1);
    for (uint64_t k = 1; k <= h->levels; k++)
        if (!rx_level_push(run, starts[k])) return rx_refuse(run, "needs more memory than there is");
    run->distinct = h->distinct;
    run->seconds_before = h->seconds;
    run->checkpoint_file = h->file;
    rx_counters_set(run, &h->counters);
    if (!rx_checkpoint_name(run, "states", h->file, run->checkpoint_path, sizeof run->checkpoint_path)) return 1;
    run->checkpoint_fd = open(run->checkpoint_path, O_RDWR | O_CLOEXEC);
    if (run->checkpoint_fd < 0) return rx_refuse(run, "is damaged: its states file is not there");
    run->resumed = 1;
    const uint64_t need = h->distinct + 4 * rx_margin(run);
    unsigned log_slots = RX_LOG_SLOTS_MIN;
    while (rx_table_room(log_slots) < need) log_slots++;
    if (!(run->config.spill || h->sorted) || rx_fits(run, need, need - h->distinct, log_slots))
        return rx_resume_memory(run, h);
    if (!rx_disk_open(run)) return 1;
    RX_STORE(run->on_disk, 1);
    if (!rx_disk_memory(run)) return rx_refuse(run, "needs a larger memory budget");
    return h->sorted ? rx_resume_sorted(run, h) : rx_resume_sort(run, h);
}

/* Takes the folder for this process, and reads the checkpoint in it, if there is one. Not 0: disk_what says why. */
static int rx_checkpoint_open(rx_run *run) {
    char path[4096];
    if (!run->config.checkpoint) return 0;
    run->checkpoint_at = rx_now();
    if (mkdir(run->config.checkpoint, 0777) && errno != EEXIST) {
        rx_disk_failed(run, "cannot make the folder", run->config.checkpoint, errno);
        return 1;
    }
    if (!rx_checkpoint_name(run, "lock", UINT64_MAX, path, sizeof path)) return 1;
    run->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (run->lock_fd < 0) {
        rx_disk_failed(run, "cannot write in the checkpoint folder:", path, errno);
        return 1;
    }
    if (flock(run->lock_fd, LOCK_EX | LOCK_NB)) return rx_refuse(run, "is in use by another process");
    if (!rx_checkpoint_name(run, "header", UINT64_MAX, path, sizeof path)) return 1;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        if (errno == ENOENT) return 0;
        rx_disk_failed(run, "cannot read", path, errno);
        return 1;
    }
    struct stat status;
    rx_header *h = NULL;
    int bad = 1;
    if (!fstat(fd, &status) && (h = calloc(1, (size_t)status.st_size + sizeof *h)) &&
        rx_read(run, fd, path, h, (size_t)status.st_size, 0))
        bad = rx_checkpoint_judge(run, h, (size_t)status.st_size) || rx_resume(run, h);
    close(fd);
    free(h);
    return bad;
}

#endif
