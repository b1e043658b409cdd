// The picture of a live room: video, controls, and what to say while there is no picture.
import { useEffect, useRef, useState } from 'react';
import type { ReactNode } from 'react';
import { Button } from '../ui/button.js';
import { HeadphonesIcon, MutedIcon } from '../ui/icons.js';
import { KeysDialog } from './keys-dialog.js';
import { audioOnly, automatic } from './playback.js';
import type { PlaybackPhase } from './playback.js';
import { PlayerControls, toggleFullscreen, togglePicture } from './player-controls.js';
import { usePlayback } from './use-playback.js';
import { useShortcuts } from './use-shortcuts.js';
import type { Shortcut } from './use-shortcuts.js';
import { useVolume } from './use-volume.js';
import '../styles/player.css';

interface LivePlayerProps {
  url: string;
  title: string;
  renewUrl: () => Promise<string | undefined>;
  isTheatre: boolean;
  onTheatre: () => void;
  /** Shown over the picture, for example a tip. */
  children?: ReactNode;
}

const phaseWords: Record<PlaybackPhase, string> = {
  starting: 'The picture is coming',
  playing: '',
  stalled: 'Waiting for the picture',
  failed: 'The picture cannot be shown here',
};

const ignore = (): undefined => undefined;

/** A stall shorter than this is not worth words over the picture. */
const patienceMs = 900;

function useShownPhase(phase: PlaybackPhase): PlaybackPhase {
  const [shown, setShown] = useState(phase);
  useEffect(() => {
    if (phase !== 'stalled') {
      setShown(phase);
      return undefined;
    }
    const timer = window.setTimeout(() => setShown('stalled'), patienceMs);
    return () => window.clearTimeout(timer);
  }, [phase]);
  return shown;
}

export function LivePlayer(props: LivePlayerProps) {
  const { url, title, renewUrl, isTheatre, onTheatre, children } = props;
  const frame = useRef<HTMLDivElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const view = usePlayback(video, url, renewUrl);
  const volume = useVolume(video);
  const phase = useShownPhase(view.phase);
  const [areKeysShown, setKeysShown] = useState(false);
  const showKeys = (): void => setKeysShown(true);
  const isSoundOnly = view.quality === audioOnly;
  useShortcuts((shortcut) => {
    const actions: Record<Shortcut, () => void> = {
      m: () => volume.setMuted(!volume.isMuted),
      ArrowUp: () => volume.setLevel(Math.min(1, volume.level + 0.1)),
      ArrowDown: () => volume.setLevel(Math.max(0, volume.level - 0.1)),
      f: () => void toggleFullscreen(frame.current, video.current).catch(ignore),
      t: onTheatre,
      i: () => void togglePicture(video.current).catch(ignore),
      a: () => view.setQuality(isSoundOnly ? automatic : audioOnly),
      l: () => view.playback.current?.seekToLive(),
      c: () => document.querySelector<HTMLElement>('.composer textarea')?.focus(),
      '?': showKeys,
    };
    actions[shortcut]();
  });
  return (
    <div className="stage player" ref={frame} data-phase={phase}>
      <video
        ref={video}
        data-testid="video"
        aria-label={title}
        autoPlay
        muted
        playsInline
        disableRemotePlayback
      />
      {isSoundOnly ? (
        <p className="player-sound-only" role="status">
          <HeadphonesIcon />
          Audio only
        </p>
      ) : null}
      {children}
      {phase === 'playing' ? null : (
        <p className="player-phase" role="status">
          {phase === 'failed' ? null : <span className="loading-bar" aria-hidden="true" />}
          {phaseWords[phase]}
        </p>
      )}
      {volume.isMuted && phase === 'playing' ? (
        <Button
          look="primary"
          className="player-unmute"
          icon={<MutedIcon />}
          onClick={() => volume.setMuted(false)}
        >
          Unmute
        </Button>
      ) : null}
      <PlayerControls
        video={video}
        frame={frame}
        view={view}
        volume={volume}
        isTheatre={isTheatre}
        onTheatre={onTheatre}
        onKeys={showKeys}
      />
      {areKeysShown ? <KeysDialog onClose={() => setKeysShown(false)} /> : null}
    </div>
  );
}
