// The house rules that a machine can check, over every file that git knows. A rule that is broken
// names file, line and what to do instead. Method: read the tree once, run each rule, compare with
// nothing.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import t from 'tap';
import ts from 'typescript';
import { defineScript } from '../cluster/index.js';

const ROOT = join(import.meta.dirname, '..');

interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
}

function trackedFiles(): readonly string[] {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: ROOT });
  return listed
    .toString()
    .split('\n')
    .filter((path) => path !== '' && path !== 'test/tidy.test.ts');
}

function read(path: string): SourceFile {
  const text = readFileSync(join(ROOT, path), 'utf8');
  return { path, text, lines: text.split('\n') };
}

const paths = trackedFiles();
const code = paths.filter((path) => /\.(ts|tsx)$/.test(path)).map(read);
const lua = paths.filter((path) => path.endsWith('.lua')).map(read);
const prose = paths.filter((path) => path.endsWith('.md')).map(read);
const isTest = (path: string): boolean => /(^|\/)(test|testing)\//.test(path);

/** `path:line: what` for every line that the pattern matches. */
function linesMatching(files: readonly SourceFile[], pattern: RegExp, what: string): string[] {
  return files.flatMap(({ path, lines }) =>
    lines.flatMap((line, at) => (pattern.test(line) ? [`${path}:${at + 1}: ${what}`] : [])),
  );
}

/** Folders of ours that each folder may import; only through the other folder's index. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  cluster: [],
  gateway: ['cluster'],
  billing: ['cluster'],
  rtmp: ['cluster'],
  web: ['cluster', 'billing'],
  'web/ui': ['gateway'],
  bench: ['cluster', 'gateway', 'billing', 'rtmp', 'web', 'deploy'],
  deploy: ['cluster'],
  test: ['cluster', 'gateway', 'billing', 'rtmp', 'web', 'bench', 'deploy'],
};

function folderOf(path: string): string {
  if (path.startsWith('web/ui/')) return 'web/ui';
  return path.split('/', 1)[0] ?? '';
}

interface Import {
  readonly from: string;
  readonly target: string;
}

function importsOf({ path, text }: SourceFile): readonly Import[] {
  const found = ts.preProcessFile(text, true, true).importedFiles;
  return found.map(({ fileName }) => ({
    from: path,
    target: fileName.startsWith('.') ? normalize(join(dirname(path), fileName)) : fileName,
  }));
}

function importProblem({ from, target }: Import): string | undefined {
  const here = folderOf(from);
  const there = folderOf(target);
  if (here === there || MAY_IMPORT[there] === undefined) return undefined;
  const isJoining = /(^|\/)(main|demo|migrate)\.ts$/.test(from) || isTest(from);
  const isAllowed = isJoining || (MAY_IMPORT[here] ?? []).includes(there);
  if (!isAllowed) return `${from} imports ${target}: ${here} may not import ${there}`;
  const isPublic =
    /\/index\.js$/.test(target) || target.startsWith('gateway/protocol/') || isTest(from);
  return isPublic ? undefined : `${from} imports ${target}: take it from ${there}/index.js`;
}

t.test('folders import only downward and only through an index', (t) => {
  t.same(code.flatMap(importsOf).map(importProblem).filter(Boolean), []);
  t.equal(
    importProblem({ from: 'gateway/hub.ts', target: 'billing/index.js' }),
    'gateway/hub.ts imports billing/index.js: gateway may not import billing',
    'the rule can fail',
  );
  t.end();
});

t.test('uWebSockets.js stays inside one transport file per role', (t) => {
  const users = code
    .filter((file) => !isTest(file.path) && !file.path.startsWith('bench/'))
    .filter((file) => importsOf(file).some(({ target }) => target === 'uWebSockets.js'))
    .map(({ path }) => path);
  for (const role of ['gateway', 'billing']) {
    t.ok(
      users.filter((path) => folderOf(path) === role).length <= 1,
      `${role}: ${users.join(' ')}`,
    );
  }
  t.end();
});

t.test('files open with their purpose and end before 500 lines', (t) => {
  const silent = code.filter(({ lines }) => !/^(\/\/|\/\*|#!)/.test(lines[0] ?? ''));
  t.same(
    silent.map(({ path }) => path),
    [],
    'each file starts with a comment',
  );
  const long = [...code, ...lua].filter(({ lines }) => lines.length > 500);
  t.same(
    long.map(({ path, lines }) => `${path}: ${lines.length} lines`),
    [],
    'split before 500 lines',
  );
  // Prettier breaks code at 100 columns; only a literal or a query may stand out, up to 120.
  const isComment = (line: string): boolean => /^\s*(\/\/|\/?\*|--)/.test(line);
  const wide = [...code, ...lua].flatMap(({ path, lines }) =>
    lines.flatMap((line, at) =>
      line.length > (isComment(line) ? 100 : 120) ? [`${path}:${at + 1}`] : [],
    ),
  );
  t.same(wide, [], 'lines stay within the page');
  t.end();
});

/**
 * Lines of each function without those of the functions inside it: a factory is a scope, not a
 * step.
 */
