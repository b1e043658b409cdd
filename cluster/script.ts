// Lua scripts as typed values. The header of each file is its contract and is read by machine: the
// key count comes from it, and a body that uses an index which the header lacks (or the reverse) is
// refused.
//
// Header, one item a line, before the first line of code:
//   -- <verb-noun>: purpose …            -- KEYS[1] name  type  meaning
//   -- ARGV[1] name  unit  range         -- ARGV[3...] name  (all further arguments)
//   -- KEYS[1...] names  (one or more, all in one slot)
//   -- Returns: …                        -- Writes: …          -- Cost: …
// A line `-- @include name` is replaced by `includes/name.lua` beside the script.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ReplyError } from './reply-error.js';
import type { RedisClient } from './redis.js';

export type ScriptArgument = string | number | Buffer;

export interface ScriptCall {
  readonly keys: readonly string[];
  readonly argv: readonly ScriptArgument[];
}

/** What a header declares. `argvMax` is Infinity for an open list of arguments. */
export interface ScriptHeader {
  readonly name: string;
  /** With `hasOpenKeys` the least. */
  readonly keyCount: number;
  readonly hasOpenKeys: boolean;
  readonly argvMin: number;
  readonly argvMax: number;
}

/**
 * Thrown by the `fence` policy: this server has not been told the script, so it is a new
 * incarnation.
 */
export class NoScriptError extends Error {
  constructor(readonly script: string) {
    super(`Redis does not know script ${script}: a new server incarnation`);
    this.name = 'NoScriptError';
  }
}

export interface ScriptOptions<Args, Reply> {
  readonly file: URL;
  /** Keys and arguments of one call, in header order. */
  readonly encode: (args: Args) => ScriptCall;
  /** Checks and shapes the raw reply; throws on a reply that the script cannot give. */
  readonly decode: (reply: unknown, args: Args) => Reply;
  /** Replies keep bulk strings as Buffers. */
  readonly isBinary?: boolean;
  /** On NOSCRIPT: `load` sends the body once more; `fence` throws NoScriptError (money). */
  readonly onMissing?: 'load' | 'fence';
}

/** What is told of a call that was answered: the script's name and how long the answer took. */
export type ScriptObserver = (script: string, seconds: number) => void;

const observers = new WeakMap<object, ScriptObserver>();

/** From now on `observe` is told of every script that runs through this client; one per client. */
export function observeScripts(redis: RedisClient, observe: ScriptObserver): void {
  observers.set(redis, observe);
}

/** One atomic step on one hash slot. */
export class Script<Args, Reply> {
  readonly header: ScriptHeader;
  readonly body: string;
  readonly sha: string;

  constructor(private readonly options: ScriptOptions<Args, Reply>) {
    this.body = readScript(options.file);
    this.header = parseHeader(this.body, basename(fileURLToPath(options.file), '.lua'));
    this.sha = createHash('sha1').update(this.body).digest('hex');
  }

  /**
   * Runs by EVALSHA.
   * @throws NoScriptError by the `fence` policy; the server's error otherwise. After a lost link it
   * is unknown whether the script ran: retry only with the same idempotency key.
   */
  async run(redis: RedisClient, args: Args): Promise<Reply> {
    const { keys, argv } = this.options.encode(args);
    this.checkCall(keys.length, argv.length);
    try {
      return this.options.decode(await this.call(redis, 'EVALSHA', this.sha, keys, argv), args);
    } catch (thrown) {
      if (!ReplyError.isNoScript(thrown)) throw thrown;
      if (this.options.onMissing === 'fence') throw new NoScriptError(this.header.name);
      return this.options.decode(await this.call(redis, 'EVAL', this.body, keys, argv), args);
    }
  }

  /** SCRIPT LOAD on one node; the `fence` policy needs it after the node was found in order. */
  async load(redis: { script(subcommand: 'LOAD', body: string): Promise<unknown> }): Promise<void> {
    await redis.script('LOAD', this.body);
  }

  private async call(
    redis: RedisClient,
    command: 'EVALSHA' | 'EVAL',
    code: string,
    keys: readonly string[],
    argv: readonly ScriptArgument[],
  ): Promise<unknown> {
    const all = [code, keys.length, ...keys, ...argv];
    const startMs = performance.now();
    const reply: unknown = await (this.options.isBinary === true
      ? redis.callBuffer(command, all)
      : redis.call(command, all));
    observers.get(redis)?.(this.header.name, (performance.now() - startMs) / 1_000);
    return reply;
  }

