// What a performer should change, from the figures of the own broadcast.
import type { StreamFigures } from '../api/broadcast.js';

/** Viewers wait for a key frame; beyond this each start is slow. */
const keyFrameSecMax = 4;
const bitrateKbpsMin = 300;
const fpsMin = 15;

/** In the order of their weight; empty when all is well. A figure of 0 is not known yet. */
export function adviseOn(figures: StreamFigures): string[] {
  const { bitrateKbps, fps, keyFrameSec, droppedFrames } = figures;
  const advice: string[] = [];
  if (bitrateKbps > 0 && bitrateKbps < bitrateKbpsMin) {
    advice.push('The bit rate is very low. Check your connection.');
  }
  if (fps > 0 && fps < fpsMin) {
    advice.push('The picture stutters. Close other programs or choose a smaller picture.');
  }
  if (keyFrameSec > keyFrameSecMax) {
    advice.push('Key frames come too seldom. Set the key-frame interval to 2 s.');
  }
  if (droppedFrames > 100) {
    advice.push('Your encoder drops many frames. Lower its bit rate.');
  }
  return advice;
}
