// The quality menu of the player.
import { useRef, useState } from 'react';
import { GearIcon } from '../ui/icons.js';
import type { Playback, QualityLevel } from './playback.js';

interface PlayerMenuProps {
  qualities: QualityLevel[];
  playback: React.RefObject<Playback | undefined>;
}

export function PlayerMenu({ qualities, playback }: PlayerMenuProps) {
  const ref = useRef<HTMLDetailsElement>(null);
  const [chosen, setChosen] = useState(-1);
  if (qualities.length < 2) return null;
  const choose = (index: number): void => {
    playback.current?.setQuality(index);
    setChosen(index);
    if (ref.current) ref.current.open = false;
  };
  const options = [{ index: -1, label: 'Automatic' }, ...[...qualities].reverse()];
  return (
    <details
      className="player-menu"
      ref={ref}
      onKeyDown={(event) => {
        if (event.key === 'Escape' && ref.current) ref.current.open = false;
      }}
      onBlur={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget)) event.currentTarget.open = false;
      }}
    >
      <summary className="icon-button" aria-label="Quality" title="Quality">
        <GearIcon />
      </summary>
      <div className="player-menu-list" role="group" aria-label="Quality">
        {options.map(({ index, label }) => (
          <button
            key={index}
            type="button"
            aria-pressed={chosen === index}
            onClick={() => choose(index)}
          >
            {label}
          </button>
        ))}
      </div>
    </details>
  );
}
