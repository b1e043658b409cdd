// Reads the source of the programme: a file or an address, with an end to its size and its time.
// Used by programme-service.ts.
import { open } from 'node:fs/promises';
import { DOCUMENT_BYTES_MAX } from './import-programme.js';
import { isPublicHost } from './public-address.js';

/** Thrown words are for the admin's status page. */
export class SourceFault extends Error {
  constructor(
    readonly code: 'UNREACHABLE' | 'TOO_LARGE',
    message: string,
  ) {
    super(message);
  }
}

const TOO_LARGE = `It has more than ${DOCUMENT_BYTES_MAX / 1_048_576} MiB.`;

const REDIRECTS_MAX = 5;

export interface SourceOptions {
  /** Longest wait for the whole answer. */
  readonly timeoutMs: number;
  /** Paths and hosts inside the network: only for a source that stands in the settings. */
  readonly mayBeInside: boolean;
}

/** @throws SourceFault */
export async function readSource(source: string, options: SourceOptions): Promise<string> {
  const { timeoutMs, mayBeInside } = options;
  try {
    const isPath = source.startsWith('/') && mayBeInside;
    const bytes = isPath ? await readFile(source) : await fetchAll(source, options);
    return bytes.toString('utf8');
  } catch (thrown) {
    if (thrown instanceof SourceFault) throw thrown;
    throw new SourceFault('UNREACHABLE', wordsFor(thrown, timeoutMs));
  }
}

async function readFile(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new SourceFault('UNREACHABLE', 'The path is not a file.');
    if (stat.size > DOCUMENT_BYTES_MAX) throw new SourceFault('TOO_LARGE', TOO_LARGE);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

async function follow(first: string, { timeoutMs, mayBeInside }: SourceOptions) {
  const signal = AbortSignal.timeout(timeoutMs);
  let url = new URL(first);
  for (let hop = 0; hop <= REDIRECTS_MAX; hop += 1) {
    const isWeb = url.protocol === 'http:' || url.protocol === 'https:';
    if (!isWeb || (!mayBeInside && !(await isPublicHost(url.hostname)))) {
      throw new SourceFault('UNREACHABLE', 'The address is not one of the public internet.');
    }
    const headers = { accept: 'application/json' };
    const response = await fetch(url, { signal, headers, redirect: 'manual' });
    const to = response.headers.get('location');
    if (response.status < 300 || response.status > 399 || to === null) return response;
    await response.body?.cancel();
    url = new URL(to, url);
  }
  throw new SourceFault('UNREACHABLE', 'The address leads round in circles.');
}

async function fetchAll(url: string, options: SourceOptions): Promise<Buffer> {
  const response = await follow(url, options);
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new SourceFault('UNREACHABLE', `The source answers with status ${response.status}.`);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    // Leaving the loop closes the connection.
    if (bytes > DOCUMENT_BYTES_MAX) throw new SourceFault('TOO_LARGE', TOO_LARGE);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function wordsFor(thrown: unknown, timeoutMs: number): string {
  const fault = thrown as { name?: string; code?: string; cause?: { code?: string } };
  if (fault.name === 'TimeoutError') return `No whole answer within ${timeoutMs / 1_000} s.`;
  const code = fault.code ?? fault.cause?.code ?? 'no connection';
  return `The source cannot be read (${code}).`;
}
