static bool rx_checkpoint_perhaps(rx_run *run) { (void)run; return true; }
