// What fills the place of the picture: the picture, the door of a paid show, the reason of a
// cut-off, or the offline bill.
import { useCallback } from 'react';
import type { Room } from '../api/rooms.js';
import { resolveHls } from '../api/rooms.js';
import { formatWhen } from '../format/clock.js';
import { LivePlayer } from '../player/live-player.js';
import { OfflineStage } from '../player/offline-stage.js';
import { ExternalPlayer } from '../programme/external-player.js';
import { CutoffOverlay } from './cutoff-overlay.js';
import { PaidOffer } from './paid-offer.js';
import { TipFlash } from './tip-flash.js';
import type { RoomView } from './use-room.js';

interface RoomStageProps {
  view: RoomView;
  room: Room;
  isMember: boolean;
  /** Player of another site in place of our own; null = none. */
  playerUrl: string | null;
  isTheatre: boolean;
  onTheatre: () => void;
}

function offlineText(room: Room): string {
  const last = room.lastLiveAt ?? undefined;
  return last === undefined
    ? 'The show begins here when the model goes live.'
    : `Last on stage ${formatWhen(last, Date.now())}.`;
}

export function RoomStage(props: RoomStageProps) {
  const { view, room, isMember, playerUrl, isTheatre, onTheatre } = props;
  const { state, visit, chat } = view;
  const { phase } = state;
  const renewUrl = useCallback(() => visit.renewHls(), [visit]);
  const offline = (text: string, isOffline = false) => (
    <OfflineStage slug={room.slug} name={room.model.name} text={text} isOffline={isOffline} />
  );
  switch (phase.at) {
    case 'loading':
    case 'missing':
      return offline('Opening the room…');
    case 'failed':
      return offline(`${phase.problem.message} Trying again…`);
    case 'refused':
      return offline(phase.problem.message);
    case 'offer':
      return (
        <PaidOffer
          room={room}
          offer={phase.offer}
          isMember={isMember}
          onAccept={(seen) => visit.accept(seen)}
          onTopUp={() => void visit.enter()}
        />
      );
    case 'cut':
      return (
        <CutoffOverlay room={room} reason={phase.reason} onReturn={() => void visit.enter()} />
      );
    case 'inside': {
      if (playerUrl !== null) {
        return (
          <div className="stage">
            <ExternalPlayer url={playerUrl} title={`Video of ${room.title}`} />
            <TipFlash chat={chat} />
          </div>
        );
      }
      const url = resolveHls(phase.entry.hlsUrl);
      if (url === undefined || !room.isLive) return offline(offlineText(room), true);
      return (
        <LivePlayer
          url={url}
          title={`Live video of ${room.model.name}`}
          renewUrl={renewUrl}
          isTheatre={isTheatre}
          onTheatre={onTheatre}
        >
          <TipFlash chat={chat} />
        </LivePlayer>
      );
    }
  }
}
