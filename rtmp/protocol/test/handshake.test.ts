// Handshake: both kinds, any split, and what is refused.
import fc from 'fast-check';
import t from 'tap';
import {
  ClientHandshake,
  HANDSHAKE_BYTES,
  hasServerDigest,
  ServerHandshake,
} from '../handshake.js';
import { ProtocolError } from '../protocol-error.js';

function shake(digest: boolean, cut: number): { kind: string; s1: Buffer; rest: Buffer } {
  const server = new ServerHandshake();
  const client = new ClientHandshake({ digest });
  const hello = client.hello();
  const answers: Buffer[] = [];
  for (let at = 0; at < hello.length; at += cut) {
    const answer = server.push(hello.subarray(at, at + cut));
    if (answer) answers.push(answer);
  }
  const answer = Buffer.concat(answers);
  const c2 = client.push(answer) ?? Buffer.alloc(0);
  server.push(Buffer.concat([c2, Buffer.from('rest')]));
  t.ok(client.isDone && server.isDone);
  return { kind: server.kind, s1: answer.subarray(1, 1 + HANDSHAKE_BYTES), rest: server.rest };
}

t.test(
  'plain and digest handshakes end with the bytes behind them kept, however they are cut',
  (t) => {
    fc.assert(
      fc.property(fc.boolean(), fc.integer({ min: 1, max: 1600 }), (digest, cut) => {
        const { kind, s1, rest } = shake(digest, cut);
        return (
          kind === (digest ? 'digest' : 'plain') &&
          hasServerDigest(s1) === digest &&
          rest.toString() === 'rest'
        );
      }),
      { numRuns: 30 },
    );
    t.end();
  },
);

t.test('a version field without a valid digest gets the plain answer, which echoes C1', (t) => {
  const server = new ServerHandshake();
  const c1 = Buffer.alloc(HANDSHAKE_BYTES, 7);
  const answer = server.push(Buffer.concat([Buffer.from([3]), c1]));
  t.equal(server.kind, 'plain');
  t.ok(answer?.subarray(1 + HANDSHAKE_BYTES).equals(c1));
  t.end();
});

t.test('other versions are refused with the first byte', (t) => {
  for (const version of [0, 6, 0x16, 0x47]) {
    const server = new ServerHandshake();
    t.throws(() => server.push(Buffer.from([version])), ProtocolError, String(version));
  }
  t.end();
});
