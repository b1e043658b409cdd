// Past shows as video: a list, and the chosen one playing in the page.
import { useState } from 'react';
import { fetchRecordings, playRecording } from '../api/recordings.js';
import type { Recording } from '../api/recordings.js';
import { toProblem } from '../api/problem.js';
import { formatCountdown, formatDate } from '../format/clock.js';
import { useLoad } from '../state/use-load.js';
import { Button } from '../ui/button.js';
import { Notice } from '../ui/notice.js';

export function recordingTitle({ title, startedAt }: Recording): string {
  return title === '' ? `Show of ${formatDate(startedAt)}` : title;
}

/** Date and length. */
export function RecordingFacts({ recording: { startedAt, durationMs, isReady } }: FactsProps) {
  const length = durationMs > 0 ? formatCountdown(durationMs / 1_000) : 'being recorded';
  return (
    <span className="show-more number">
      <time dateTime={startedAt}>{formatDate(startedAt)}</time> · {length}
      {durationMs > 0 && !isReady ? ' · being made ready' : ''}
    </span>
  );
}

interface FactsProps {
  recording: Recording;
}

interface Playing {
  recording: Recording;
  url: string;
}

/** Nothing where there is nothing to see. */
export function Recordings({ slug, who }: { slug: string; who: string | undefined }) {
  const { data } = useLoad(() => fetchRecordings(slug), [slug, who]);
  const [playing, setPlaying] = useState<Playing>();
  const [failure, setFailure] = useState<string>();
  const list = (data?.recordings ?? []).filter((one) => one.isReady);
  if (list.length === 0) return null;
  const play = (recording: Recording): void => {
    setFailure(undefined);
    playRecording(slug, recording.id)
      .then(({ url }) => setPlaying({ recording, url }))
      .catch((thrown: unknown) => setFailure(toProblem(thrown).message));
  };
  return (
    <section aria-label="Recordings" data-testid="recordings">
      <h2>Watch again</h2>
      {playing ? (
        <video
          className="recording-player"
          data-testid="recording-video"
          key={playing.url}
          src={playing.url}
          controls
          autoPlay
          playsInline
          aria-label={recordingTitle(playing.recording)}
          onError={() => setFailure('The recording cannot be played just now.')}
        />
      ) : null}
      {failure === undefined ? null : <Notice tone="error">{failure}</Notice>}
      <ul className="show-list">
        {list.map((one) => (
          <li key={one.id} className="recording" data-testid="recording">
            <span className="recording-words">
              {recordingTitle(one)} <RecordingFacts recording={one} />
            </span>
            {one.isShown ? null : <span className="badge badge-outline">ONLY YOU</span>}
            <Button
              size="small"
              aria-pressed={playing?.recording.id === one.id}
              aria-label={`Play ${recordingTitle(one)}`}
              onClick={() => play(one)}
            >
              Play
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}
