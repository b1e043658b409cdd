// Pictures of accounts: upload as a raw body, removal, and the files themselves.
import Type from 'typebox';
import { siteError } from '../../errors.js';
import type { AvatarService } from '../../pictures/avatar-service.js';
import { PICTURE_BYTES_MAX } from '../../pictures/picture-format.js';
import type { App } from '../app-type.js';
import type { Identity } from '../identity.js';
import * as schema from '../schema.js';

const ONE_YEAR = 'public, max-age=31536000, immutable';

const FileParams = Type.Object({
  file: Type.String({
    pattern: '^[0-9a-f]{32}-(64|256)[.]webp$',
    'x-hint': 'There is no such picture.',
  }),
});

const PictureReplies = {
  ...schema.TextReplies('image/webp'),
  200: {
    description: 'image/webp',
    content: { 'image/webp': { schema: Type.Unsafe<Buffer>(Type.String({ format: 'binary' })) } },
  },
};

export interface AvatarRouteParts {
  readonly identity: Identity;
  readonly avatars: AvatarService;
}

export function avatarRoutes(app: App, { identity, avatars }: AvatarRouteParts): void {
  // In a scope of its own: no other route takes pictures, or bodies of that size.
  void app.register((scope: App, _options, done) => {
    scope.addContentTypeParser(
      /^image\//,
      { parseAs: 'buffer', bodyLimit: PICTURE_BYTES_MAX },
      (_request, body, parsed) => parsed(null, body),
    );
    scope.put(
      '/me/avatar',
      {
        bodyLimit: PICTURE_BYTES_MAX,
        config: { rateLimit: { max: 30, timeWindow: 600_000 } },
        // Before the body is read: strangers cannot make the process hold megabytes.
        onRequest: async (request) => {
          await identity.requirePrincipal(request);
        },
        schema: {
          description: 'Body: JPEG, PNG, WebP, AVIF or GIF, at most 10 MiB. Shown within seconds.',
          response: schema.Replies(Type.Object({ state: Type.Enum(['processing']) }), 202),
        },
      },
      async (request, reply) => {
        const user = await identity.requireUser(request);
        const { body } = request;
        if (!Buffer.isBuffer(body)) throw siteError('UNSUPPORTED_MEDIA_TYPE');
        await avatars.put(user.id, body);
        return reply.code(202).send({ state: 'processing' });
      },
    );
    done();
  });

  app.delete(
    '/me/avatar',
    { schema: { body: schema.NoBody, response: schema.Replies(schema.Nothing, 204) } },
    async (request, reply) => {
      await avatars.remove((await identity.requireUser(request)).id);
      return reply.code(204).send(null);
    },
  );

  app.get(
    '/avatars',
    {
      schema: {
        description: 'Pictures of up to 100 accounts; who has none is left out.',
        querystring: Type.Object(
          {
            users: Type.String({
              pattern: '^[1-9][0-9]{0,18}(,[1-9][0-9]{0,18}){0,99}$',
              description: 'Ids of accounts, with commas between them.',
              'x-hint': 'One to 100 ids of accounts are needed, with commas between them.',
            }),
          },
          { additionalProperties: false },
        ),
        response: schema.Replies(
          Type.Object({
            avatars: Type.Array(Type.Object({ userId: Type.String(), avatarUrl: Type.String() })),
          }),
        ),
      },
    },
    async (request) => {
      const found = await avatars.of(request.query.users.split(','));
      return {
        avatars: found.map(({ userId, avatarId }) => ({
          userId,
          avatarUrl: schema.avatarUrl(avatarId) ?? '',
        })),
      };
    },
  );

  app.get(
    '/avatars/:file',
    { schema: { params: FileParams, response: PictureReplies } },
    async (request, reply) => {
      const { file } = request.params;
      const size = file.endsWith('-64.webp') ? 64 : 256;
      const picture = await avatars.read(file.slice(0, 32), size);
      if (picture === undefined) throw siteError('NOT_FOUND');
      return reply.type('image/webp').header('cache-control', ONE_YEAR).send(picture);
    },
  );
}
