// A model and viewers in a room on two workers, and short words for what they do; for tests of
// moderation and of what happens in a room.
import { until, type TestScope } from '../../cluster/testing/index.js';
import { RealtimeError, roomCalls, type RoomCalls } from '../client/index.js';
import { watch, type Watched } from './worker-harness.js';

export interface Person extends Watched {
  readonly room: RoomCalls;
  /** Says something: 'ok', the state it was answered with, or the code of the refusal. */
  readonly say: (text: string) => Promise<string>;
}

type Who = Parameters<typeof watch>[3];

export function enter(t: TestScope, url: string, room: string, who: Who): Person {
  const person = watch(t, [url], room, who);
  const { client } = person;
  return {
    ...person,
    room: roomCalls(client, room),
    say: (text) => client.publish(room, text).then(({ state }) => state ?? 'ok', codeOf),
  };
}

export function codeOf(thrown: unknown): string {
  return thrown instanceof RealtimeError ? thrown.code : `not a refusal: ${String(thrown)}`;
}

/** Settles when each has the room, or was refused. */
export async function allIn<P extends Watched>(people: readonly P[]): Promise<readonly P[]> {
  await until(() => people.every(({ events }) => events.length > 0), { what: 'all are in' });
  return people;
}

export interface Cast {
  readonly model: Person;
  /** At the second worker. */
  readonly anna: Person;
  /** At the model's worker. */
  readonly ben: Person;
}

export async function castRoom(t: TestScope, urls: readonly string[], room: string): Promise<Cast> {
  const [one = '', two = one] = urls;
  const model = enter(t, one, room, { sub: 'model', role: 'model', level: 'performer' });
  const anna = enter(t, two, room, { sub: 'anna' });
  const ben = enter(t, one, room, { sub: 'ben' });
  await allIn([model, anna, ben]);
  return { model, anna, ben };
}

/** Bodies of what somebody was shown of a kind, oldest first. */
export function bodies({ messages }: Watched, kind: string): Record<string, unknown>[] {
  return messages.filter((one) => one.kind === kind).map((one) => ({ ...one.body }));
}
