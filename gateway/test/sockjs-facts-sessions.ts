// The facts of sockjs-protocol 0.3.3 about sessions over polls and streams: for
// sockjs-facts.test.ts.
import type { Test } from 'tap';
import { until } from '../../cluster/testing/index.js';
import type { Fact, Stage } from './sockjs-stage.js';

/** More than a stream carries: it ends, and the client opens the next one. */
const LIMIT_BYTES = 131_072;
const SCRIPT = 'application/javascript; charset=UTF-8';
const FORM = 'application/x-www-form-urlencoded';
const BUSY = 'c[2010,"Another connection still open"]\n';

/** Opens a session by a poll. @returns its path */
async function opened(stage: Stage): Promise<string> {
  const path = stage.path();
  await stage.ask('POST', `${path}/xhr`);
  return path;
}

export function polls(stage: Stage): readonly Fact[] {
  const send = (path: string, body: string, type?: string) =>
    stage.ask('POST', `${path}/xhr_send`, {
      ...{ body, origin: 'http://a.b' },
      headers: type === undefined ? {} : { 'content-type': type },
    });
  return [
    [
      'pages may poll and send (OPTIONS)',
      async (t) => {
        for (const way of ['xhr', 'xhr_send']) {
          await stage.assertOptions(t, `${stage.path()}/${way}`, 'OPTIONS, POST');
        }
      },
    ],
    [
      'a poll opens a session, a message is heard by the next one',
      async (t) => {
        const path = stage.path();
        const first = await stage.ask('POST', `${path}/xhr`, { origin: 'http://a.b' });
        t.same([first.status, first.text], [200, 'o\n']);
        t.equal(first.headers.get('content-type'), SCRIPT);
        stage.assertCors(t, first.headers, 'http://a.b');
        const sent = await send(path, '["x"]');
        t.same([sent.status, sent.text], [204, '']);
        t.match(sent.headers.get('content-type') ?? 'text/plain', /text\/plain/);
        stage.assertCors(t, sent.headers, 'http://a.b');
        t.equal((await stage.ask('POST', `${path}/xhr`)).text, 'a["x"]\n');
      },
    ],
    [
      'nothing can be sent to a session that is not there',
      async (t) => t.equal((await send(stage.path(), '["x"]')).status, 404),
    ],
    [
      'broken JSON is refused and harms nobody; an empty body, too',
      async (t) => {
        const path = await opened(stage);
        const broken = await send(path, '["x');
        t.same([broken.status, broken.text], [500, 'Broken JSON encoding.']);
        const empty = await send(path, '');
        t.same([empty.status, empty.text], [500, 'Payload expected.']);
        t.equal((await send(path, '["a"]')).status, 204);
        t.equal((await stage.ask('POST', `${path}/xhr`)).text, 'a["a"]\n');
      },
    ],
    [
      'any content type is taken for JSON',
      async (t) => {
        const path = await opened(stage);
        const types = [
          'text/plain',
          'T',
          'application/json',
          'application/xml',
          '',
          'application/json; charset=utf-8',
          'text/xml; charset=utf-8',
          'text/xml',
        ];
        for (const type of types) t.equal((await send(path, '["a"]', type)).status, 204, type);
        const { text } = await stage.ask('POST', `${path}/xhr`);
        t.equal(text, `a[${types.map(() => '"a"').join(',')}]\n`);
      },
    ],
    [
      'headers that a page asks for are allowed; none where it asks for none',
      async (t) => {
        const asking = async (headers: Record<string, string>) =>
          (await stage.ask('POST', `${stage.path()}/xhr`, { headers, origin: 'http://a.b' }))
            .headers;
        const names = { 'access-control-request-headers': 'a, b, c' };
        t.equal((await asking(names)).get('access-control-allow-headers'), 'a, b, c');
        t.equal((await asking({})).get('access-control-allow-headers'), null);
      },
    ],
    [
      'a poll is never cached',
      async (t) => {
        const { headers } = await stage.ask('POST', `${stage.path()}/xhr`);
        t.match(headers.get('cache-control'), /no-store, no-cache.*must-revalidate.*max-age=0/);
        t.equal(headers.get('expires'), null);
      },
    ],
    ...jsonp(stage),
  ];
}

