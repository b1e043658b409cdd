// Every live room at a glance: all muted, restarted when the picture stalls; end a show or send its
// viewers elsewhere. Invariant: no price is ever accepted here, so looking on costs nothing.
import { useCallback, useEffect, useRef, useState } from 'react';
import type { RefObject } from 'react';
import { enterRoom, fetchRooms, renewPlaylist, resolveHls } from '../api/rooms.js';
import type { Room } from '../api/rooms.js';
import { endShow, redirectViewers } from '../api/staff.js';
import { formatViewers } from '../format/clock.js';
import { usePlayback } from '../player/use-playback.js';
import { Link } from '../router/link.js';
import { useLoad } from '../state/use-load.js';
import { Button } from '../ui/button.js';
import { Notice } from '../ui/notice.js';
import { useDecisions } from './use-decisions.js';
import type { Decisions } from './use-decisions.js';

const refreshEveryMs = 5000;
/** A picture that stands still for longer is started again. */
const stallMs = 8000;
const roomsMax = 60;

async function signedUrl(slug: string): Promise<string | undefined> {
  const { hlsUrl } = await enterRoom(slug);
  return resolveHls(hlsUrl);
}

/** Counts up whenever the picture has stood still for too long, so that it is begun anew. */
function useRestarts(video: RefObject<HTMLVideoElement | null>): number {
  const [restarts, setRestarts] = useState(0);
  useEffect(() => {
    let at = -1;
    let sinceMs = Date.now();
    const clock = window.setInterval(() => {
      // Where only a picture is shown, nothing can stall.
      if (video.current === null) return;
      const now = video.current.currentTime;
      if (now !== at) {
        at = now;
        sinceMs = Date.now();
      } else if (Date.now() - sinceMs > stallMs && document.visibilityState === 'visible') {
        sinceMs = Date.now();
        setRestarts((count) => count + 1);
      }
    }, 1000);
    return () => window.clearInterval(clock);
  }, [video]);
  return restarts;
}

/** Admins get in free, also where viewers pay; others of the staff see the newest picture there. */
function WallPicture({ room }: { room: Room }) {
  const { slug, model, previewUrl } = room;
  const video = useRef<HTMLVideoElement>(null);
  const restarts = useRestarts(video);
  const { data: url, problem } = useLoad(() => signedUrl(slug), [slug, restarts]);
  const renew = useCallback(
    async () => resolveHls((await renewPlaylist(slug, undefined)).hlsUrl),
    [slug],
  );
  usePlayback(video, url, renew);
  if (problem?.status === 402 || problem?.status === 403) {
    return previewUrl === null ? (
      <div className="own-picture" />
    ) : (
      <img className="own-picture" src={previewUrl} alt={`Newest picture of ${model.name}`} />
    );
  }
  return (
    <video
      ref={video}
      className="own-picture"
      aria-label={`Live video of ${model.name}`}
      data-testid="wall-video"
      data-restarts={restarts}
      poster={previewUrl ?? undefined}
      autoPlay
      muted
      playsInline
    />
  );
}

function WallRoom({ room, decisions }: { room: Room; decisions: Decisions }) {
  const { isBusy, ask } = decisions;
  const { slug, model, showType } = room;
  return (
    <li className="wall-room" data-testid="wall-room">
      {/* Another kind of show has another door: it is knocked at anew. */}
      <WallPicture key={showType} room={room} />
      <div className="panel-head">
        <Link href={`/r/${encodeURIComponent(slug)}`}>{model.name}</Link>
        <span className="muted number">
          {formatViewers(room.viewers)} · {showType}
        </span>
      </div>
      <div className="row">
        <Button
          size="small"
          look="danger"
          isBusy={isBusy}
          onClick={() =>
            ask({
              title: `End the show of ${model.name}?`,
              verb: 'End the show',
              run: (reason) => endShow(slug, reason),
            })
          }
        >
          End show
        </Button>
        <Button
          size="small"
          isBusy={isBusy}
          onClick={() =>
            ask({
              title: `Send the viewers of ${model.name} elsewhere`,
              verb: 'Send them',
              label: 'Address of the other room',
              hint: 'As it stands behind /r/.',
              run: (to) => redirectViewers(slug, to),
            })
          }
        >
          Redirect viewers
        </Button>
      </div>
    </li>
  );
}

const allLive = { filter: 'live', search: '', tag: '', limit: roomsMax };

export function LiveWall() {
  const { data, problem, reload } = useLoad(() => fetchRooms(allLive), []);
  const decisions = useDecisions(reload);
  useEffect(() => {
    const clock = window.setInterval(reload, refreshEveryMs);
    return () => window.clearInterval(clock);
  }, [reload]);
  const rooms = data?.rooms ?? [];
  return (
    <section className="panel stack" aria-label="Live rooms">
      <h2>Live rooms</h2>
      {problem ? <Notice tone="error">{problem.message}</Notice> : null}
      {decisions.view}
      {data && rooms.length === 0 ? <p className="muted">Nobody is on stage.</p> : null}
      <ul className="wall">
        {rooms.map((room) => (
          <WallRoom key={room.id} room={room} decisions={decisions} />
        ))}
      </ul>
    </section>
  );
}
