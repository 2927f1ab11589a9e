/* The explorer: breadth-first search of a model's packed states, exactly, on every core. Included at the end of the
 * model's file.
 *
 * Guarantees: level by level; every reachable state is visited once; counts, verdict and counterexample are the same
 * for any number of threads. Read contract.h first, then run.h (data), expand.h (the loop), table.h, team.h, grow.h;
 * the rest is around that.
 */
#ifdef RX_APART
#include "apart.h"
#endif
#if !defined RX_APART || RX_APART == 2
#include "run.h"

#include "memory.h"
#include "table.h"
#include "team.h"
#include "expand.h"
#include "route.h"
#include "sort.h"

/* What follows runs once a level or less, and is the larger part of the text: a first run should not wait for it to be
 * optimised. What goes through all states, or all steps, is optimised a little; nothing is where nothing is to be. */
#if defined __GNUC__ && !defined __clang__ && defined __OPTIMIZE__
#define RX_GRADED
#endif
#ifdef RX_GRADED
#pragma GCC optimize("O0")
#endif
#include "grow.h"
#include "files.h"
#ifdef RX_GRADED
#pragma GCC optimize("O1")
#endif
#include "disk.h"
#ifdef RX_GRADED
#pragma GCC optimize("O0")
#endif
#include "checkpoint.h"
#include "trace.h"
#include "search.h"
#ifdef RX_GRADED
#pragma GCC optimize("O1")
#endif
#include "layers.h"
#include "graph.h"
#include "simulate.h"
#include "liveness.h"
#include "ranks.h"
#ifdef RX_GRADED
#pragma GCC optimize("O0")
#endif
#include "api.h"
#endif
