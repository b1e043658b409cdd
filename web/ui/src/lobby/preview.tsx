// The picture of a room in lists: the newest frame of its show over the printed bill. While there
// is no signal, the bill says so.
import { useEffect, useState } from 'react';
import type { Room } from '../api/rooms.js';
import { Poster } from './poster.js';

/** The server makes a new picture every 15 s; an address is good for five minutes. */
const refreshMs = 15_000;

function useRefreshed(url: string | null): string | undefined {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (url === null) return undefined;
    const timer = window.setInterval(() => {
      if (document.visibilityState === 'visible') setTurn((now) => now + 1);
    }, refreshMs);
    return () => window.clearInterval(timer);
  }, [url]);
  if (url === null) return undefined;
  return turn === 0 ? url : `${url}${url.includes('?') ? '&' : '?'}n=${String(turn)}`;
}

export function Preview({ room }: { room: Room }) {
  const url = useRefreshed(room.isLive ? room.previewUrl : null);
  const [shownUrl, setShownUrl] = useState<string>();
  const [hasFailed, setFailed] = useState(false);
  const hasPicture = url !== undefined && !hasFailed && shownUrl !== undefined;
  const isDark = room.isLive && (url === undefined || hasFailed);
  return (
    <>
      <Poster seed={room.slug} name={room.model.name} />
      {url === undefined ? null : (
        <img
          className={hasPicture ? 'card-preview' : 'card-preview is-hidden'}
          src={url}
          alt=""
          loading="lazy"
          decoding="async"
          onLoad={() => {
            setShownUrl(url);
            setFailed(false);
          }}
          onError={() => setFailed(true)}
        />
      )}
      {isDark ? <span className="no-signal">No signal</span> : null}
    </>
  );
}
