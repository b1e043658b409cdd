// Compiles our folders into var/bench/ the way the build does, file by file and only what has
// changed, so that a run measures the work tree as production runs it: plain JavaScript without a
// loader.
import { cpSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { readFileSync, renameSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';

const FOLDERS = ['cluster', 'gateway', 'billing', 'rtmp', 'web', 'bench'];
const SKIPPED = new Set(['test', 'node_modules', 'ui', 'results', 'public']);
const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  verbatimModuleSyntax: true,
  isolatedModules: true,
};

export interface CompiledTree {
  /** Absolute path of the JavaScript of a source file such as `gateway/main.ts`. */
  readonly entry: (source: string) => string;
}

export function compileTree(root: string): CompiledTree {
  const outDir = join(root, 'var', 'bench', 'build');
  for (const folder of FOLDERS) {
    const from = join(root, folder);
    if (existsSync(from)) compileFolder(from, join(outDir, folder));
  }
  return { entry: (source) => join(outDir, source.replace(/\.ts$/, '.js')) };
}

function compileFolder(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    if (entry.isDirectory()) {
      if (!SKIPPED.has(entry.name)) compileFolder(source, join(to, entry.name));
    } else if (/\.(lua|sql)$/.test(entry.name)) {
      if (isStale(source, join(to, entry.name))) cpSync(source, join(to, entry.name));
    } else if (/\.ts$/.test(entry.name) && !entry.name.endsWith('.d.ts')) {
      compileFile(source, join(to, entry.name.replace(/\.ts$/, '.js')));
    }
  }
}

function compileFile(source: string, target: string): void {
  if (!isStale(source, target)) return;
  const { outputText } = ts.transpileModule(readFileSync(source, 'utf8'), {
    compilerOptions: OPTIONS,
    fileName: relative(dirname(source), source),
  });
  // Two runs may compile at once: each file appears whole or not at all.
  const draft = `${target}.${process.pid}`;
  writeFileSync(draft, outputText);
  renameSync(draft, target);
}

function isStale(source: string, target: string): boolean {
  return !existsSync(target) || statSync(target).mtimeMs <= statSync(source).mtimeMs;
}
