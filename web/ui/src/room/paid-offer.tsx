// The door of a paid show: what it costs, what you have, how long that lasts, and the one button
// that starts the charge.
import { useState } from 'react';
import type { Room } from '../api/rooms.js';
import { formatCredits, formatCreditsUnit, secondsForCredits } from '../format/credits.js';
import { Poster } from '../lobby/poster.js';
import { Link } from '../router/link.js';
import { loginHref } from '../router/router.js';
import { TopUpButton } from '../credits/top-up.js';
import { Button } from '../ui/button.js';
import { Notice } from '../ui/notice.js';
import type { Offer } from './room-state.js';

interface PaidOfferProps {
  room: Room;
  offer: Offer;
  isMember: boolean;
  onAccept: (offer: Offer) => Promise<void>;
  /** New credits: the offer is to be made again. */
  onTopUp: () => void;
}

function duration(sec: number): string {
  if (sec < 60) return `${String(sec)} seconds`;
  const minutes = Math.floor(sec / 60);
  return `${String(minutes)} ${minutes === 1 ? 'minute' : 'minutes'}`;
}

const isTicket = ({ showType }: Offer): boolean => showType === 'ticket';

function priceWords(offer: Offer): string {
  return isTicket(offer)
    ? `${formatCreditsUnit(offer.ticketMilli)} for the whole show`
    : `${formatCreditsUnit(offer.priceMilliPerMin)} per minute`;
}

/** Whether the wallet is too small to enter at all. */
function isShort({ balanceMilli, ticketMilli, problem, ...offer }: Offer): boolean {
  if (problem?.code === 'INSUFFICIENT_CREDIT') return true;
  if (balanceMilli === undefined) return false;
  const least = offer.showType === 'ticket' ? BigInt(ticketMilli) : 1n;
  return BigInt(balanceMilli) < least;
}

function Terms({ offer, graceSec }: { offer: Offer; graceSec: number }) {
  const { priceMilliPerMin: price, balanceMilli: balance } = offer;
  return (
    <dl className="terms">
      <div>
        <dt>Price</dt>
        <dd className="number">{priceWords(offer)}</dd>
      </div>
      {graceSec > 0 ? (
        <div>
          <dt>Free at the start</dt>
          <dd className="number">{duration(graceSec)}</dd>
        </div>
      ) : null}
      {balance === undefined ? null : (
        <>
          <div>
            <dt>You have</dt>
            <dd className="number">{formatCreditsUnit(balance)}</dd>
          </div>
          {isTicket(offer) ? null : (
            <div>
              <dt>Enough for</dt>
              <dd className="number">{duration(secondsForCredits(balance, price))}</dd>
            </div>
          )}
        </>
      )}
    </dl>
  );
}

function Action({ offer, isMember, onAccept, onTopUp }: Omit<PaidOfferProps, 'room'>) {
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
  if (isShort(offer)) {
    return (
      <TopUpButton look="primary" size="large" onDone={onTopUp}>
        Top up to enter
      </TopUpButton>
    );
  }
  const accept = (): void => {
    setBusy(true);
    void onAccept(offer).finally(() => setBusy(false));
  };
  return (
    <Button look="primary" size="large" isBusy={isBusy} onClick={accept} data-testid="enter-paid">
      {isTicket(offer)
        ? `Buy a ticket for ${formatCredits(offer.ticketMilli)}`
        : `Enter for ${formatCredits(offer.priceMilliPerMin)} / min`}
    </Button>
  );
}

const titles = {
  ticket: ['sells tickets for this show', 'plays shows with a ticket here'],
  private: ['waits for you in private', 'waits for you in private'],
  paid: ['is in a paid show', 'plays paid shows here'],
  free: ['is in a paid show', 'plays paid shows here'],
} as const;

const smallPrint = {
  ticket: 'Paid once. Until the show ends you may leave and come back.',
  other:
    'Charged by the second while you are inside. Leaving or closing the page stops the charge.',
};

export function PaidOffer({ room, offer, isMember, onAccept, onTopUp }: PaidOfferProps) {
  const [live, announced] = titles[offer.showType];
  const graceSec = offer.showType === 'private' ? (room.privateShow?.graceSec ?? 0) : 0;
  return (
    <div className="stage stage-offer">
      <Poster seed={room.slug} name={room.model.name} />
      <div className="stage-curtain">
        <section className="offer" aria-label="Paid show">
          <h2 className="display">
            {room.model.name} {offer.isLive ? live : announced}
          </h2>
          <Terms offer={offer} graceSec={graceSec} />
          {offer.problem ? <Notice tone="error">{offer.problem.message}</Notice> : null}
          <Action offer={offer} isMember={isMember} onAccept={onAccept} onTopUp={onTopUp} />
          <p className="offer-small">{isTicket(offer) ? smallPrint.ticket : smallPrint.other}</p>
        </section>
      </div>
    </div>
  );
}
