// Options of Node with which processes of ours are started, by whoever starts them.

/**
 * Room for new objects, MB: with V8's own choice, 16, most of what an idle gateway holds is
 * garbage. Young garbage without helpers: they take the cores of the other workers, and copy in so
 * small pieces that a crowd's costs twice as much CPU. And one collection when the worker has
 * become quiet, not three: the others find nothing, and cost a tenth of what idle connections cost.
 * And none before the heap is two and a half times as large as after the last one: V8 expects a
 * worker that was quiet to stay so, and would mark all of the heap in the midst of each crowd.
 */
export const GATEWAY_NODE_OPTIONS: readonly string[] = [
  '--max-semi-space-size=8',
  '--no-parallel-scavenge',
  '--memory-reducer-single-gc',
  '--heap-growing-percent=150',
];
