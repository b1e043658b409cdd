// The argument list of one ffmpeg run: FLV on stdin, one folder of MPEG-TS segments per rendition,
// finished segments announced as CSV lines on a pipe; with parts, fragmented MP4 on that pipe
// instead. fluent-ffmpeg builds the list and does
// nothing else here: its own process control hides the exit code, the progress and the pipes.
import ffmpeg from 'fluent-ffmpeg';
import { encoderArguments, type EncoderName } from './encoders.js';
import type { Rendition, RunPlan } from './plan.js';

/** File descriptors of the child. Output n announces its segments, or writes, on `LIST_FD + n`. */
export const PROGRESS_FD = 3;
export const LIST_FD = 4;

/**
 * @param folders absolute path per rendition, in the plan's order; they exist
 * @returns arguments without the program's name
 */
export function ffmpegArguments(plan: RunPlan, folders: readonly string[]): readonly string[] {
  const { encoder = 'libx264' } = plan;
  const isEncoding = plan.renditions.some(({ video }) => typeof video === 'object');
  const { device } = encoderArguments(encoder, { profile: 'main', level: '3.1' });
  const inputOptions = [...(isEncoding ? device : []), ...INPUT_OPTIONS];
  const command = ffmpeg().input('pipe:0').inputOptions(inputOptions);
  plan.renditions.forEach((rendition, index) => {
    const { segmentSec, parts } = plan;
    const fd = LIST_FD + index;
    command
      .output(parts === undefined ? `${folders[index] ?? ''}/%d.ts` : `pipe:${fd}`)
      .outputOptions([
        ...videoOptions(rendition, segmentSec, encoder),
        ...audioOptions(rendition),
        ...(parts === undefined ? segmentOptions(segmentSec, fd) : partOptions(parts.sec)),
      ]);
  });
  return command._getArguments();
}

const INPUT_OPTIONS = [
  ...['-hide_banner', '-nostdin', '-loglevel', 'warning'],
  ...['-progress', `pipe:${PROGRESS_FD}`, '-stats_period', '1', '-nostats'],
  // The tracks stand in the FLV header, so that probing ends with the first pictures.
  ...['-analyzeduration', '2000000', '-probesize', '4000000'],
  ...['-f', 'flv'],
];

/** Options of one output; segment boundaries are key frames. */
export function videoOptions(
  { video }: Pick<Rendition, 'video'>,
  segmentSec: number,
  encoderName: EncoderName = 'libx264',
): string[] {
  if (video === undefined) return ['-vn'];
  const map = ['-map', '0:v:0'];
  if (video === 'copy') return [...map, '-c:v', 'copy'];
  const { width, height, fps, bitrateBps } = video;
  const isClocked = video.keyFrames === 'clock';
  const encoder = encoderArguments(encoderName, video);
  const filters = [
    `scale=${width}:${height}:flags=fast_bilinear`,
    ...(isClocked ? [`fps=${fps}`] : []),
    ...(encoder.filter === '' ? [] : [encoder.filter]),
  ];
  return [
    ...map,
    ...['-c:v', encoderName, ...encoder.options],
    ...['-vf', filters.join(',')],
    // Cuts fall at whole multiples of the segment length, or where those of the copied rendition
    // do.
    ...['-force_key_frames', isClocked ? `expr:gte(t,n_forced*${segmentSec})` : 'source'],
    ...['-g', String(Math.ceil(fps * Math.max(segmentSec * 2, 5)))],
    ...['-b:v', String(bitrateBps), '-maxrate', String(Math.round(bitrateBps * 1.07))],
    ...['-bufsize', String(Math.round(bitrateBps * 1.5))],
    ...(encoderName === 'libx264' ? ['-threads', height > 480 ? '2' : '1'] : []),
  ];
}

export function audioOptions({ audio }: Pick<Rendition, 'audio'>): string[] {
  if (audio === undefined) return ['-an'];
  const map = ['-map', '0:a:0'];
  if (audio === 'copy') return [...map, '-c:a', 'copy'];
  return [...map, ...['-c:a', 'aac', '-b:a', String(audio.bitrateBps), '-ac', '2', '-ar', '48000']];
}

/** A fragment per part, cut at key frames, too; written as soon as it is whole. */
function partOptions(partSec: number): string[] {
  return [
    ...['-f', 'mp4', '-frag_duration', String(Math.round(partSec * 1e6)), '-flush_packets', '1'],
    // frag_discont: the tracks keep their distance although the head is written before them.
    ...['-movflags', '+cmaf+empty_moov+default_base_moof+frag_keyframe+frag_discont'],
    ...['-max_interleave_delta', '1000000'],
  ];
}

function segmentOptions(segmentSec: number, listFd: number): string[] {
  return [
    ...['-f', 'segment', '-segment_format', 'mpegts', '-segment_time', String(segmentSec)],
    // Key frames that come a frame early still make the cut.
    ...['-segment_time_delta', '0.05'],
    // One muxer for all segments keeps continuity counters going. It writes out every packet,
    // because the list line comes before the file is closed: without it up to 256 KB are missing at
    // that moment.
    ...['-individual_header_trailer', '0', '-segment_format_options', 'flush_packets=1'],
    ...['-segment_list', `pipe:${listFd}`, '-segment_list_type', 'csv'],
    // Sound that pauses must not hold the picture back.
    ...['-max_interleave_delta', '1000000'],
  ];
}
