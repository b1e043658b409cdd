// The house emotes as small drawings; the typed name stays readable for screen readers.
import type { EmoteName } from './chat-text.js';

interface Drawing {
  color: 'gold' | 'red' | 'blue';
  paths: string[];
}

const face = 'M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15Z';

const drawings: Record<EmoteName, Drawing> = {
  clap: {
    color: 'gold',
    paths: [
      'm7.5 10.5-3-3.5M10 8.5l-3-3.5M5 13.5l4 3.5c2 1.5 5 1.2 6.5-1l1.5-6.5',
      'M17 9.5c-1-.8-2-.5-2.5 1L14 12 9.5 6.5M7.5 10.5l3 3.5',
      'M4 3 3 1.5M8 2.2V.8M12 3l1-1.5',
    ],
  },
  heart: {
    color: 'red',
    paths: ['M10 16.5S3 12 3 7.5A3.7 3.7 0 0 1 10 6a3.7 3.7 0 0 1 7 1.5c0 4.5-7 9-7 9Z'],
  },
  star: {
    color: 'gold',
    paths: ['m10 2.5 2.3 4.900 5.2.7-3.800 3.7 1 5.3L10 14.5l-4.7 2.600 1-5.3L2.5 8.100l5.2-.7Z'],
  },
  rose: {
    color: 'red',
    paths: [
      'M10 10.5A3.5 3.5 0 1 0 6.5 7c0 2 1.5 3.5 3.5 3.5ZM10 4.5c-1.5 1-1.5 3.5 0 4.5',
      'M10 10.5V18m0-3c2 0 3.5-1 4-2.5',
    ],
  },
  wow: {
    color: 'blue',
    paths: [face, 'M7 7.5v1M13 7.5v1M10 14.5a1.7 1.7 0 1 0 0-3.400 1.7 1.7 0 0 0 0 3.400Z'],
  },
  laugh: {
    color: 'gold',
    paths: [face, 'm6 8 1.5-1L9 8M11 8l1.5-1L14 8M6 11.5h8c0 2.5-1.800 4-4 4s-4-1.5-4-4Z'],
  },
  curtain: {
    color: 'red',
    paths: ['M2.5 3h15M4 3v14M16 3v14M4 17c3-2 5-7 6-14M16 17c-3-2-5-7-6-14'],
  },
  encore: {
    color: 'blue',
    paths: ['M4 10a6 6 0 0 1 10.5-4M16 10a6 6 0 0 1-10.5 4M15 2.5V6h-3.5M5 17.5V14h3.5'],
  },
};

export function Emote({ name }: { name: EmoteName }) {
  const { color, paths } = drawings[name];
  return (
    <svg className={`icon emote emote-${color}`} viewBox="0 0 20 20" role="img" aria-label={name}>
      {paths.map((path) => (
        <path key={path} d={path} />
      ))}
    </svg>
  );
}
