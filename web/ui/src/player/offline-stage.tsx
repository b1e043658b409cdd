// What stands in place of the picture while nobody broadcasts.
import { Poster } from '../lobby/poster.js';
import '../styles/player.css';

interface OfflineStageProps {
  slug: string;
  name: string;
  text: string;
  /** False where somebody may well broadcast, but not to this visitor, or not yet known. */
  isOffline?: boolean;
}

export function OfflineStage({ slug, name, text, isOffline = true }: OfflineStageProps) {
  return (
    <div className="stage" data-testid="offline">
      <Poster seed={slug} name={name} />
      <p className="offline-words" role="status">
        {isOffline ? <span className="badge badge-off">OFFLINE</span> : null} {text}
      </p>
    </div>
  );
}
