// Cursor of the room list: the sort position of the last room shown, opaque to clients.
import { FieldsError } from '../errors.js';

export interface ListCursor {
  readonly isLive: boolean;
  readonly recentMs: number;
  readonly id: string;
}

export function encodeCursor({ isLive, recentMs, id }: ListCursor): string {
  return Buffer.from(`${isLive ? 1 : 0}.${recentMs}.${id}`).toString('base64url');
}

/** @throws BAD_INPUT for what encodeCursor did not make. */
export function decodeCursor(text: string): ListCursor {
  const match = /^([01])\.(\d{1,15})\.(\d{1,19})$/.exec(Buffer.from(text, 'base64url').toString());
  const [, isLive, recentMs, id] = match ?? [];
  if (isLive === undefined || recentMs === undefined || id === undefined) {
    throw new FieldsError('BAD_INPUT', [
      { field: 'cursor', code: 'INVALID', message: 'This is not a cursor of this list.' },
    ]);
  }
  return { isLive: isLive === '1', recentMs: Number(recentMs), id };
}
