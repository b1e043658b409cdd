// The printed bill of a room: drawn from its slug alone, so a room always has a face, the same on
// every visit.
import { hashText } from '../format/hash.js';
import '../styles/poster.css';

const palettes = 7;
const patterns = 6;

function Spotlights() {
  return (
    <>
      <path className="ink-2" d="M30-10 118 180H-20z" />
      <path className="ink-3" d="M290-10 340 180H150z" />
      <ellipse className="ink-4" cx="160" cy="172" rx="120" ry="26" />
    </>
  );
}

function Curtain() {
  const folds = Array.from({ length: 9 }, (_, i) => i * 40 - 20);
  return (
    <>
      {folds.map((x, i) => (
        <path
          key={x}
          className={i % 2 === 0 ? 'ink-2' : 'ink-3'}
          d={`M${String(x)} 0h40v150q-20 26-40 0z`}
        />
      ))}
      <path className="ink-4" d="M0 0h320v16H0z" />
    </>
  );
}

function Arches() {
  const radii = [170, 132, 94, 56];
  return (
    <>
      {radii.map((r, i) => (
        <circle key={r} className={`ink-${String((i % 3) + 2)}`} cx="250" cy="180" r={r} />
      ))}
    </>
  );
}

function Footlights() {
  const bulbs = [20, 76, 132, 188, 244, 300];
  return (
    <>
      <path className="ink-2" d="M0 116h320v64H0z" />
      {bulbs.map((x, i) => (
        <circle key={x} className={i % 2 === 0 ? 'ink-3' : 'ink-4'} cx={x} cy="116" r="28" />
      ))}
    </>
  );
}

function Harlequin() {
  const cells = Array.from({ length: 18 }, (_, i) => ({
    x: (i % 6) * 64,
    y: Math.floor(i / 6) * 72,
  }));
  return (
    <>
      {cells.map(({ x, y }, i) => (
        <path
          key={i}
          className={`ink-${String(((i * 5) % 3) + 2)}`}
          d={`M${String(x)} ${String(y - 36)}l32 36-32 36-32-36z`}
        />
      ))}
    </>
  );
}

function Rays() {
  const turns = Array.from({ length: 12 }, (_, i) => i * 30);
  return (
    <g transform="translate(236 150)">
      {turns.map((turn, i) => (
        <path
          key={turn}
          className={i % 2 === 0 ? 'ink-2' : 'ink-3'}
          d="M0 0 300-40V40z"
          transform={`rotate(${String(turn)})`}
        />
      ))}
      <circle className="ink-4" r="44" />
    </g>
  );
}

const drawings = [Spotlights, Curtain, Arches, Footlights, Harlequin, Rays];

export function Poster({ seed, name }: { seed: string; name: string }) {
  const hash = hashText(seed);
  const Drawing = drawings[(hash >>> 8) % patterns] ?? Spotlights;
  return (
    <div className={`poster poster-${String(hash % palettes)}`} aria-hidden="true">
      <svg viewBox="0 0 320 180" preserveAspectRatio="xMidYMid slice" focusable="false">
        <Drawing />
      </svg>
      <span className="poster-name display">{name}</span>
    </div>
  );
}
