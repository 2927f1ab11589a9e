static const uint64_t *rx_disk_chunk(rx_worker *w, uint64_t from, uint64_t count) { (void)w; (void)from; (void)count; return NULL; }
static uint64_t rx_disk_finish(rx_run *run) { (void)run; return 0; }
static bool rx_disk_enter(rx_run *run) { (void)run; return false; }
static void rx_flush_run(rx_run *run) { (void)run; }
