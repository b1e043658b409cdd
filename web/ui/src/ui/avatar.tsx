// The picture of an account, or its initial.
import { useState } from 'react';

interface AvatarProps {
  /** 256 px wide; one of 64 stands beside it. null = no picture. */
  url: string | null;
  name: string;
  size: 'small' | 'normal' | 'large';
}

const widths = { small: '64', normal: '64', large: '256' };

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
      src={url.replace(/-\d+\.webp$/, `-${widths[size]}.webp`)}
      alt=""
      decoding="async"
      onError={() => setBrokenUrl(url)}
    />
  );
}
