// Building blocks of request and reply schemas: the shapes of names, amounts, texts and ids. Each
// has the hint that a person reads beside the field. All routes take their fields from here.
import type { Readable } from 'node:stream';
import Type, { type TProperties, type TSchema } from 'typebox';

/** A request body: members that are not named are refused. */
export const Body = <T extends TProperties>(members: T) =>
  Type.Object(members, { additionalProperties: false });

/** For requests that say everything by their address; a missing body counts as `{}`. */
export const NoBody = Body({});

export const UserId = Type.String({
  pattern: '^[1-9][0-9]{0,18}$',
  'x-hint': 'A number is needed.',
});

export const Username = Type.String({
  pattern: '^[A-Za-z0-9]{3,30}$',
  'x-hint': 'Use 3 to 30 letters and digits.',
});

export const Email = Type.String({
  maxLength: 254,
  pattern: "^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9-]{1,63}\\.)+[A-Za-z0-9-]{2,63}$",
  'x-hint': 'This is not an e-mail address.',
});

export const Password = Type.String({
  minLength: 8,
  maxLength: 128,
  'x-hint': 'Use 8 to 128 characters.',
});

/** Slug of a room in an address. */
export const SlugParams = Type.Object({
  slug: Type.String({ pattern: '^[a-z0-9]{3,30}$', 'x-hint': 'There is no such room.' }),
});

/** Control characters and characters that turn the direction of text are refused. */
const PLAIN = '^[^\\u0000-\\u001f\\u007f\\u202a-\\u202e\\u2066-\\u2069]*$';

export const Text = (minLength: number, maxLength: number) =>
  Type.String({
    minLength,
    maxLength,
    pattern: PLAIN,
    'x-hint': `Use ${minLength} to ${maxLength} characters of plain text.`,
  });

/** Milli-credits, at least 1. */
export const AmountMilli = Type.String({
  pattern: '^[1-9][0-9]{0,12}$',
  'x-hint': 'A whole number of milli-credits above zero is needed.',
});

/** Milli-credits a minute; '0' is free, at most 1,000 credits. */
export const PriceMilli = Type.String({
  pattern: '^(0|[1-9][0-9]{0,5}|1000000)$',
  'x-hint': 'A price from 0 to 1000 credits a minute is needed.',
});

/** As PriceMilli, above zero. */
export const PaidPriceMilli = Type.String({
  pattern: '^([1-9][0-9]{0,5}|1000000)$',
  'x-hint': 'A price above 0, up to 1000 credits, is needed.',
});

/** Idempotency key, chosen by the client, new for every new command. */
export const CommandKey = Type.String({
  pattern: '^[A-Za-z0-9_.:-]{8,64}$',
  'x-hint': 'A key of 8 to 64 letters, digits, _ . : or - is needed.',
});

export const SessionId = Type.String({
  pattern: '^[0-9A-Z]{26}$',
  'x-hint': 'This is not a session.',
});

/** Milli-credits in a reply. */
export const Milli = Type.String({ pattern: '^-?[0-9]+$' });

/** RFC 9457; documents every fault of every route. */
export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String(),
    detail: Type.String(),
    retry: Type.Boolean(),
    errors: Type.Optional(
      Type.Array(
        Type.Object({ field: Type.String(), code: Type.String(), message: Type.String() }),
      ),
    ),
  },
  { additionalProperties: true },
);

/** `responses` of a route: its own success reply, and a problem for everything else. */
export const Replies = <S extends TSchema, C extends number = 200>(success: S, code?: C) =>
  ({ [code ?? 200]: success, '4xx': Problem, '5xx': Problem }) as Record<C, S> & {
    '4xx': typeof Problem;
    '5xx': typeof Problem;
  };

/** `responses` of a route that answers with a text of its own type, such as text/csv. */
export const TextReplies = (mediaType: string) => ({
  200: { description: mediaType, content: { [mediaType]: { schema: Type.String() } } },
  '4xx': Problem,
  '5xx': Problem,
});

/** As TextReplies, for a text that is sent as it is made. */
export const StreamReplies = (mediaType: string) => ({
  200: {
    description: mediaType,
    content: { [mediaType]: { schema: Type.Unsafe<Readable>(Type.String()) } },
  },
  '4xx': Problem,
  '5xx': Problem,
});

/** Reply without content. */
export const Nothing = Type.Null({ description: 'No content.' });

/** One word to find a room by. */
export const Tag = Type.String({
  pattern: '^[a-z0-9][a-z0-9-]{0,19}$',
  'x-hint': 'Use 1 to 20 small letters, digits and hyphens.',
});

export const TipMenuItem = Type.Object(
  { label: Text(1, 60), amountMilli: AmountMilli },
  { additionalProperties: false },
);

/** A moment in a request: ISO 8601 with a time zone. */
export const Moment = Type.String({
  pattern:
    '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,3})?)?(Z|[+-][0-9]{2}:[0-9]{2})$',
  'x-hint': 'Use a time such as 2026-05-01T20:00:00Z.',
});

/** Number of a page's last row, as `next` of the page before gave it. */
export const RowCursor = Type.Object(
  { cursor: Type.Optional(UserId) },
  { additionalProperties: false },
);

export const AvatarUrl = Type.Union([Type.String(), Type.Null()], {
  description:
    'WebP, 256 pixels wide; `-64.webp` in place of `-256.webp` is small. null = no picture.',
});

export function avatarUrl(avatarId: string | null): string | null {
  return avatarId === null ? null : `/api/v1/avatars/${avatarId}-256.webp`;
}
