// Addresses of the site, and where a login may lead.
import t from 'tap';
import { matchRoute, safeNext } from '../src/router/router.js';

await t.test('every page has its address', (t) => {
  t.same(matchRoute('/', ''), { page: 'live', tag: '' });
  t.same(matchRoute('/', '?tag=jazz'), { page: 'live', tag: 'jazz' });
  t.same(matchRoute('/m/mira', ''), { page: 'profile', slug: 'mira' });
  t.same(matchRoute('/r/mira', ''), { page: 'room', slug: 'mira', hasChat: true });
  t.same(matchRoute('/r/mira/', '?chat=1'), { page: 'room', slug: 'mira', hasChat: true });
  t.same(matchRoute('/r/mira', '?chat=0'), { page: 'room', slug: 'mira', hasChat: false });
  t.same(matchRoute('/programme', ''), { page: 'programme' });
  t.same(matchRoute('/login', '?next=%2Fr%2Fmira'), { page: 'login', next: '/r/mira' });
  t.same(matchRoute('/signup', ''), { page: 'signup', next: '/' });
  t.same(matchRoute('/reset', '?token=abc'), { page: 'reset', token: 'abc' });
  t.same(matchRoute('/activate', ''), { page: 'activate', token: '' });
  t.same(matchRoute('/credits', '?next=//evil.example'), { page: 'credits', next: '/' });
  t.same(matchRoute('/checkout/sandbox', '?purchase=x1'), { page: 'sandbox', purchase: 'x1' });
  t.same(matchRoute('/model', ''), { page: 'model' });
  t.same(matchRoute('/admin/', ''), { page: 'admin' });
  t.same(matchRoute('/r/%E0%A4%A', ''), { page: 'missing' });
  t.same(matchRoute('/r/a/b', ''), { page: 'missing' });
  t.end();
});

await t.test('a login leads only to a path of this host', (t) => {
  t.equal(safeNext('/r/mira?x=1'), '/r/mira?x=1');
  const hostile = [null, '', 'r/mira', '//evil.example', '/\\evil.example', 'https://evil.example'];
  for (const next of [...hostile, '/a\\b', '/a\tb', 'javascript:alert(1)']) {
    t.equal(safeNext(next), '/', String(next));
  }
  t.end();
});