  private checkCall(keyCount: number, argvCount: number): void {
    const { header } = this;
    const isFew = keyCount < header.keyCount;
    if (isFew || (keyCount > header.keyCount && !header.hasOpenKeys)) {
      throw new Error(`${header.name} takes ${header.keyCount} keys, got ${keyCount}`);
    }
    if (argvCount < header.argvMin || argvCount > header.argvMax) {
      throw new Error(`${header.name} takes ${header.argvMin} or more arguments, got ${argvCount}`);
    }
  }
}

/** Reads the script and checks it against its header. @throws Error that names file and index. */
export function defineScript<Args, Reply>(
  options: ScriptOptions<Args, Reply>,
): Script<Args, Reply> {
  return new Script(options);
}

function readScript(file: URL, included = new Set<string>()): string {
  const source = readFileSync(file, 'utf8');
  return source.replace(/^-- @include (\S+)[^\n]*$/gm, (_, name: string) => {
    if (included.has(name)) return '';
    included.add(name);
    return readScript(new URL(`./includes/${name}.lua`, file), included).trimEnd();
  });
}

/** Parses a header and compares it with the body. Exported for the tidy test. */
export function parseHeader(source: string, fileName: string): ScriptHeader {
  const lines = source.split('\n');
  const firstCode = lines.findIndex((line) => !/^(--|#!|\s*$)/.test(line));
  const header = lines.slice(0, firstCode < 0 ? lines.length : firstCode);
  const body = lines
    .slice(header.length)
    .map((line) => line.replace(/--.*$/, ''))
    .join('\n');
  const problem = (what: string): Error => new Error(`${fileName}.lua: ${what}`);

  const name = /^-- ([a-z0-9-]+): \S/m.exec(header.join('\n'))?.[1];
  if (name !== fileName) throw problem('header must start with "-- <file name>: purpose"');
  for (const item of ['Returns:', 'Writes:', 'Cost:']) {
    if (!header.some((line) => line.startsWith(`-- ${item}`))) throw problem(`no "${item}" line`);
  }
  const keys = declared(header, 'KEYS', problem);
  const argv = declared(header, 'ARGV', problem);
  compare('KEYS', keys, body, problem);
  compare('ARGV', argv, body, problem);
  return {
    name,
    keyCount: keys.count,
    hasOpenKeys: keys.isOpen,
    argvMin: argv.isOpen ? argv.count - 1 : argv.count,
    argvMax: argv.isOpen ? Infinity : argv.count,
  };
}

interface Declared {
  readonly count: number;
  readonly isOpen: boolean;
}

function declared(
  header: readonly string[],
  array: 'KEYS' | 'ARGV',
  problem: (what: string) => Error,
): Declared {
  const rows = header.flatMap((line) => {
    const match = new RegExp(`^-- ${array}\\[(\\d+)(\\.\\.\\.)?\\] \\S`).exec(line);
    return match === null ? [] : [{ index: Number(match[1]), isOpen: match[2] !== undefined }];
  });
  rows.forEach((row, at) => {
    if (row.index !== at + 1) throw problem(`${array}[${row.index}] is out of order`);
    if (row.isOpen && at !== rows.length - 1) throw problem(`only the last ${array} may be open`);
  });
  return { count: rows.length, isOpen: rows.at(-1)?.isOpen ?? false };
}

function compare(
  array: 'KEYS' | 'ARGV',
  { count, isOpen }: Declared,
  body: string,
  problem: (what: string) => Error,
): void {
  const used = new Set(
    [...body.matchAll(new RegExp(`\\b${array}\\[(\\d+)\\]`, 'g'))].map((match) => Number(match[1])),
  );
  const isWalked = new RegExp(`\\b${array}\\[[^\\d\\]]|#${array}\\b|unpack\\(${array}`).test(body);
  for (const index of used) {
    if (index > count) throw problem(`body uses ${array}[${index}], which the header lacks`);
  }
  for (let index = 1; index <= count; index += 1) {
    const isCovered = used.has(index) || (isOpen && index === count && isWalked);
    if (!isCovered) throw problem(`header declares ${array}[${index}], which the body never uses`);
  }
  if (isWalked && !isOpen) throw problem(`body walks ${array}, the header declares a fixed list`);
}