function jsonp(stage: Stage): readonly Fact[] {
  const send = (path: string, body: string, type = FORM) =>
    stage.ask('POST', `${path}/jsonp_send`, { body, headers: { 'content-type': type } });
  const poll = (path: string, query = '?c=%63allback') => stage.ask('GET', `${path}/jsonp${query}`);
  return [
    [
      'jsonp: a poll opens a session, a message is heard by the next one',
      async (t) => {
        const path = stage.path();
        const first = await poll(path);
        t.same([first.status, first.text], [200, '/**/callback("o");\r\n']);
        t.equal(first.headers.get('content-type'), SCRIPT);
        t.match(
          first.headers.get('cache-control'),
          /no-store, no-cache.*must-revalidate.*max-age=0/,
        );
        const sent = await send(path, 'd=%5B%22x%22%5D');
        t.same([sent.status, sent.text], [200, 'ok']);
        t.match(sent.headers.get('content-type'), /text\/plain; charset=UTF-8/i);
        t.equal((await poll(path)).text, '/**/callback("a[\\"x\\"]");\r\n');
      },
    ],
    [
      'jsonp: without a callback it is refused',
      async (t) => {
        const { status, text } = await poll(stage.path(), '');
        t.same([status, text], [500, '"callback" parameter required']);
      },
    ],
    [
      'jsonp: a callback that is no name is refused',
      async (t) => {
        for (const name of ['%20', '*', 'abc(', 'abc%28']) {
          const { status, text } = await poll(stage.path(), `?c=${name}`);
          t.same([status, text], [500, 'invalid "callback" parameter'], name);
        }
      },
    ],
    [
      'jsonp: broken JSON is refused and harms nobody',
      async (t) => {
        const path = stage.path();
        await poll(path, '?c=x');
        for (const body of ['d=%5B%22x', 'd=x']) {
          const { status, text } = await send(path, body);
          t.same([status, text], [500, 'Broken JSON encoding.'], body);
        }
        for (const body of ['', 'd=', 'p=p']) {
          const { status, text } = await send(path, body);
          t.same([status, text], [500, 'Payload expected.'], body);
        }
        t.equal((await send(path, 'd=%5B%22b%22%5D')).text, 'ok');
        t.equal((await poll(path, '?c=x')).text, '/**/x("a[\\"b\\"]");\r\n');
      },
    ],
    [
      'jsonp: a body is a form or plain JSON',
      async (t) => {
        const path = stage.path();
        await poll(path, '?c=x');
        t.equal((await send(path, 'd=%5B%22abc%22%5D')).text, 'ok');
        t.equal((await send(path, '["%61bc"]', 'text/plain')).text, 'ok');
        t.equal((await poll(path, '?c=x')).text, '/**/x("a[\\"abc\\",\\"%61bc\\"]");\r\n');
      },
    ],
    [
      'jsonp: nothing can be sent to a session that is not there',
      async (t) => t.equal((await send(stage.path(), 'd=%5B%22x%22%5D')).status, 404),
    ],
    [
      'jsonp: who is sent away hears why',
      async (t) => {
        const path = stage.path();
        await poll(path, '?c=x');
        stage.sessions.at(-1)?.socket.end(3000, 'Go away!');
        for (let round = 0; round < 2; round += 1) {
          t.equal((await poll(path, '?c=x')).text, '/**/x("c[3000,\\"Go away!\\"]");\r\n');
        }
      },
    ],
  ];
}

interface Stream {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly type: string;
  readonly start: RegExp;
  readonly frame: (text: string) => string;
}

const STREAMS: readonly Stream[] = [
  {
    ...{ name: 'xhr_streaming', method: 'POST', path: '/xhr_streaming', type: SCRIPT },
    ...{ start: /^h{2048}\no\n$/, frame: (text) => `${text}\n` },
  },
  {
    ...{ name: 'eventsource', method: 'GET', path: '/eventsource' },
    type: 'text/event-stream',
    ...{ start: /^\r\ndata: o\r\n\r\n$/, frame: (text) => `data: ${text}\r\n\r\n` },
  },
  {
    ...{ name: 'htmlfile', method: 'GET', path: '/htmlfile?c=%63allback' },
    type: 'text/html; charset=UTF-8',
    start: /^(?=[^]{1024})[^]*parent\.callback[^]*<script>\np\("o"\);\n<\/script>\r\n$/,
    frame: (text) => `<script>\np(${JSON.stringify(text)});\n</script>\r\n`,
  },
];

