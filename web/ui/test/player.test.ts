// Signed playlist addresses, and the volume that is kept.
import t from 'tap';
import { readPrefix, renewalDelayMs, withFreshPrefix } from '../src/player/hls-prefix.js';
import { qualityLabel } from '../src/player/playback.js';
import { shortcutFor } from '../src/player/use-shortcuts.js';
import { readVolume } from '../src/player/volume.js';

const old = 'http://host:8082/h/1000.free-7.aaaaaaaaaaaaaaaaaaaaaa/stream/media.m3u8?x=1';
const fresh = 'http://host:8082/h/2000.free-7.b$&bbbbbbbbbbbbbbbbbbb/stream/master.m3u8';

await t.test('the newest signature replaces an older one and nothing else', (t) => {
  const prefix = readPrefix(fresh);
  t.equal(prefix?.expiresAtMs, 2_000_000);
  t.equal(
    withFreshPrefix(old, prefix),
    'http://host:8082/h/2000.free-7.b$&bbbbbbbbbbbbbbbbbbb/stream/media.m3u8?x=1',
  );
  t.equal(withFreshPrefix(fresh, readPrefix(old)), fresh, 'an older one replaces nothing');
  t.equal(withFreshPrefix('http://host/other.ts', prefix), 'http://host/other.ts');
  t.equal(withFreshPrefix(old, undefined), old);
  t.end();
});

await t.test('a signature is renewed before it ends, and not in a busy loop after it', (t) => {
  const prefix = { text: '', expiresAtMs: 90_000 };
  t.equal(renewalDelayMs(prefix, 0), 60_000);
  t.equal(renewalDelayMs(prefix, 200_000), 1000);
  t.end();
});

await t.test('levels are named by height, else by bit rate', (t) => {
  t.equal(qualityLabel({ height: 720, bitrate: 2_000_000 }), '720p');
  t.equal(qualityLabel({ height: 0, bitrate: 96_400 }), '96 kbit/s');
  t.equal(qualityLabel({ height: 0, bitrate: 0 }), 'Source');
  t.end();
});

await t.test('a kept volume is used only if it makes sense', (t) => {
  t.same(readVolume('{"level":0.3,"isMuted":false}'), { level: 0.3, isMuted: false });
  for (const text of [null, '', '{', '[]', '{"level":7,"isMuted":false}', '{"level":0.5}']) {
    t.same(readVolume(text), { level: 0.8, isMuted: true }, String(text));
  }
  t.end();
});

await t.test(
  'single keys act on the player, not while typing, in a dialog or with a modifier',
  (t) => {
    const key = (name: string, more = {}) => ({
      ...{ key: name, ctrlKey: false, metaKey: false, altKey: false },
      ...more,
    });
    const free = { isTyping: false, takesArrows: false, isInDialog: false };
    t.equal(shortcutFor(key('m'), free), 'm');
    t.equal(shortcutFor(key('F'), free), 'f', 'with caps lock as well');
    t.equal(shortcutFor(key('ArrowUp'), free), 'ArrowUp');
    t.equal(shortcutFor(key('ArrowUp'), { ...free, takesArrows: true }), undefined);
    t.equal(shortcutFor(key('f', { ctrlKey: true }), free), undefined, 'the browser searches');
    t.equal(shortcutFor(key('m'), { ...free, isTyping: true }), undefined);
    t.equal(shortcutFor(key('m'), { ...free, isInDialog: true }), undefined);
    t.equal(shortcutFor(key('toString'), free), undefined);
    t.equal(shortcutFor(key('x'), free), undefined);
    t.end();
  },
);
