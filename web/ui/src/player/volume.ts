// Loudness as the visitor left it, kept over rooms and visits. A browser may still insist on
// starting muted.
export interface Volume {
  level: number;
  isMuted: boolean;
}

const storageKey = 'showbill.volume';
const initial: Volume = { level: 0.8, isMuted: true };

export function readVolume(text: string | null): Volume {
  try {
    const value = JSON.parse(text ?? 'null') as Partial<Volume> | null;
    const level = Number(value?.level);
    if (!(level >= 0 && level <= 1) || typeof value?.isMuted !== 'boolean') return initial;
    return { level, isMuted: value.isMuted };
  } catch {
    return initial;
  }
}

export function loadVolume(): Volume {
  try {
    return readVolume(localStorage.getItem(storageKey));
  } catch {
    return initial;
  }
}

export function saveVolume(volume: Volume): void {
  try {
    localStorage.setItem(storageKey, JSON.stringify(volume));
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}
