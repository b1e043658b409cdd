// Publishing from the browser against a real WebSocket server that speaks for the ingest.
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { WebSocket, WebSocketServer } from 'ws';
import { until } from '../../../cluster/testing/index.js';
import { adviseOn } from '../src/broadcast/advice.js';
import { BrowserPublish, pickMime, readNews } from '../src/broadcast/browser-publish.js';
import type { Recorder } from '../src/broadcast/browser-publish.js';

// What browsers have and this Node has not.
Object.assign(globalThis, { WebSocket });

class Pieces implements Recorder {
  readonly mimeType = 'video/webm';
  isRunning = false;
  emit: (piece: Blob) => void = () => undefined;
  start({ onPiece }: { onPiece: (piece: Blob) => void }): void {
    this.isRunning = true;
    this.emit = onPiece;
  }
  stop(): void {
    this.isRunning = false;
  }
}

async function stage(t: Test) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  t.teardown(() => {
    for (const peer of server.clients) peer.terminate();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const recorder = new Pieces();
  const ends: string[] = [];
  let lives = 0;
  const arrived = once(server, 'connection') as Promise<[WebSocket]>;
  const ticket = { url: `ws://127.0.0.1:${String(port)}/publish`, token: 'abc', expiresInSec: 120 };
  const publish = new BrowserPublish(
    { recorder, ticket, size: { width: 640, height: 360 } },
    {
      onLive: () => (lives += 1),
      onHealth: () => undefined,
      onEnd: (reason) => ends.push(reason),
    },
  );
  const [peer] = await arrived;
  const heard: (string | Buffer)[] = [];
  peer.on('message', (data: Buffer, isBinary) => heard.push(isBinary ? data : data.toString()));
  return { publish, peer, recorder, heard, ends, lives: () => lives };
}

await t.test('pieces flow only after the ingest has said live, and in order', async (t) => {
  const { publish, peer, recorder, heard, ends, lives } = await stage(t);
  await until(() => heard.length === 1, { what: 'the hello' });
  t.same(JSON.parse(String(heard[0])), {
    token: 'abc',
    mime: 'video/webm',
    width: 640,
    height: 360,
  });
  t.notOk(recorder.isRunning);
  peer.send('{"state":"live"}');
  await until(() => recorder.isRunning, { what: 'the recording' });
  for (const word of ['one', 'two', 'three']) recorder.emit(new Blob([word]));
  await until(() => heard.length === 4, { what: 'three pieces' });
  t.same(heard.slice(1).map(String), ['one', 'two', 'three']);
  publish.stop();
  t.notOk(recorder.isRunning);
  t.same(ends, ['']);
  t.equal(lives(), 1);
});

await t.test('a refusal reaches the person in its words, once', async (t) => {
  const { peer, recorder, heard, ends } = await stage(t);
  await until(() => heard.length === 1, { what: 'the hello' });
  peer.send('{"state":"refused","code":"X","reason":"The house is full."}');
  peer.close(1008);
  await until(() => ends.length > 0, { what: 'the end' });
  await until(() => peer.readyState === WebSocket.CLOSED, { what: 'the close' });
  t.same(ends, ['The house is full.']);
  t.notOk(recorder.isRunning);
});

await t.test('a lost link ends the recording', async (t) => {
  const { peer, recorder, heard, ends } = await stage(t);
  await until(() => heard.length === 1, { what: 'the hello' });
  peer.send('{"state":"live"}');
  await until(() => recorder.isRunning, { what: 'the recording' });
  peer.terminate();
  await until(() => ends.length > 0, { what: 'the end' });
  t.match(ends[0], /lost/);
  t.notOk(recorder.isRunning);
});

await t.test('what the ingest says is read with care', (t) => {
  t.equal(readNews('rubbish'), undefined);
  t.equal(readNews('{"state":"odd"}'), undefined);
  t.same(readNews('{"state":"ended"}'), { state: 'over', reason: 'The show was ended.' });
  t.same(readNews('{"state":"health","fps":"x","bitrateKbps":900}'), {
    state: 'health',
    figures: { bitrateKbps: 900, fps: 0, keyFrameSec: 0, droppedFrames: 0 },
  });
  t.end();
});

await t.test('the container is one that the browser records', (t) => {
  t.equal(
    pickMime((mime) => mime === 'video/mp4'),
    'video/mp4',
  );
  t.equal(
    pickMime(() => false),
    undefined,
  );
  t.end();
});

await t.test('advice names what is wrong, and nothing when all is well', (t) => {
  t.same(adviseOn({ bitrateKbps: 2500, fps: 30, keyFrameSec: 2, droppedFrames: 0 }), []);
  t.same(adviseOn({ bitrateKbps: 0, fps: 0, keyFrameSec: 0, droppedFrames: 0 }), []);
  t.equal(adviseOn({ bitrateKbps: 100, fps: 8, keyFrameSec: 9, droppedFrames: 500 }).length, 4);
  t.end();
});
