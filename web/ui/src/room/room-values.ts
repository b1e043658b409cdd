// Goal and leaderboard of a room as they are pushed. Foreign input: what does not fit is ignored.
import { asFields, asText } from '../chat/chat-wire.js';

export interface Goal {
  targetMilli: string;
  sumMilli: string;
  text: string;
}

export interface Leader {
  id: string;
  name: string;
  amountMilli: string;
}

const isMilli = (text: string | undefined): text is string =>
  text !== undefined && /^\d{1,18}$/.test(text);

/** `{ target, sum, text? }`; undefined where there is no goal. */
export function readGoal(body: unknown): Goal | undefined {
  const fields = asFields(body);
  const targetMilli = asText(fields['target']);
  const sumMilli = asText(fields['sum']);
  if (!isMilli(targetMilli) || !isMilli(sumMilli) || BigInt(targetMilli) === 0n) return undefined;
  return { targetMilli, sumMilli, text: asText(fields['text']) ?? '' };
}

/** How much of the goal is reached, 0 to 100, rounded down. */
export function goalPercent({ targetMilli, sumMilli }: Goal): number {
  const percent = (BigInt(sumMilli) * 100n) / BigInt(targetMilli);
  return percent > 100n ? 100 : Number(percent);
}

const leadersMax = 10;

/** `{ top: [{ id, name, amount }] }`, the most generous first. */
export function readLeaders(body: unknown): Leader[] {
  const { top } = asFields(body);
  if (!Array.isArray(top)) return [];
  return (top as unknown[]).slice(0, leadersMax).flatMap((row, at) => {
    const fields = asFields(row);
    const name = asText(fields['name']);
    const amountMilli = asText(fields['amount']);
    if (name === undefined || !isMilli(amountMilli)) return [];
    return [{ id: asText(fields['id']) ?? String(at), name, amountMilli }];
  });
}
