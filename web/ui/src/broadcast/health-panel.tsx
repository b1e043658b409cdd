// How the show arrives at the house: newest picture, bit rate, frames, key frames, what is wrong.
import { useEffect } from 'react';
import { fetchHealth } from '../api/broadcast.js';
import type { StreamFigures, StreamHealth } from '../api/broadcast.js';
import { formatSpan, formatViewers } from '../format/clock.js';
import { useLoad } from '../state/use-load.js';
import { Notice } from '../ui/notice.js';
import { adviseOn } from './advice.js';

const refreshEveryMs = 4000;

function Figures({ figures, health }: { figures: StreamFigures; health: StreamHealth }) {
  const { video } = health;
  const rows: [string, string][] = [
    ['Bit rate', `${String(Math.round(figures.bitrateKbps))} kbit/s`],
    ['Frames', `${String(Math.round(figures.fps))} / s`],
    ['Key frame every', `${figures.keyFrameSec.toFixed(1)} s`],
    ['Dropped frames', String(figures.droppedFrames)],
    ...(video
      ? [['Picture', `${String(video.width)} × ${String(video.height)}`] as [string, string]]
      : []),
  ];
  return (
    <dl className="health" data-testid="health">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className="number">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** `own`: figures of a broadcast from this page, newer than those of the house. */
export function HealthPanel({ isLive, own }: { isLive: boolean; own: StreamFigures | undefined }) {
  const { data, problem, reload } = useLoad(fetchHealth, [isLive]);
  useEffect(() => {
    if (!isLive) return undefined;
    const clock = window.setInterval(() => {
      if (document.visibilityState === 'visible') reload();
    }, refreshEveryMs);
    return () => window.clearInterval(clock);
  }, [isLive, reload]);
  const figures = own ?? data?.health ?? undefined;
  if (!isLive || !data?.isLive) return null;
  return (
    <section className="panel stack" aria-label="Health of the broadcast">
      <div className="panel-head">
        <h2>On stage</h2>
        <span className="muted number">
          {formatViewers(data.viewers)}
          {data.startedAt === null
            ? ''
            : ` · for ${formatSpan(Date.now() - Date.parse(data.startedAt))}`}
        </span>
      </div>
      {data.previewUrl === null ? null : (
        <img className="own-picture" src={data.previewUrl} alt="What viewers see now" />
      )}
      {figures ? (
        <>
          <Figures figures={figures} health={data} />
          {adviseOn(figures).map((words) => (
            <Notice key={words} tone="info">
              {words}
            </Notice>
          ))}
        </>
      ) : (
        <p className="muted">Figures follow in a few seconds.</p>
      )}
      {data.notes.length === 0 ? null : (
        <p className="muted">The house re-encodes your picture: {data.notes.join('; ')}.</p>
      )}
      {problem ? <Notice tone="error">{problem.message}</Notice> : null}
    </section>
  );
}
