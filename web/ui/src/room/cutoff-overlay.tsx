// Says why a visit ended, and lets the visitor come back where that can help.
import { useEffect, useRef } from 'react';
import type { Room } from '../api/rooms.js';
import { Poster } from '../lobby/poster.js';
import { TopUpButton } from '../credits/top-up.js';
import { Link } from '../router/link.js';
import { Button } from '../ui/button.js';
import { describeCut } from './room-state.js';

interface CutoffOverlayProps {
  room: Room;
  reason: string;
  onReturn: () => void;
}

export function CutoffOverlay({ room, reason, onReturn }: CutoffOverlayProps) {
  const { title, text, canReturn } = describeCut(reason);
  const isBroke = reason === 'insufficient_credit';
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <div className="stage stage-offer" data-testid="cutoff" data-reason={reason}>
      <Poster seed={room.slug} name={room.model.name} />
      <div className="stage-curtain">
        <section className="offer" role="alert">
          <h2 className="display" tabIndex={-1} ref={heading}>
            {title}
          </h2>
          <p>{text}</p>
          <div className="row">
            {isBroke ? (
              <TopUpButton look="primary" size="large" onDone={onReturn}>
                Top up
              </TopUpButton>
            ) : null}
            {canReturn ? (
              <Button look={isBroke ? 'plain' : 'primary'} size="large" onClick={onReturn}>
                Back to the door
              </Button>
            ) : null}
            {isBroke ? null : (
              <Link className="button button-large" href="/">
                Other shows
              </Link>
            )}
          </div>
        </section>
      </div>
    </div>
  );
}
