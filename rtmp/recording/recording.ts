// What a recording is: the words that recorder, catalog, directory and playback share.
import type { HookClientInfo } from '../session-hooks.js';

export const RECORDING_KINDS = ['all', 'audio', 'video', 'keyframes'] as const;
export type RecordingKind = (typeof RECORDING_KINDS)[number];

/**
 * Why a file was closed. `interval` and `configuration`: the recording goes on in another file;
 * `recovered`: the process died, the file was mended at the next start.
 */
export type RecordingEnd =
  | 'stream-ended'
  | 'stopped'
  | 'size-limit'
  | 'frame-limit'
  | 'time-limit'
  | 'interval'
  | 'configuration'
  | 'disk-full'
  | 'write-failed'
  | 'recovered';

/** `recording` → `waiting` for the MP4 → `ready`; `flv` where no MP4 is wanted or possible. */
export type RecordingState = 'recording' | 'waiting' | 'ready' | 'flv';

/** A recorder of the settings, or one that a control call has named. */
export interface RecorderSpec {
  readonly name: string;
  readonly kind: RecordingKind;
  /** Begins by a control call only. */
  readonly isManual: boolean;
}

/** One recorded file, as its node keeps it beside the file. */
export interface RecordingEntry {
  /** Cannot be guessed; unique in the fleet. */
  readonly id: string;
  readonly streamId: string;
  readonly sessionId: string;
  readonly recorder: string;
  readonly kind: RecordingKind;
  /** Below the recording directory, without the extension. */
  readonly path: string;
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** Of the FLV file, and of the MP4 file once it is there. */
  readonly bytes: number;
  readonly mp4Bytes: number;
  readonly state: RecordingState;
  readonly end?: RecordingEnd;
  /** For the done hook after a crash. */
  readonly client?: HookClientInfo;
}

/** `<name>:<kind>[:manual]`, as RECORDERS lists them. */
export const RECORDER = /^[a-z0-9_-]{1,32}:(?:all|audio|video|keyframes)(?::manual)?$/;

/** @param text matches RECORDER */
export function parseRecorder(text: string): RecorderSpec {
  const [name = '', kind = '', manual] = text.split(':');
  return {
    name,
    kind: RECORDING_KINDS.find((one) => one === kind) ?? 'all',
    isManual: manual === 'manual',
  };
}
