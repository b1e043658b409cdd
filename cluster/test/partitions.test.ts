// Partitions stay balanced over clusters of every size, and a channel's keys stay on one node.
import fc from 'fast-check';
import t from 'tap';
import { channelPartition, channelTag, PARTITION_COUNT, partitionTag } from '../partitions.js';
import { crc16, SLOT_COUNT, slotOf } from '../redis-slot.js';
import { seededRandom, slotRanges, startRedis } from '../testing/index.js';

const partitions = Array.from({ length: PARTITION_COUNT }, (_, partition) => partition);

await t.test('the committed tags are what the search finds', (t) => {
  const found = new Map<number, string>();
  for (let n = 0; found.size < PARTITION_COUNT; n += 1) {
    const tag = n.toString(36);
    const partition = (crc16(tag) % SLOT_COUNT) / 64 - 0.5;
    if (Number.isInteger(partition) && !found.has(partition)) found.set(partition, tag);
  }
  t.same(
    partitions.map(partitionTag),
    partitions.map((partition) => found.get(partition)),
  );
  t.throws(() => partitionTag(PARTITION_COUNT));
  t.throws(() => partitionTag(-1));
  t.end();
});

await t.test('max/min partitions per node is at most 1.15 for 1 to 32 nodes', (t) => {
  for (let nodes = 1; nodes <= 32; nodes += 1) {
    const counts = slotRanges(nodes).map(({ first, last }) => {
      const slots = partitions.map((partition) => slotOf(`{${partitionTag(partition)}}`));
      return slots.filter((slot) => first <= slot && slot <= last).length;
    });
    const ratio = Math.max(...counts) / Math.min(...counts);
    t.ok(ratio <= 1.15, `${nodes} nodes: ${ratio}`);
  }
  t.end();
});

await t.test('all keys of a channel share the slot of its partition', (t) => {
  const { seed } = seededRandom(t);
  fc.assert(
    fc.property(fc.string(), fc.string(), (channel, other) => {
      const tag = channelTag(channel);
      const slot = slotOf(`rt:{${tag}}:s:${channel}`);
      return slot === slotOf(`rt:{${tag}}:${other}:${channel}`) && slot % 64 === 32;
    }),
    { seed },
  );
  t.end();
});

await t.test('channels fill all partitions evenly and stay where they are', (t) => {
  const counts = partitions.map(() => 0);
  for (let room = 0; room < 100_000; room += 1) {
    const partition = channelPartition(`room:${room}`);
    counts[partition] = (counts[partition] ?? 0) + 1;
  }
  // Mean 391, standard deviation 20; the input is fixed.
  t.ok(Math.min(...counts) > 300 && Math.max(...counts) < 480, `${Math.max(...counts)}`);
  // Frozen: live data is stored under these tags.
  t.same(['lobby', 'room:1', 'user:42'].map(channelTag), ['37p', '8sh', '9l0']);
  t.end();
});

await t.test('slotOf agrees with CLUSTER KEYSLOT', async (t) => {
  const redis = (await startRedis(t, { extraArgs: ['--cluster-enabled', 'yes'] })).client();
  const random = seededRandom(t);
  const texts = ['', '{}', 'a{}b', '{a', 'a}', '{a}{b}', 'x{{a}}', '}{a}', 'ż{🦊}ó', '123456789'];
  for (let i = 0; i < 200; i += 1) {
    texts.push(
      Array.from({ length: random.int(1, 12) }, () => random.pick(['{', '}', 'a', 'b', 'ż'])).join(
        '',
      ),
    );
  }
  for (const text of texts) {
    t.equal(await redis.cluster('KEYSLOT', text), slotOf(text), JSON.stringify(text));
  }
});