/** Reads a stream as it comes. */
async function read(stage: Stage, { method, path }: Stream, base: string) {
  const cut = new AbortController();
  const answer = await fetch(`http://127.0.0.1:${stage.port}/rt${base}${path}`, {
    ...{ method, signal: cut.signal },
  });
  const got = { text: '', isOver: false };
  const reading = (async () => {
    for await (const chunk of answer.body ?? [])
      got.text += Buffer.from(chunk as Uint8Array).toString();
    got.isOver = true;
  })().catch(() => undefined);
  return { answer, got, cut, reading };
}

function assertStream(stage: Stage, stream: Stream): Fact {
  return [
    `${stream.name}: it greets, and goes on`,
    async (t: Test) => {
      const base = stage.path();
      const { answer, got, cut, reading } = await read(stage, stream, base);
      t.equal(answer.status, 200);
      t.equal(answer.headers.get('content-type'), stream.type);
      t.match(
        answer.headers.get('cache-control'),
        /no-store, no-cache.*must-revalidate.*max-age=0/,
      );
      await until(() => stream.start.test(got.text), { what: 'the greeting' });
      const before = got.text.length;
      t.equal((await stage.ask('POST', `${base}/xhr_send`, { body: '["x"]' })).status, 204);
      const frame = stream.frame('a["x"]');
      await until(() => got.text.length >= before + frame.length, { what: 'the message' });
      t.equal(got.text.slice(before), frame);
      cut.abort();
      await reading;
    },
  ];
}

function assertLimit(stage: Stage, stream: Stream): Fact {
  return [
    `${stream.name}: it ends when it has become long, and the next one goes on`,
    async (t: Test) => {
      const base = stage.path();
      const { got } = await read(stage, stream, base);
      await until(() => stream.start.test(got.text), { what: 'the greeting' });
      const session = stage.sessions.at(-1);
      const text = 'x'.repeat(16_000);
      for (let n = 0; n < LIMIT_BYTES / 16_000; n += 1) {
        t.not(session?.socket.send(text), 'dropped');
      }
      await until(() => got.isOver, { what: 'its end' });
      t.ok(got.text.length >= LIMIT_BYTES);
      session?.socket.send('next');
      t.equal((await stage.ask('POST', `${base}/xhr`)).text, 'a["next"]\n');
    },
  ];
}

export function streams(stage: Stage): readonly Fact[] {
  const [, , htmlfile] = STREAMS;
  const path = htmlfile?.path.split('?')[0] ?? '';
  return [
    [
      'pages may stream (OPTIONS)',
      (t) => stage.assertOptions(t, `${stage.path()}/xhr_streaming`, 'OPTIONS, POST'),
    ],
    ...STREAMS.flatMap((stream) => [assertStream(stage, stream), assertLimit(stage, stream)]),
    [
      'htmlfile: without a callback it is refused',
      async (t) => {
        const { status, text } = await stage.ask('GET', `${stage.path()}${path}`);
        t.same([status, text], [500, '"callback" parameter required']);
      },
    ],
    [
      'htmlfile: a callback that is no name is refused',
      async (t) => {
        for (const name of ['%20', '*', 'abc(', 'abc%28']) {
          const { status, text } = await stage.ask('GET', `${stage.path()}${path}?c=${name}`);
          t.same([status, text], [500, 'invalid "callback" parameter'], name);
        }
      },
    ],
  ];
}

const KILLERS = ['\\u0000-\\u001f', '\\ud800-\\udfff', '\\u200c-\\u200f', '\\u2028-\\u202f'];
const MORE_KILLERS = ['\\u2060-\\u206f', '\\ufff0-\\uffff'];

/** All characters of ranges such as `\u2028-\u202f`. */
function charactersOf(ranges: readonly string[]): string {
  return ranges
    .map((range) => {
      const [from = 0, to = 0] = range.split('-').map((one) => Number.parseInt(one.slice(2), 16));
      return String.fromCharCode(...Array.from({ length: to - from + 1 }, (_, at) => from + at));
    })
    .join('');
}

