/* The team of threads, and the safe points at which all of them stand still.
 *
 * Guarantees: rx_team_run returns when every worker has finished the job. Between two drains a worker may be asked to a
 * safe point; what rx_coordinate does there, it does while no other worker reads or writes states, table or runs. No
 * thread waits spinning.
 */
#ifndef RX_TEAM_H
#define RX_TEAM_H

static void rx_coordinate(rx_run *run);

/* Takes part in rebuilding the table, piece by piece, until no piece is left to take. Called and returns with the lock
 * held. */
static void rx_rebuild_help(rx_run *run) {
    enum { PIECE = 1 << 15 };
    while (run->rebuild_next < run->rebuild_to) {
        const uint64_t from = run->rebuild_next, to = run->rebuild_to - from < PIECE ? run->rebuild_to : from + PIECE;
        run->rebuild_next = to;
        pthread_mutex_unlock(&run->lock);
        rx_table_put_range(run, from, to);
        pthread_mutex_lock(&run->lock);
        run->rebuild_left -= to - from;
        if (run->rebuild_left == 0) pthread_cond_broadcast(&run->changed);
    }
}

/* Puts [from, to) into the (new) table with the help of whoever waits. Lock held. */
static void rx_rebuild(rx_run *run, uint64_t from, uint64_t to) {
    if (from == to) return;
    run->rebuild_next = from;
    run->rebuild_to = to;
    run->rebuild_left = to - from;
    pthread_cond_broadcast(&run->changed);
    rx_rebuild_help(run);
    while (run->rebuild_left) pthread_cond_wait(&run->changed, &run->lock);
    run->rebuild_next = run->rebuild_to = 0;
}

static void rx_safe_point(rx_worker *w) {
    rx_run *run = w->run;
    pthread_mutex_lock(&run->lock);
    if (RX_LOAD(run->wanted)) {
        const uint64_t point = run->points;
        if (++run->arrived == run->active) rx_coordinate(run);
        while (run->points == point) {
            rx_rebuild_help(run);
            if (run->points == point) pthread_cond_wait(&run->changed, &run->lock);
        }
    }
    pthread_mutex_unlock(&run->lock);
}

/* A worker has no more to do in this job; if the others were only waiting for it at a safe point, they need not any
 * more. */
static void rx_leave(rx_run *run) {
    run->active--;
    if (run->active && RX_LOAD(run->wanted) && run->arrived == run->active) rx_coordinate(run);
}

static void *rx_thread(void *argument) {
    rx_worker *w = argument;
    rx_run *run = w->run;
    uint64_t done = w->jobs_done;
    pthread_mutex_lock(&run->lock);
    for (;;) {
        while (run->job == done && !run->quitting) {
            rx_rebuild_help(run);
            if (run->job == done && !run->quitting) pthread_cond_wait(&run->changed, &run->lock);
        }
        if (run->quitting) break;
        done = run->job;
        pthread_mutex_unlock(&run->lock);
        run->work(w);
        pthread_mutex_lock(&run->lock);
        rx_leave(run);
        run->finished++;
        pthread_cond_broadcast(&run->changed);
    }
    pthread_mutex_unlock(&run->lock);
    return NULL;
}

/* Every worker does `work`; the caller is worker 0. With `alone`, only worker 0 does: a small level is not worth waking
 * threads. */
static void rx_team_run(rx_run *run, void (*work)(rx_worker *), bool alone) {
    if (alone || run->threads == 1) {
        run->active = 1;
        run->arrived = 0;
        work(run->workers[0]);
        return;
    }
    pthread_mutex_lock(&run->lock);
    run->work = work;
    run->active = run->threads;
    run->arrived = 0;
    run->finished = 0;
    run->job++;
    pthread_cond_broadcast(&run->changed);
    pthread_mutex_unlock(&run->lock);
    work(run->workers[0]);
    pthread_mutex_lock(&run->lock);
    rx_leave(run);
    while (run->finished + 1 < run->threads) {
        rx_rebuild_help(run);
        if (run->finished + 1 < run->threads) pthread_cond_wait(&run->changed, &run->lock);
    }
    pthread_mutex_unlock(&run->lock);
}

/* False if a thread cannot be started; the run then goes on with those that were. */
static void rx_team_start(rx_run *run) {
    for (run->started = 1; run->started < run->threads; run->started++) {
        rx_worker *w = run->workers[run->started];
        w->jobs_done = run->job;
        if (pthread_create(&w->thread, NULL, rx_thread, w)) break;
    }
    run->threads = run->started;
}

static void rx_team_stop(rx_run *run) {
    pthread_mutex_lock(&run->lock);
    run->quitting = 1;
    pthread_cond_broadcast(&run->changed);
    pthread_mutex_unlock(&run->lock);
    for (uint32_t i = 1; i < run->started; i++) pthread_join(run->workers[i]->thread, NULL);
    run->started = 1;
    run->quitting = 0;
}

#endif
