// The model's recordings: shown to everybody, hidden or deleted, and whether past shows are public.
import { useState } from 'react';
import {
  fetchOwnRecordings,
  removeRecording,
  setPastPublic,
  showRecording,
} from '../api/recordings.js';
import type { Recording } from '../api/recordings.js';
import { RecordingFacts, recordingTitle } from '../profile/recordings.js';
import { useActing } from '../state/use-acting.js';
import type { Acting } from '../state/use-acting.js';
import { useLoad } from '../state/use-load.js';
import { Button } from '../ui/button.js';
import { Notice } from '../ui/notice.js';
import '../styles/profile.css';

function Row({ recording, acting }: { recording: Recording; acting: Acting }) {
  const [isSure, setSure] = useState(false);
  const { id, isShown, durationMs } = recording;
  const title = recordingTitle(recording);
  return (
    <li className="recording" data-testid="own-recording">
      <span className="recording-words">
        {title} <RecordingFacts recording={recording} />
      </span>
      <Button
        size="small"
        isBusy={acting.isBusy}
        aria-label={`${isShown ? 'Hide' : 'Show to everybody'}: ${title}`}
        data-testid="recording-show"
        onClick={() => acting.run(showRecording(id, !isShown))}
      >
        {isShown ? 'Hide' : 'Show to everybody'}
      </Button>
      <Button
        size="small"
        look="danger"
        isBusy={acting.isBusy}
        disabled={durationMs === 0}
        aria-label={`${isSure ? 'Really delete' : 'Delete'} ${title}`}
        data-testid="recording-delete"
        onBlur={() => setSure(false)}
        onClick={() => {
          if (isSure) acting.run(removeRecording(id));
          setSure(!isSure);
        }}
      >
        {isSure ? 'Really delete' : 'Delete'}
      </Button>
    </li>
  );
}

export function RecordingsPanel() {
  const { data, problem, reload } = useLoad(fetchOwnRecordings, []);
  const { isBusy, failure, run } = useActing(reload);
  const words = failure ?? problem?.message;
  return (
    <section className="panel stack" aria-label="Past shows" data-testid="own-recordings">
      <h2>Past shows</h2>
      {words === undefined ? null : <Notice tone="error">{words}</Notice>}
      {data ? (
        <>
          <label className="check">
            <input
              type="checkbox"
              checked={data.isPublic}
              disabled={isBusy}
              data-testid="past-public"
              onChange={(event) => run(setPastPublic(event.target.checked))}
            />
            Others see my past shows
          </label>
          {data.recordings.length === 0 ? (
            <p className="muted">Nothing is recorded. What is, stays hidden until you show it.</p>
          ) : (
            <ul className="show-list">
              {data.recordings.map((one) => (
                <Row key={one.id} recording={one} acting={{ isBusy, run }} />
              ))}
            </ul>
          )}
        </>
      ) : null}
    </section>
  );
}
