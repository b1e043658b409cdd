// The menu of the player: quality, the sound alone, the list of keys.
import { useRef } from 'react';
import { useCloseOutside } from '../shell/use-close-outside.js';
import { GearIcon, HeadphonesIcon, KeyboardIcon } from '../ui/icons.js';
import { audioOnly, automatic } from './playback.js';
import type { PlaybackView } from './use-playback.js';

interface PlayerMenuProps {
  view: PlaybackView;
  onKeys: () => void;
}

export function PlayerMenu({ view, onKeys }: PlayerMenuProps) {
  const ref = useRef<HTMLDetailsElement>(null);
  useCloseOutside(ref);
  const { qualities, quality, setQuality } = view;
  const close = (): void => {
    if (ref.current) ref.current.open = false;
  };
  const choose = (index: number): void => {
    setQuality(index);
    close();
  };
  const levels = qualities.length < 2 ? [] : [...qualities].reverse();
  return (
    <details className="player-menu" ref={ref}>
      <summary className="icon-button" aria-label="Settings" title="Settings">
        <GearIcon />
      </summary>
      <div className="player-menu-list" role="group" aria-label="Quality">
        {[{ index: automatic, label: 'Automatic' }, ...levels].map(({ index, label }) => (
          <button
            key={index}
            type="button"
            aria-pressed={quality === index}
            onClick={() => choose(index)}
          >
            {label}
          </button>
        ))}
        <button
          type="button"
          aria-pressed={quality === audioOnly}
          onClick={() => choose(audioOnly)}
          data-testid="audio-only"
        >
          <HeadphonesIcon /> Audio only
        </button>
        <button
          type="button"
          className="player-desktop player-menu-keys"
          onClick={() => {
            close();
            onKeys();
          }}
        >
          <KeyboardIcon /> Keys
        </button>
      </div>
    </details>
  );
}
