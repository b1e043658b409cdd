// Camera, microphone and screen of this browser as one stream. Used by the broadcast panel.
export type Source = 'camera' | 'screen';

export interface Capture {
  stream: MediaStream;
  stop: () => void;
}

const picture = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };

async function microphone(): Promise<MediaStreamTrack[]> {
  try {
    return (await navigator.mediaDevices.getUserMedia({ audio: true })).getAudioTracks();
  } catch {
    // A silent screen is still a show.
    return [];
  }
}

/** @throws DOMException when the person or the machine refuses */
export async function capture(source: Source): Promise<Capture> {
  const media = navigator.mediaDevices;
  const stream =
    source === 'camera'
      ? await media.getUserMedia({ video: picture, audio: true })
      : await media.getDisplayMedia({ video: picture, audio: true });
  if (source === 'screen' && stream.getAudioTracks().length === 0) {
    for (const track of await microphone()) stream.addTrack(track);
  }
  return {
    stream,
    stop: () => {
      for (const track of stream.getTracks()) track.stop();
    },
  };
}

export function sizeOf(stream: MediaStream): { width: number; height: number } | undefined {
  const { width, height } = stream.getVideoTracks()[0]?.getSettings() ?? {};
  return width === undefined || height === undefined ? undefined : { width, height };
}

const refusals: Record<string, string> = {
  NotAllowedError: 'The browser may not use it. Allow it beside the address and try again.',
  NotFoundError: 'No camera or microphone was found.',
  NotReadableError: 'Another program is using the camera.',
  OverconstrainedError: 'This camera has no picture that fits.',
};

export function explainCapture(error: unknown): string {
  const name = error instanceof DOMException ? error.name : '';
  return refusals[name] ?? 'The picture could not be started.';
}

export function canCapture(): boolean {
  // Browsers hide devices from pages that came without encryption.
  return 'mediaDevices' in navigator && typeof MediaRecorder === 'function';
}
