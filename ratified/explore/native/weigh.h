/* What a measured model's actions say besides: how likely a step is. See measure.h. */
#ifndef RX_WEIGH_H
#define RX_WEIGH_H

#include "draws.h"

#define RX_MEASURE_LOAD(p) __atomic_load_n(&(p), __ATOMIC_RELAXED)

enum rm_at { RM_END, RM_MAX, RM_MIN, RM_MEAN, RM_FIRST };

/* Of the step that is emitted next. */
static void rx_weigh(rx_batch *batch, int64_t weight);

#endif
