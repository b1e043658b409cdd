// Whether a further language can be offered with its stream on this node: only where the stream's
// own publisher is, and not beside parts. Used by ShowManager, before a publish begins and while it
// lasts. Invariant: who is told nothing here is offered as soon as the stream has a segment.
import { coerceError } from '../../cluster/index.js';
import { LANGUAGES_MAX } from './sound-tracks.js';
import type { LiveShow, LiveShowDeps } from './live-show.js';
import { isGoingOn } from './show-continuation.js';

type Deps = Pick<
  LiveShowDeps,
  'store' | 'nodeId' | 'isNodeAlive' | 'shapeOf' | 'isEncrypted' | 'graceMs' | 'clock' | 'log'
>;

const HAS_PARTS = 'the stream is sent with low latency (parts), which has one sound only';
export const TOO_MANY = `a stream has ${LANGUAGES_MAX} further languages at most`;

/**
 * Why not, for the person who publishes it; undefined when it can be offered, or when nobody
 * publishes the stream yet. Never rejects: what cannot be found out is no reason.
 * @param show of the stream on this node, published or not
 */
export async function languageObstacle(
  deps: Deps,
  streamId: string,
  show: LiveShow | undefined,
): Promise<string | undefined> {
  const { store, nodeId, isNodeAlive, graceMs, clock, log } = deps;
  if (show?.publishedShow !== undefined) {
    return show.publishedShow.partMs > 0 ? HAS_PARTS : undefined;
  }
  try {
    const saved = await store.read(streamId);
    const isOn = saved !== undefined && isGoingOn(saved.state, { nowMs: clock.nowMs(), graceMs });
    if (isOn && saved.nodeId !== nodeId && isNodeAlive(saved.nodeId)) {
      return `the stream is live on another server (${saved.nodeId}): send its languages there`;
    }
    if (isOn && saved.state.renditions.length > 0) {
      return saved.state.parts === undefined ? undefined : HAS_PARTS;
    }
    const { partMs } = await deps.shapeOf(streamId);
    return partMs > 0 && !deps.isEncrypted ? HAS_PARTS : undefined;
  } catch (thrown) {
    log.warn({ event: 'language.unchecked', streamId, err: coerceError(thrown) });
    return undefined;
  }
}
