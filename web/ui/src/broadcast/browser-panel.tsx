// On the air without an encoder: choose camera or screen, see it, go live, stop.
import { useEffect, useRef } from 'react';
import { Button } from '../ui/button.js';
import { Notice } from '../ui/notice.js';
import { canCapture } from './capture.js';
import type { Broadcast } from './use-broadcast.js';

function OwnPicture({ stream }: { stream: MediaStream }) {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (video.current) video.current.srcObject = stream;
  }, [stream]);
  return (
    <video
      ref={video}
      className="own-picture"
      data-testid="own-picture"
      aria-label="Your own picture"
      autoPlay
      muted
      playsInline
    />
  );
}

interface BrowserPanelProps {
  broadcast: Broadcast;
  /** An encoder or another tab is on the air. */
  isLiveElsewhere: boolean;
}

function Controls({ broadcast, isLiveElsewhere }: BrowserPanelProps) {
  const { state, choose, goLive, stop } = broadcast;
  if (state === 'live' || state === 'starting') {
    return (
      <Button look="danger" onClick={stop} data-testid="stop-live">
        Stop the show
      </Button>
    );
  }
  return (
    <>
      {state === 'preview' ? (
        <Button look="primary" disabled={isLiveElsewhere} onClick={goLive} data-testid="go-live">
          Go live
        </Button>
      ) : null}
      <Button onClick={() => choose('camera')} data-testid="use-camera">
        Use camera
      </Button>
      <Button onClick={() => choose('screen')} data-testid="use-screen">
        Share screen
      </Button>
      {state === 'preview' ? (
        <Button look="quiet" onClick={stop}>
          Turn off
        </Button>
      ) : null}
    </>
  );
}

export function BrowserPanel(props: BrowserPanelProps) {
  const { state, stream, problem } = props.broadcast;
  return (
    <section className="panel stack" aria-label="Publish from this browser">
      <h2>Publish from this browser</h2>
      {canCapture() ? (
        <>
          <p className="muted">
            No encoder needed. Keep this page open: the show ends when it closes.
          </p>
          {stream ? <OwnPicture stream={stream} /> : null}
          <p role="status" data-testid="broadcast-state" data-state={state}>
            {state === 'starting' ? 'Going live…' : ''}
            {state === 'live' ? 'You are live from this browser.' : ''}
            {state === 'preview' ? 'Only you see this picture.' : ''}
          </p>
          {problem === undefined ? null : <Notice tone="error">{problem}</Notice>}
          {props.isLiveElsewhere && state === 'preview' ? (
            <Notice tone="info">Your encoder is on stage. Stop it there first.</Notice>
          ) : null}
          <div className="row">
            <Controls {...props} />
          </div>
        </>
      ) : (
        <Notice tone="info">
          This browser hides camera and screen from pages without https. Use OBS here.
        </Notice>
      )}
    </section>
  );
}
