// The house emotes as small drawings; the typed name stays readable for screen readers.
import type { EmoteName } from './chat-text.js';

const drawings: Record<EmoteName, { color: string; path: string }> = {
  clap: {
    color: 'gold',
    path: 'M7 10 4.5 6.5M10 8.5 8 4.5M4 12.5l5 5c2 2 5.5 1.5 7-.5l1-6-2-1-1.500 2.500-5-5.500-1.500 1 3 4',
  },
  heart: {
    color: 'red',
    path: 'M10 16.500S3 12 3 7.500A3.700 3.700 0 0 1 10 6a3.700 3.700 0 0 1 7 1.500c0 4.500-7 9-7 9Z',
  },
  star: {
    color: 'gold',
    path: 'm10 2.500 2.300 4.900 5.200.7-3.800 3.700 1 5.300L10 14.500 5.300 17.100l1-5.300L2.500 8.100l5.200-.7L10 2.500Z',
  },
  rose: {
    color: 'red',
    path: 'M10 10.500a3.500 3.500 0 1 0-3.500-3.500c0 2 1.500 3.500 3.500 3.500ZM10 4.500c-1.500 1-1.500 3.500 0 4.500M10 10.500V18m0-3c2 0 3.500-1 4-2.500',
  },
  wow: {
    color: 'blue',
    path: 'M10 17.500a7.500 7.500 0 1 0 0-15 7.500 7.500 0 0 0 0 15ZM7 7.500v1M13 7.500v1M10 14.500a1.700 1.700 0 1 0 0-3.400 1.700 1.700 0 0 0 0 3.400Z',
  },
  laugh: {
    color: 'gold',
    path: 'M10 17.500a7.500 7.500 0 1 0 0-15 7.500 7.500 0 0 0 0 15ZM6 8l1.500-1L9 8M11 8l1.500-1L14 8M6 11.500h8c0 2.500-1.800 4-4 4s-4-1.500-4-4Z',
  },
  curtain: {
    color: 'red',
    path: 'M2.500 3h15M4 3v14M16 3v14M4 17c3-2 5-7 6-14M16 17c-3-2-5-7-6-14',
  },
  encore: {
    color: 'blue',
    path: 'M4 10a6 6 0 0 1 10.500-4M16 10a6 6 0 0 1-10.500 4M15 2.500V6h-3.500M5 17.500V14h3.500',
  },
};

export function Emote({ name }: { name: EmoteName }) {
  const { color, path } = drawings[name];
  return (
    <svg className={`icon emote emote-${color}`} viewBox="0 0 20 20" role="img" aria-label={name}>
      <path d={path} />
    </svg>
  );
}
