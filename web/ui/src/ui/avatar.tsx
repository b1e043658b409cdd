// The picture of an account, or its initial.
import { useState } from 'react';

interface AvatarProps {
  /** 128 px wide; 48 and 512 stand beside it. null = no picture. */
  url: string | null;
  name: string;
  size: 'small' | 'normal' | 'large';
}

const files = { small: '48.webp', normal: '128.webp', large: '512.webp' };

/** Decorative: the name always stands beside it. */
export function Avatar({ url, name, size }: AvatarProps) {
  const [brokenUrl, setBrokenUrl] = useState<string>();
  if (url === null || url === brokenUrl) {
    return (
      <span className={`avatar avatar-${size} avatar-letter`} aria-hidden="true">
        {name.slice(0, 1).toUpperCase()}
      </span>
    );
  }
  return (
    <img
      className={`avatar avatar-${size}`}
      src={url.replace(/[^/]+$/, files[size])}
      alt=""
      decoding="async"
      onError={() => setBrokenUrl(url)}
    />
  );
}
