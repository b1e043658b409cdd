// The bar below the picture: sound, distance from the live moment, quality, theatre,
// picture-in-picture, full screen.
import { useEffect, useState } from 'react';
import type { RefObject } from 'react';
import { IconButton } from '../ui/button.js';
import { FullscreenIcon, MutedIcon, PictureIcon, TheatreIcon, VolumeIcon } from '../ui/icons.js';
import type { Playback } from './playback.js';
import { PlayerMenu } from './player-menu.js';
import type { PlaybackView } from './use-playback.js';
import type { VolumeControl } from './use-volume.js';

interface PlayerControlsProps {
  video: RefObject<HTMLVideoElement | null>;
  frame: RefObject<HTMLDivElement | null>;
  view: PlaybackView;
  volume: VolumeControl;
  isTheatre: boolean;
  onTheatre: () => void;
  onKeys: () => void;
}

const behindSec = 12;

function useLatency(playback: RefObject<Playback | undefined>): number | undefined {
  const [latencySec, setLatencySec] = useState<number>();
  useEffect(() => {
    const timer = window.setInterval(() => setLatencySec(playback.current?.latencySec()), 1000);
    return () => window.clearInterval(timer);
  }, [playback]);
  return latencySec;
}

function Latency({ playback }: { playback: RefObject<Playback | undefined> }) {
  const latencySec = useLatency(playback);
  const isBehind = latencySec !== undefined && latencySec > behindSec;
  return (
    <button
      type="button"
      className={isBehind ? 'player-live is-behind' : 'player-live'}
      title={isBehind ? 'Jump to the live moment' : 'Delay behind the stage'}
      onClick={() => playback.current?.seekToLive()}
    >
      <span className="player-live-dot" aria-hidden="true" />
      LIVE
      {latencySec === undefined ? null : (
        <span className="number" data-testid="latency">
          <span className="visually-hidden">, delay </span>
          {latencySec.toFixed(1)} s
        </span>
      )}
    </button>
  );
}

function Sound({ volume }: { volume: VolumeControl }) {
  const isSilent = volume.isMuted || volume.level === 0;
  return (
    <div className="player-sound">
      <IconButton label={isSilent ? 'Unmute' : 'Mute'} onClick={() => volume.setMuted(!isSilent)}>
        {isSilent ? <MutedIcon /> : <VolumeIcon />}
      </IconButton>
      <input
        type="range"
        aria-label="Volume"
        min={0}
        max={1}
        step={0.05}
        value={volume.isMuted ? 0 : volume.level}
        onChange={(event) => volume.setLevel(Number(event.target.value))}
      />
    </div>
  );
}

interface FullscreenVideo extends HTMLVideoElement {
  /** iPhone: only the video itself can fill the screen. */
  webkitEnterFullscreen?: () => void;
}

export async function toggleFullscreen(frame: HTMLElement | null, video: FullscreenVideo | null) {
  if (document.fullscreenElement) await document.exitFullscreen();
  else if (frame && 'requestFullscreen' in frame) await frame.requestFullscreen();
  else video?.webkitEnterFullscreen?.();
}

export async function togglePicture(video: HTMLVideoElement | null): Promise<void> {
  if (document.pictureInPictureElement) await document.exitPictureInPicture();
  else await video?.requestPictureInPicture();
}

export function PlayerControls(props: PlayerControlsProps) {
  const { video, frame, view, volume, isTheatre, onTheatre, onKeys } = props;
  const ignore = (): undefined => undefined;
  return (
    <div className="player-controls">
      <Sound volume={volume} />
      <Latency playback={view.playback} />
      <span className="player-space" />
      <PlayerMenu view={view} onKeys={onKeys} />
      {document.pictureInPictureEnabled ? (
        <IconButton
          label="Picture in picture"
          className="player-wide"
          onClick={() => void togglePicture(video.current).catch(ignore)}
        >
          <PictureIcon />
        </IconButton>
      ) : null}
      <IconButton
        label="Theatre mode"
        className="player-desktop"
        aria-pressed={isTheatre}
        onClick={onTheatre}
      >
        <TheatreIcon />
      </IconButton>
      <IconButton
        label="Full screen"
        onClick={() => void toggleFullscreen(frame.current, video.current).catch(ignore)}
      >
        <FullscreenIcon />
      </IconButton>
    </div>
  );
}