function longFunctions({ path, text }: SourceFile): string[] {
  const kind = path.endsWith('x') ? ts.ScriptKind.TSX : ts.ScriptKind.TS;
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true, kind);
  const found: string[] = [];
  const lineOf = (position: number): number => tree.getLineAndCharacterOfPosition(position).line;
  /** Returns how many lines of functions the node holds. */
  const visit = (node: ts.Node): number => {
    let inner = 0;
    ts.forEachChild(node, (child) => {
      inner += visit(child);
    });
    if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return inner;
    const all = lineOf(node.getEnd()) - lineOf(node.getStart()) + 1;
    const own = all - Math.min(inner, all - 1);
    if (own > FUNCTION_LINES_MAX)
      found.push(`${path}:${lineOf(node.getStart()) + 1}: ${own} lines`);
    return all;
  };
  visit(tree);
  return found;
}

const FUNCTION_LINES_MAX = 70;

t.test('functions fit on a page', (t) => {
  const files = code.filter(({ path }) => !isTest(path) && !path.endsWith('.tsx'));
  t.same(files.flatMap(longFunctions), []);
  t.end();
});

t.test('names say what a file is', (t) => {
  const vague = /(^|\/)(utils?|helpers?|common|types|misc)(\.[a-z]+)?(\/|$)/;
  t.same(
    paths.filter((path) => vague.test(path)),
    [],
  );
  const odd = [...code, ...lua].filter(({ path }) => !/^[a-z0-9./-]+$/.test(path));
  t.same(
    odd.map(({ path }) => path),
    [],
    'kebab-case',
  );
  t.end();
});

t.test('nothing is left over in the code', (t) => {
  const product = code.filter(({ path }) => !path.startsWith('bench/'));
  t.same(linesMatching(code, /\b(TODO|FIXME|XXX)\b/, 'finish it or say it in the README'), []);
  t.same(linesMatching(code, /@ts-(ignore|nocheck)|\bas any\b|: any\b/, 'type it'), []);
  t.same(linesMatching(code, /\b(t|test|describe)\.(only|skip)\(/, 'run every test'), []);
  const silent = product.filter(({ path }) => !path.startsWith('deploy/'));
  t.same(linesMatching(silent, /\bconsole\.\w+\(/, 'use the logger'), []);
  t.same(
    linesMatching(
      product.filter(({ path }) => !/vite\.config\.ts$/.test(path)),
      /^export default /,
      'named exports only',
    ),
    [],
  );
  t.end();
});

t.test('the environment is read in one place', (t) => {
  const others = code.filter(
    ({ path }) =>
      path !== 'cluster/config.ts' &&
      !path.startsWith('deploy/') &&
      !path.startsWith('bench/') &&
      !isTest(path),
  );
  t.same(linesMatching(others, /\bprocess\.env\b/, 'add a row to cluster/config.ts'), []);
  t.end();
});

t.test('tests wait for conditions, not for time', (t) => {
  const tests = code.filter(({ path }) => path.endsWith('.test.ts'));
  const sleep = /await (delay|sleep|setTimeout)\(|new Promise\(\(?\w*\)? => setTimeout/;
  t.same(linesMatching(tests, sleep, 'use until() from cluster/testing'), []);
  t.end();
});

t.test('every Lua script has a header that agrees with its body, and a caller', (t) => {
  const scripts = lua.filter(({ path }) => !path.includes('/includes/'));
  t.ok(scripts.length > 0);
  for (const { path } of scripts) {
    t.doesNotThrow(
      () =>
        defineScript({
          file: new URL(`../${path}`, import.meta.url),
          encode: () => ({ keys: [], argv: [] }),
          decode: (reply) => reply,
        }),
      path,
    );
    const name = path.split('/').at(-1)?.replace('.lua', '') ?? '';
    const isCalled = code.some((file) => !isTest(file.path) && file.text.includes(name));
    t.ok(isCalled, `${path} is used`);
  }
  t.end();
});

t.test('scripts write numbers as integers', (t) => {
  t.same(linesMatching(lua, /\btostring\(/, "use string.format('%.0f', x)"), []);
  t.end();
});

t.test('the repository speaks of the product alone', (t) => {
  const host = ['registry', 'npmjs', 'org'].join('.');
  const machine = ['', 'work', ''].join('/');
  const all = [
    ...code,
    ...lua,
    ...prose,
    ...paths.filter((p) => /\.(json|sh|yml)$/.test(p)).map(read),
  ];
  const strangers = all.filter(({ text }) => text.includes(host) || text.includes(machine));
  t.same(
    strangers.map(({ path }) => path),
    [],
  );
  t.end();
});
