// What a phone has to fetch before a room can be used: the built scripts that the room page imports
// statically, compressed as they are sent. The player comes in a chunk of its own, after them.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';

const PUBLIC = join(import.meta.dirname, '../dist/web/public');
const BYTES_MAX = 250 * 1_024;

const read = (path: string): string => readFileSync(join(PUBLIC, path), 'utf8');
const chunkOf = (name: string): string => {
  const found = readdirSync(join(PUBLIC, 'assets')).filter(
    (file) => file.startsWith(`${name}-`) && file.endsWith('.js'),
  );
  if (found.length !== 1) throw new Error(`${found.length} built chunks are called ${name}`);
  return `assets/${found[0] ?? ''}`;
};

/** These scripts and all that they import before they run. */
function closure(entries: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const visit = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    for (const [, file = ''] of read(path).matchAll(
      /(?:from|import)\s*["']\.\/([\w.-]+\.js)["']/g,
    )) {
      visit(`assets/${file}`);
    }
  };
  entries.forEach(visit);
  return seen;
}

const inPage = [...read('index.html').matchAll(/(?:src|href)="\/(assets\/[\w.-]+\.js)"/g)].map(
  ([, path = '']) => path,
);

t.test('the room page needs at most 250 KB of compressed script, without the player', (t) => {
  t.ok(inPage.length > 0, 'the page names its script');
  const scripts = [...closure([...inPage, chunkOf('room-page')])];
  const sizes = scripts.map((path) => gzipSync(read(path)).length);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  t.comment(`${scripts.length} scripts, ${(total / 1_024).toFixed(1)} KB`);
  t.ok(scripts.length > 5, 'imports were followed');
  t.ok(total <= BYTES_MAX, `${total} bytes`);
  t.end();
});

t.test('the player is no part of it', (t) => {
  const player = chunkOf('hls');
  const scripts = [...closure([...inPage, chunkOf('room-page')])];
  t.notOk(scripts.includes(player));
  const name = player.replace('assets/', '');
  t.ok(
    scripts.some((path) => read(path).includes(name)),
    'it is fetched when needed',
  );
  t.end();
});
