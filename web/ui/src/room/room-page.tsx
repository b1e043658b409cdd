// A room: picture, show, chat. On a phone the picture stands on top and the chat fills the rest; on
// a desktop they stand side by side.
import { useEffect, useState } from 'react';
import type { Room } from '../api/rooms.js';
import type { ChatAuthor, ChatLine } from '../chat/chat-log.js';
import { ChatPanel } from '../chat/chat-panel.js';
import { ActDialog } from '../moderation/act-dialog.js';
import { ModerationPanel } from '../moderation/moderation-panel.js';
import { ReportDialog } from '../moderation/report-dialog.js';
import { preloadPlayer } from '../player/hls-playback.js';
import { RoomNowNext } from '../programme/now-next.js';
import { useNowIn } from '../programme/now-store.js';
import { Link } from '../router/link.js';
import { sessionStore } from '../session/session.js';
import type { Session } from '../session/session.js';
import { siteStore } from '../site/site.js';
import { useStore } from '../state/use-store.js';
import { Button } from '../ui/button.js';
import { Blank, Loading } from '../ui/blank.js';
import { GoalBar } from './goal-bar.js';
import { LeaderList } from './leader-list.js';
import { RoomStage } from './room-stage.js';
import { ShowBar } from './show-bar.js';
import { useRoom } from './use-room.js';
import type { RoomView } from './use-room.js';
import { ViewerActions } from './viewer-actions.js';
import '../styles/room.css';

function authorOf({ user }: Session, level: string | undefined): ChatAuthor | undefined {
  if (!user) return undefined;
  const role = level === 'performer' ? 'model' : level === 'moderator' ? 'moderator' : user.role;
  return { id: user.id, name: user.username, role };
}

type LineDialog = { is: 'report'; line: ChatLine | undefined } | { is: 'act'; line: ChatLine };

interface RoomFrameProps {
  view: RoomView;
  room: Room;
  /** False where the address asks for the room alone. */
  hasChat: boolean;
}

function RoomFrame({ view, room, ...props }: RoomFrameProps) {
  const session = useStore(sessionStore);
  const [isTheatre, setTheatre] = useState(false);
  const { state, chat } = view;
  const { phase, level, viewers } = state;
  const entry = phase.at === 'inside' ? phase.entry : undefined;
  const isMember = session.state === 'member';
  const [dialog, setDialog] = useState<LineDialog>();
  const close = (): void => setDialog(undefined);
  const queueMoves = useStore(chat.queueMoves);
  const programme = useNowIn(room.slug);
  const hasChat = props.hasChat && programme.every((one) => one.room.hasChat);
  const isModerator = level === 'performer' || level === 'moderator' || level === 'admin';
  return (
    <main
      className={`room ${isTheatre ? 'is-theatre' : ''} ${hasChat ? '' : 'has-no-chat'}`}
      id="main"
      tabIndex={-1}
    >
      <div className="room-main">
        <RoomStage
          view={view}
          room={room}
          isMember={isMember}
          playerUrl={programme.find((one) => one.room.playerUrl !== null)?.room.playerUrl ?? null}
          isTheatre={isTheatre}
          onTheatre={() => setTheatre((now) => !now)}
        />
        <ShowBar
          room={room}
          entry={entry}
          viewers={viewers}
          canFollow={isMember && level !== 'performer'}
          canTip={isMember && entry !== undefined && level !== 'performer'}
        />
        {isMember && !isModerator ? (
          <ViewerActions
            room={room}
            onReport={() => setDialog({ is: 'report', line: undefined })}
          />
        ) : null}
        <RoomNowNext items={programme} />
        {state.goal ? <GoalBar goal={state.goal} /> : null}
        {room.model.about === '' ? null : (
          <section className="room-about">
            <h2>About {room.model.name}</h2>
            <p>{room.model.about}</p>
          </section>
        )}
      </div>
      {hasChat ? (
        <ChatPanel
          chat={chat}
          channel={entry?.ticket === undefined ? undefined : entry.channel}
          me={authorOf(session, level)}
          viewers={viewers}
          canWrite={level !== 'ghost' && level !== 'view'}
          isJoined={state.isJoined === true}
          onReport={isModerator ? undefined : (line) => setDialog({ is: 'report', line })}
          onModerate={isModerator ? (line) => setDialog({ is: 'act', line }) : undefined}
          moderation={<ModerationPanel slug={room.slug} queueMoves={queueMoves} />}
          beforePeople={<LeaderList leaders={state.leaders ?? []} />}
        />
      ) : null}
      {dialog?.is === 'report' ? (
        <ReportDialog slug={room.slug} line={dialog.line} onClose={close} />
      ) : null}
      {dialog?.is === 'act' ? (
        <ActDialog slug={room.slug} line={dialog.line} onClose={close} />
      ) : null}
    </main>
  );
}

export function RoomPage({ slug, hasChat }: { slug: string; hasChat: boolean }) {
  const session = useStore(sessionStore);
  const view = useRoom(slug, session.user?.id);
  const { phase, room } = view.state;
  const { name } = useStore(siteStore);
  useEffect(preloadPlayer, []);
  useEffect(() => {
    if (room) document.title = `${room.title} · ${room.model.name} · ${name}`;
  }, [room, name]);
  if (phase.at === 'missing') {
    return (
      <Blank title="No such room">
        <p>Nobody plays at this address. Perhaps the model has left the house.</p>
        <Link className="button button-primary" href="/">
          See what is live
        </Link>
      </Blank>
    );
  }
  if (!room && phase.at === 'failed') {
    return (
      <Blank title="The room cannot be opened">
        <p>{phase.problem.message} This page keeps trying.</p>
        <Button look="primary" onClick={() => location.reload()}>
          Try now
        </Button>
      </Blank>
    );
  }
  if (!room) return <Loading label="Opening the room" />;
  return <RoomFrame view={view} room={room} hasChat={hasChat} />;
}
