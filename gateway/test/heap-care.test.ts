// When a worker takes its garbage: after a crowd, when little goes on, and not for little.
import t from 'tap';
import { HeapCare } from '../heap-care.js';

const MB = 1_024 * 1_024;

class Heap {
  aliveMb: number;
  collections = 0;
  compactions = 0;
  garbageMb = 0;
  readonly care: HeapCare;

  constructor(aliveMb = 20) {
    this.aliveMb = aliveMb;
    this.care = new HeapCare({
      usedBytes: () => (this.aliveMb + this.garbageMb) * MB,
      collect: (isCompacting) => {
        this.collections += 1;
        if (isCompacting) this.compactions += 1;
        this.garbageMb = 0;
      },
    });
  }

  seconds(count: number, share: number): void {
    for (let second = 0; second < count; second += 1) this.care.sweep(share);
  }
}

t.test('what a crowd has left is taken once the worker has been calm for a while', (t) => {
  const heap = new Heap();
  heap.aliveMb = 40;
  heap.garbageMb = 20;
  heap.seconds(60, 0.5);
  t.equal(heap.collections, 0, 'busy');
  heap.seconds(7, 0.1);
  heap.seconds(1, 0.9);
  heap.seconds(7, 0.1);
  t.equal(heap.collections, 0, 'calm, but not for long');
  heap.seconds(1, 0.1);
  t.equal(heap.collections, 1);
  t.equal(heap.garbageMb, 0);
  heap.seconds(60, 0);
  t.equal(heap.collections, 1, 'what has grown was alive: not again');
  t.equal(heap.compactions, 1, 'the crowd was spread over all of the heap');
  heap.garbageMb = 21;
  heap.seconds(8, 0);
  t.equal(heap.collections, 2, 'garbage of a calm hour');
  t.equal(heap.compactions, 1, 'its room is used again');
  t.end();
});

t.test('little garbage is left where it is, by size and by share', (t) => {
  const heap = new Heap(12);
  heap.garbageMb = 7;
  heap.seconds(60, 0);
  t.equal(heap.collections, 0, 'under eight megabytes');
  heap.garbageMb = 8;
  heap.seconds(8, 0);
  t.equal(heap.collections, 1);
  heap.aliveMb = 60;
  heap.seconds(8, 0);
  t.equal(heap.collections, 2, 'nobody knew that it was alive');
  heap.garbageMb = 29;
  heap.seconds(60, 0);
  t.equal(heap.collections, 2, 'under half of what is alive');
  heap.garbageMb = 31;
  heap.seconds(8, 0);
  t.equal(heap.collections, 3);
  heap.aliveMb = 200;
  heap.seconds(8, 0);
  heap.garbageMb = 500;
  heap.seconds(60, 0);
  t.equal(heap.collections, 4, 'a heap in which much is alive is left to V8');
  t.end();
});
