// Redis addresses: every form that is promised, and that a password never shows in an error.
import t from 'tap';
import { parseRedisUrl } from '../redis-url.js';

await t.test('every form of address is understood', (t) => {
  const alone = { isCluster: false, database: 0, isTls: false };
  const node = (host: string, port = 6379) => ({ host, port });

  t.same(parseRedisUrl('redis://h'), { ...alone, nodes: [node('h')] });
  t.same(parseRedisUrl('redis://127.0.0.1:7000/2'), {
    ...alone,
    database: 2,
    nodes: [node('127.0.0.1', 7000)],
  });
  t.same(parseRedisUrl('redis://h:1/'), { ...alone, nodes: [node('h', 1)] });
  t.same(parseRedisUrl('redis://[::1]:1'), { ...alone, nodes: [node('::1', 1)] });
  t.same(parseRedisUrl('rediss://me:p%40ss%3A@h:1'), {
    ...alone,
    isTls: true,
    username: 'me',
    password: 'p@ss:',
    nodes: [node('h', 1)],
  });
  t.same(parseRedisUrl('redis://:secret@h'), { ...alone, password: 'secret', nodes: [node('h')] });
  t.same(parseRedisUrl('redis-cluster://a:1,b:2,[::1]:3'), {
    ...alone,
    isCluster: true,
    nodes: [node('a', 1), node('b', 2), node('::1', 3)],
  });
  t.match(parseRedisUrl('rediss-cluster://u:p@a:1'), {
    isCluster: true,
    isTls: true,
    password: 'p',
  });
  t.end();
});

await t.test('anything else is refused without repeating it', (t) => {
  const broken = [
    '',
    'h:1',
    'http://h',
    'redis://',
    'redis://a:1,b:2',
    'redis://a:b',
    'redis://a:70000',
  ];
  for (const url of [
    ...broken,
    'redis://u:hunter2@a,b',
    'redis://u:%zz@a',
    'redis-cluster://a:1,,b:2',
  ]) {
    t.throws(() => parseRedisUrl(url), { code: 'REDIS_URL', message: /^(?!.*hunter2)/ }, url);
  }
  t.end();
});
