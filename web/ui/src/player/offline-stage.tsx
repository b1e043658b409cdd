// What stands in place of the picture while nobody broadcasts.
import { Poster } from '../lobby/poster.js';
import '../styles/player.css';

interface OfflineStageProps {
  slug: string;
  name: string;
  text: string;
}

export function OfflineStage({ slug, name, text }: OfflineStageProps) {
  return (
    <div className="stage" data-testid="offline">
      <Poster seed={slug} name={name} />
      <p className="offline-words" role="status">
        <span className="badge badge-off">OFFLINE</span> {text}
      </p>
    </div>
  );
}
