// Volume of the <video> as React state; starts as the visitor left it and falls back to muted when
// the browser forbids sound.
import { useCallback, useEffect, useState } from 'react';
import type { RefObject } from 'react';
import { loadVolume, saveVolume } from './volume.js';
import type { Volume } from './volume.js';

export interface VolumeControl extends Volume {
  setLevel: (level: number) => void;
  setMuted: (isMuted: boolean) => void;
}

export function useVolume(videoRef: RefObject<HTMLVideoElement | null>): VolumeControl {
  const [volume, setVolume] = useState<Volume>(loadVolume);
  useEffect(() => {
    const video = videoRef.current;
    if (!video) return;
    video.volume = volume.level;
    video.muted = volume.isMuted;
  }, [videoRef, volume]);
  useEffect(() => {
    const video = videoRef.current;
    if (!video) return undefined;
    // Autoplay with sound is refused until the visitor has touched the page: mute and play rather
    // than stand still.
    const onLoaded = (): void => {
      video.play().catch((error: unknown) => {
        if (!(error instanceof DOMException) || error.name !== 'NotAllowedError') return;
        video.muted = true;
        setVolume((now) => ({ ...now, isMuted: true }));
        video.play().catch(() => undefined);
      });
    };
    video.addEventListener('loadedmetadata', onLoaded);
    return () => video.removeEventListener('loadedmetadata', onLoaded);
  }, [videoRef]);
  const change = useCallback((next: Volume) => {
    saveVolume(next);
    setVolume(next);
  }, []);
  return {
    ...volume,
    setLevel: (level) => change({ level, isMuted: level === 0 }),
    setMuted: (isMuted) => {
      change({ level: isMuted || volume.level > 0 ? volume.level : 0.5, isMuted });
    },
  };
}