export function encodings(stage: Stage): readonly Fact[] {
  return [
    [
      'the server escapes what browsers lose',
      async (t) => {
        const text = charactersOf([...KILLERS, ...MORE_KILLERS]);
        const path = await opened(stage);
        stage.sessions.at(-1)?.socket.send(text);
        const { text: frame } = await stage.ask('POST', `${path}/xhr`);
        t.equal((JSON.parse(frame.slice(1)) as string[])[0], text);
        t.match(frame, /^a\["[\x20-\x7e]+"\]\n$/, 'in letters that every browser reads');
      },
    ],
    [
      'the server takes what clients escape',
      async (t) => {
        const path = await opened(stage);
        const text = charactersOf([
          ...KILLERS.filter((one) => !one.includes('d8')),
          ...MORE_KILLERS,
        ]);
        const escaped = text.replace(
          /[^]/g,
          (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
        );
        await stage.ask('POST', `${path}/xhr_send`, { body: `["${escaped}"]` });
        const { text: frame } = await stage.ask('POST', `${path}/xhr`);
        t.equal((JSON.parse(frame.slice(1)) as string[])[0], text);
      },
    ],
  ];
}

/** How sessions go on and end: the first two are the protocol's own, the others of its closing. */
export function closings(stage: Stage): readonly Fact[] {
  const [xhrStream] = STREAMS;
  const poll = async (path: string): Promise<string> =>
    (await stage.ask('POST', `${path}/xhr`)).text;
  const afterAbort = async (t: Test, path: string): Promise<void> => {
    // The server hears of the end a moment later; a session that it took for lost begins anew.
    let answer = BUSY;
    await until(async () => (answer = await poll(path)) !== BUSY, { what: 'the abort is seen' });
    t.ok(['o\n', 'c[1002,"Connection interrupted"]\n'].includes(answer), answer);
  };
  return [
    [
      'messages come in order, an open poll hears them at once, a second one is turned away',
      async (t) => {
        const path = await opened(stage);
        await stage.ask('POST', `${path}/xhr_send`, { body: '["a"]' });
        t.equal(await poll(path), 'a["a"]\n');
        const both = [poll(path), poll(path)];
        t.equal(await Promise.race(both), BUSY);
        await stage.ask('POST', `${path}/xhr_send`, { body: '["b"]' });
        t.same((await Promise.all(both)).sort(), ['a["b"]\n', BUSY]);
      },
    ],
    [
      'who is sent away hears why, again and again',
      async (t) => {
        const path = await opened(stage);
        stage.sessions.at(-1)?.socket.end(3000, 'Go away!');
        for (let n = 0; n < 3; n += 1) t.equal(await poll(path), 'c[3000,"Go away!"]\n');
      },
    ],
    [
      'a stream ends with the reason, and so does every later poll',
      async (t) => {
        if (xhrStream === undefined) throw new Error('there is one');
        const path = stage.path();
        const { got } = await read(stage, xhrStream, path);
        await until(() => got.text.endsWith('o\n'), { what: 'open' });
        stage.sessions.at(-1)?.socket.end(3000, 'Go away!');
        await until(() => got.isOver, { what: 'its end' });
        t.match(got.text, /c\[3000,"Go away!"\]\n$/);
        t.equal(await poll(path), 'c[3000,"Go away!"]\n');
      },
    ],
    [
      'a stream beside a stream is turned away',
      async (t) => {
        if (xhrStream === undefined) throw new Error('there is one');
        const path = stage.path();
        const { got, cut, reading } = await read(stage, xhrStream, path);
        await until(() => got.text.endsWith('o\n'), { what: 'open' });
        const { got: other } = await read(stage, xhrStream, path);
        await until(() => other.isOver, { what: 'turned away' });
        t.equal(other.text, `${'h'.repeat(2_048)}\n${BUSY}`);
        cut.abort();
        await reading;
      },
    ],
    [
      'who aborts a stream begins anew or hears that it was cut',
      async (t) => {
        if (xhrStream === undefined) throw new Error('there is one');
        const path = stage.path();
        const { got, cut, reading } = await read(stage, xhrStream, path);
        await until(() => got.text.endsWith('o\n'), { what: 'open' });
        cut.abort();
        await reading;
        await afterAbort(t, path);
      },
    ],
    [
      'who aborts a poll begins anew or hears that it was cut',
      async (t) => {
        const path = await opened(stage);
        const cut = new AbortController();
        const url = `http://127.0.0.1:${stage.port}/rt${path}/xhr`;
        const both = [1, 2].map(async () => {
          const answer = await fetch(url, { method: 'POST', signal: cut.signal });
          return answer.text();
        });
        t.equal(await Promise.race(both), BUSY, 'so the other one waits');
        cut.abort();
        await Promise.allSettled(both);
        await afterAbort(t, path);
      },
    ],
  ];
}
