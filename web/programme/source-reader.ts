// Reads the source of the programme: a file or an address, with an end to its size and its time.
// Used by programme-service.ts.
import { open } from 'node:fs/promises';
import { DOCUMENT_BYTES_MAX } from './import-programme.js';

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

/** @throws SourceFault */
export async function readSource(source: string, timeoutMs: number): Promise<string> {
  try {
    const bytes = source.startsWith('/')
      ? await readFile(source)
      : await fetchAll(source, AbortSignal.timeout(timeoutMs));
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

async function fetchAll(url: string, signal: AbortSignal): Promise<Buffer> {
  const response = await fetch(url, { signal, headers: { accept: 'application/json' } });
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
