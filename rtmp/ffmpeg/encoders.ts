// The H.264 encoders that ffmpeg may be told to use: libx264, or one in hardware, found at boot by
// encoding a picture with it. Used by main.ts and command.ts.
// Being in ffmpeg's list says nothing: Debian's build has all of them on machines that have none.
import { spawn } from 'node:child_process';
import type { Logger } from '../../cluster/index.js';
import type { Encoding } from './rungs.js';

export const HARDWARE_ENCODERS = ['h264_nvenc', 'h264_vaapi', 'h264_qsv', 'h264_v4l2m2m'] as const;
export type HardwareEncoder = (typeof HARDWARE_ENCODERS)[number];
export type EncoderName = 'libx264' | HardwareEncoder;

/** How one encoder is spoken to. */
export interface EncoderArguments {
  /** Before the input. */
  readonly device: readonly string[];
  /** Behind the scaling; '' = nothing. */
  readonly filter: string;
  readonly options: readonly string[];
}

export interface EncoderSearch {
  /** `auto`: the first that works. */
  readonly wanted: 'off' | 'auto' | HardwareEncoder;
  readonly log: Logger;
  /** Default: `ffmpeg` of the PATH. */
  readonly program?: string;
  readonly timeoutMs?: number;
}

const VAAPI_DEVICE = '/dev/dri/renderD128';
/** A driver that takes longer to encode one picture hangs. */
const PROBE_TIMEOUT_MS = 5_000;
const PROBE_SIZE = { width: 640, height: 360, fps: 30 };
const WORDS_KEPT = 300;

export function encoderArguments(
  name: EncoderName,
  { profile, level }: Pick<Encoding, 'profile' | 'level'>,
): EncoderArguments {
  const exact = ['-profile:v', profile, '-level:v', level];
  const plain = { device: [], filter: '' };
  switch (name) {
    case 'libx264': {
      const speed = ['-preset', 'veryfast', '-tune', 'zerolatency'];
      return {
        ...plain,
        options: [...speed, ...exact, '-pix_fmt', 'yuv420p', '-sc_threshold', '0'],
      };
    }
    case 'h264_nvenc': {
      // Without forced-idr a forced key frame is none to cut at.
      const live = ['-preset', 'p4', '-tune', 'll', '-rc', 'vbr', '-bf', '0', '-forced-idr', '1'];
      return { ...plain, options: [...live, ...exact, '-pix_fmt', 'yuv420p'] };
    }
    case 'h264_vaapi': {
      const device = ['-vaapi_device', VAAPI_DEVICE];
      return { device, filter: 'format=nv12,hwupload', options: [...exact, '-bf', '0'] };
    }
    case 'h264_qsv': {
      const live = ['-preset', 'veryfast', '-async_depth', '1', '-bf', '0', '-forced_idr', '1'];
      return { ...plain, filter: 'format=nv12', options: [...live, '-profile:v', profile] };
    }
    case 'h264_v4l2m2m':
      return { ...plain, filter: 'format=yuv420p', options: ['-bf', '0'] };
  }
}

/** The encoder for this node; libx264, with a line in the log, when no other works. */
export async function chooseEncoder(search: EncoderSearch): Promise<EncoderName> {
  const { wanted, log } = search;
  if (wanted === 'off') return 'libx264';
  const candidates = wanted === 'auto' ? HARDWARE_ENCODERS : [wanted];
  for (const name of candidates) {
    const problem = await probe(name, search);
    if (problem === undefined) {
      log.info({ event: 'encoder.hardware', encoder: name });
      return name;
    }
    log.info({ event: 'encoder.unusable', encoder: name, problem });
  }
  log.warn({ event: 'encoder.software', encoder: 'libx264', wanted });
  return 'libx264';
}

/** Encodes one picture with the options of a broadcast. @returns what went wrong */
function probe(
  name: HardwareEncoder,
  { program = 'ffmpeg', timeoutMs = PROBE_TIMEOUT_MS }: EncoderSearch,
): Promise<string | undefined> {
  const { width, height, fps } = PROBE_SIZE;
  const encoder = encoderArguments(name, { profile: 'main', level: '3.1' });
  const args = [
    ...['-hide_banner', '-nostdin', '-loglevel', 'error', ...encoder.device],
    ...['-f', 'lavfi', '-i', `color=size=${width}x${height}:rate=${fps}`, '-frames:v', '1'],
    ...(encoder.filter === '' ? [] : ['-vf', encoder.filter]),
    ...['-c:v', name, ...encoder.options, '-b:v', '800000', '-f', 'null', '-'],
  ];
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let words = '';
  child.stderr.on('data', (bytes: Buffer) => {
    words = (words + bytes.toString()).slice(0, WORDS_KEPT);
  });
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      resolve(`no picture within ${timeoutMs} ms`);
    }, timeoutMs);
    const end = (problem: string | undefined): void => {
      clearTimeout(timer);
      resolve(problem);
    };
    child.once('error', (error) => end(error.message));
    child.once('exit', (code, signal) => {
      end(code === 0 ? undefined : words.trim() || `exit ${signal ?? String(code)}`);
    });
  });
}
