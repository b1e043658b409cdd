// The door of a paid show: what it costs, what you have, how long that lasts, and the one button
// that starts the charge.
import { useState } from 'react';
import type { Room } from '../api/rooms.js';
import { formatCredits, formatCreditsUnit, secondsForCredits } from '../format/credits.js';
import { Poster } from '../lobby/poster.js';
import { Link } from '../router/link.js';
import { creditsHref, loginHref } from '../router/router.js';
import { Button } from '../ui/button.js';
import { Notice } from '../ui/notice.js';
import type { Offer } from './room-state.js';

interface PaidOfferProps {
  room: Room;
  offer: Offer;
  isMember: boolean;
  onAccept: (priceMilliPerMin: string) => Promise<void>;
}

function duration(sec: number): string {
  if (sec < 60) return `${String(sec)} seconds`;
  const minutes = Math.floor(sec / 60);
  return `${String(minutes)} ${minutes === 1 ? 'minute' : 'minutes'}`;
}

function Terms({ offer }: { offer: Offer }) {
  const { priceMilliPerMin: price, balanceMilli: balance } = offer;
  return (
    <dl className="terms">
      <div>
        <dt>Price</dt>
        <dd className="number">{formatCreditsUnit(price)} per minute</dd>
      </div>
      {balance === undefined ? null : (
        <>
          <div>
            <dt>You have</dt>
            <dd className="number">{formatCreditsUnit(balance)}</dd>
          </div>
          <div>
            <dt>Enough for</dt>
            <dd className="number">{duration(secondsForCredits(balance, price))}</dd>
          </div>
        </>
      )}
    </dl>
  );
}

function Action({ offer, isMember, onAccept }: Omit<PaidOfferProps, 'room'>) {
  const [isBusy, setBusy] = useState(false);
  if (!isMember) {
    return (
      <div className="row">
        <Link className="button button-primary button-large" href={loginHref()}>
          Log in to enter
        </Link>
        <Link className="button button-large" href={loginHref('signup')}>
          Sign up
        </Link>
      </div>
    );
  }
  if (!offer.isLive) {
    return (
      <Notice tone="info">
        The show has not started. This page opens the door by itself when it does.
      </Notice>
    );
  }
  if (offer.balanceMilli === '0' || offer.problem?.code === 'INSUFFICIENT_CREDIT') {
    return (
      <Link className="button button-primary button-large" href={creditsHref()}>
        Top up to enter
      </Link>
    );
  }
  const accept = (): void => {
    setBusy(true);
    void onAccept(offer.priceMilliPerMin).finally(() => setBusy(false));
  };
  return (
    <Button look="primary" size="large" isBusy={isBusy} onClick={accept} data-testid="enter-paid">
      Enter for {formatCredits(offer.priceMilliPerMin)} / min
    </Button>
  );
}

export function PaidOffer({ room, offer, isMember, onAccept }: PaidOfferProps) {
  return (
    <div className="stage stage-offer">
      <Poster seed={room.slug} name={room.model.name} />
      <div className="stage-curtain">
        <section className="offer" aria-label="Paid show">
          <h2 className="display">
            {room.model.name} {offer.isLive ? 'is in a paid show' : 'plays paid shows here'}
          </h2>
          <Terms offer={offer} />
          {offer.problem ? <Notice tone="error">{offer.problem.message}</Notice> : null}
          <Action offer={offer} isMember={isMember} onAccept={onAccept} />
          <p className="offer-small">
            Charged by the second while you are inside. Leaving or closing the page stops the
            charge.
          </p>
        </section>
      </div>
    </div>
  );
}
