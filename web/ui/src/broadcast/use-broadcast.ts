// A broadcast from this browser as a page sees it: picture chosen, on the air, ended and why.
import { useEffect, useRef, useState } from 'react';
import { fetchPublishTicket } from '../api/broadcast.js';
import type { StreamFigures } from '../api/broadcast.js';
import { toProblem } from '../api/problem.js';
import { BrowserPublish, pickMime } from './browser-publish.js';
import type { Recorder } from './browser-publish.js';
import { capture, explainCapture, sizeOf } from './capture.js';
import type { Capture, Source } from './capture.js';

export interface Broadcast {
  state: 'idle' | 'preview' | 'starting' | 'live';
  stream: MediaStream | undefined;
  figures: StreamFigures | undefined;
  /** Why the last attempt or show ended, where it was not our wish. */
  problem: string | undefined;
  choose: (source: Source) => void;
  goLive: () => void;
  stop: () => void;
}

const videoBitsPerSecond = 2_500_000;

const pieceMs = 500;

/** Undefined where the browser records nothing that the ingest reads. */
function recorderOf(stream: MediaStream): Recorder | undefined {
  const mimeType = pickMime((mime) => MediaRecorder.isTypeSupported(mime));
  if (mimeType === undefined) return undefined;
  const recorder = new MediaRecorder(stream, { mimeType, videoBitsPerSecond });
  return {
    mimeType,
    start: ({ onPiece, onError }) => {
      recorder.ondataavailable = ({ data }) => onPiece(data);
      recorder.onerror = onError;
      recorder.start(pieceMs);
    },
    stop: () => {
      recorder.ondataavailable = null;
      if (recorder.state !== 'inactive') recorder.stop();
    },
  };
}

export function useBroadcast(): Broadcast {
  const [state, setState] = useState<Broadcast['state']>('idle');
  const [captured, setCaptured] = useState<Capture>();
  const [figures, setFigures] = useState<StreamFigures>();
  const [problem, setProblem] = useState<string>();
  const publish = useRef<BrowserPublish>(undefined);
  const held = useRef<Capture>(undefined);

  const drop = (): void => {
    publish.current?.stop();
    publish.current = undefined;
    held.current?.stop();
    held.current = undefined;
  };
  // A page that is left must not keep the camera on.
  useEffect(() => drop, []);

  const over = (reason: string): void => {
    publish.current = undefined;
    setFigures(undefined);
    setState(held.current ? 'preview' : 'idle');
    setProblem(reason === '' ? undefined : reason);
  };
  const stop = (): void => {
    drop();
    setCaptured(undefined);
    setState('idle');
  };
  const choose = (source: Source): void => {
    setProblem(undefined);
    capture(source)
      .then((taken) => {
        drop();
        held.current = taken;
        setCaptured(taken);
        setState('preview');
        // The browser's own bar ends a shared screen.
        taken.stream.getVideoTracks()[0]?.addEventListener('ended', stop);
      })
      .catch((error: unknown) => setProblem(explainCapture(error)));
  };
  const begin = async ({ stream }: Capture): Promise<void> => {
    const recorder = recorderOf(stream);
    if (!recorder) throw new Error('This browser cannot record video. Use OBS instead.');
    const ticket = await fetchPublishTicket();
    if (held.current?.stream !== stream) return;
    const size = sizeOf(stream);
    publish.current = new BrowserPublish(
      { recorder, ticket, ...(size ? { size } : {}) },
      { onLive: () => setState('live'), onHealth: setFigures, onEnd: over },
    );
  };
  const goLive = (): void => {
    if (!captured || state !== 'preview') return;
    setState('starting');
    setProblem(undefined);
    begin(captured).catch((error: unknown) => {
      const isOurs = error instanceof Error && error.message.startsWith('This browser');
      over(isOurs ? error.message : toProblem(error).message);
    });
  };
  return { state, stream: captured?.stream, figures, problem, choose, goLive, stop };
}
