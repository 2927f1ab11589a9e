/* Runs a model without Python: for sanitizers and profilers. Usage: main [threads] [repeat] [memory, MiB] [spill
 * folder] [checkpoint folder] */
#include MODEL_FILE

int main(int argc, char **argv) {
    const uint32_t threads = argc > 1 ? (uint32_t)atoi(argv[1]) : 1;
    const int repeat = argc > 2 ? atoi(argv[2]) : 1;
    for (int i = 0; i < repeat; i++) {
        const rx_config config = {.threads = threads,
                                  .memory_max = argc > 3 ? strtoull(argv[3], NULL, 10) << 20 : 0,
                                  .spill = argc > 4 && *argv[4] ? argv[4] : NULL,
                                  .checkpoint = argc > 5 ? argv[5] : NULL};
        rx_run *run = rx_new(&config);
        if (!run) return 2;
        if (rx_open(run)) {
            fprintf(stderr, "%s\n", rx_message(run));
            return 2;
        }
        rx_explore(run);
        if (*rx_message(run)) fprintf(stderr, "%s\n", rx_message(run));
        rx_result r;
        rx_read_result(run, &r);
        printf("distinct %llu generated %llu depth %llu seconds %.3f bytes/state %.1f stopped %u finding %u %u length "
               "%llu\n",
               (unsigned long long)r.distinct, (unsigned long long)r.generated, (unsigned long long)r.depth, r.seconds,
               (double)(r.table_bytes + r.states_bytes + r.first_bytes + r.worker_bytes) / (double)r.distinct,
               r.stopped, r.finding.kind, r.finding.property, (unsigned long long)r.finding.length);
        rx_free(run);
    }
    return 0;
}
