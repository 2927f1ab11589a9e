/* The explorer: breadth-first search of a model's packed states, exactly, on every core. Included at the end of the model's file.
 *
 * Guarantees: level by level; every reachable state is visited once; counts, verdict and counterexample are the same for any number of
 * threads. Read contract.h first, then run.h (data), expand.h (the loop), table.h, team.h, grow.h; the rest is around that.
 */
#include "run.h"

#include "memory.h"
#include "table.h"
#include "team.h"
#include "expand.h"
#include "grow.h"
#include "sort.h"
#include "files.h"
#include "disk.h"
#include "checkpoint.h"
#include "trace.h"
#include "search.h"
#include "graph.h"
#include "simulate.h"
#include "api.h"
