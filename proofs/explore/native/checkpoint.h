static bool rx_checkpoint_perhaps(rx_run *run) { (void)run; return true; }
static int rx_checkpoint_open(rx_run *run) { (void)run; return 0; }
