/* Runs a model without Python: for sanitizers and profilers. Usage: main [threads] [repeat] */
#include MODEL_FILE

int main(int argc, char **argv) {
    const uint32_t threads = argc > 1 ? (uint32_t)atoi(argv[1]) : 1;
    const int repeat = argc > 2 ? atoi(argv[2]) : 1;
    for (int i = 0; i < repeat; i++) {
        const rx_config config = {.threads = threads};
        rx_run *run = rx_new(&config);
        if (!run) return 2;
        rx_explore(run);
        rx_result r;
        rx_read_result(run, &r);
        printf("distinct %llu generated %llu depth %llu seconds %.3f bytes/state %.1f stopped %u finding %u %u length %llu\n",
               (unsigned long long)r.distinct, (unsigned long long)r.generated, (unsigned long long)r.depth, r.seconds,
               (double)(r.table_bytes + r.states_bytes + r.first_bytes + r.worker_bytes) / (double)r.distinct, r.stopped,
               r.finding.kind, r.finding.property, (unsigned long long)r.finding.length);
        rx_free(run);
    }
    return 0;
}
