// Answers `/h/<prefix>/<stream>/recordings/<id>.mp4` with byte ranges. The prefix is judged like a
// playlist's: players seek with the same address for hours, so an expired one is accepted while the
// session may watch.
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { hlsError } from '../errors.js';
import type { HlsParts, HlsRequest } from '../hls/responses.js';

/** Where playable recordings are. */
export interface RecordingFiles {
  /** Absolute path of the MP4; undefined when this node has none. */
  playable(streamId: string, id: string): string | undefined;
}

interface ByteRange {
  readonly start: number;
  /** Inclusive. */
  readonly end: number;
}

export async function answerRecording(parts: HlsParts, asked: HlsRequest): Promise<void> {
  const { prefix, streamId, names, request, response } = asked;
  const [id = ''] = names;
  const access = parts.access.forRecording({ prefix, streamId }, id);
  if (!access.ok) throw access.error;
  const path = parts.recordings?.playable(streamId, id);
  const file = path === undefined ? undefined : await open(path).catch(() => undefined);
  if (file === undefined) throw hlsError('HLS_NOT_FOUND');
  try {
    const { size } = await file.stat();
    const etag = `"${id}-${size.toString(36)}"`;
    const { 'if-range': ifRange, range: wanted } = request.headers;
    const isSame = ifRange === undefined || ifRange === etag;
    const range = isSame ? parseRange(wanted, size) : undefined;
    response.setHeader('accept-ranges', 'bytes');
    response.setHeader('etag', etag);
    response.setHeader('access-control-expose-headers', 'content-range, accept-ranges');
    if (range === 'unsatisfiable') {
      response.setHeader('content-range', `bytes */${size}`);
      throw hlsError('HLS_RANGE');
    }
    const { start, end } = range ?? { start: 0, end: size - 1 };
    const length = end - start + 1;
    response.writeHead(range === undefined ? 200 : 206, {
      'content-type': 'video/mp4',
      'content-length': length,
      'cache-control': 'private, max-age=600',
      ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${end}/${size}` }),
    });
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    parts.metrics.servedBytes.inc({ kind: asked.kind }, length);
    await pipeline(file.createReadStream({ start, end, autoClose: false }), response);
  } finally {
    await file.close();
  }
}

/**
 * RFC 9110, section 14: one range of bytes. Undefined where the header asks for nothing that we
 * know, several ranges included: the whole file is the right answer then.
 */
export function parseRange(
  header: string | undefined,
  size: number,
): ByteRange | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '');
  const [, from = '', to = ''] = match ?? [];
  if (match === null || (from === '' && to === '')) return undefined;
  if (from === '') {
    const length = Math.min(size, Number(to));
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size - 1 };
  }
  const start = Number(from);
  if (to !== '' && Number(to) < start) return undefined;
  if (start >= size) return 'unsatisfiable';
  return { start, end: to === '' ? size - 1 : Math.min(size - 1, Number(to)) };
}
