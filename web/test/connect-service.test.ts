// The addresses that a browser gets for realtime.
import t from 'tap';
import { createTokenService, placeUser } from '../../cluster/index.js';
import { TEST_SECRETS } from '../../cluster/testing/index.js';
import { siteError } from '../errors.js';
import type { FleetMember, LiveStream } from '../ports.js';
import type { PublicRoom } from '../rooms/room-catalog.js';
import { createConnectService, gatewayUrls, sockjsUrls } from '../realtime/connect-service.js';

const member = (address: Record<string, string>, isDraining = false): FleetMember => ({
  id: 'gw',
  address,
  load: 0,
  isDraining,
});

t.test('SockJS addresses are those of single workers, in the order of the ranking', (t) => {
  const own = member({
    host: 'a.test',
    port: '1',
    sockjsPort: '2',
    sockjs: 'https://a.test/gw1/rt',
  });
  const local = member({ host: '', port: '3', sockjsPort: '4', sockjs: '' });
  const without = member({ host: 'c.test', port: '5', sockjsPort: '0', sockjs: '' });
  const old = member({ host: 'd.test', port: '6' });
  const leaving = member({ host: 'e.test', port: '7', sockjsPort: '8' }, true);
  const all = [own, local, without, old, leaving];
  const site = { host: 'site.test', isSecure: false };
  t.same(sockjsUrls(all, site), ['https://a.test/gw1/rt', 'http://site.test:4/rt']);
  t.same(sockjsUrls([local], { ...site, isSecure: true }), ['https://site.test:4/rt']);
  t.same(gatewayUrls(all, site), [
    'ws://a.test:1/',
    'ws://site.test:3/',
    'ws://c.test:5/',
    'ws://d.test:6/',
  ]);
  t.end();
});

t.test('who opens a huge room gets its few gateways first, others their own', async (t) => {
  const hosts = ['a', 'b', 'c', 'd', 'e', 'f'];
  const members = hosts.map((id) => ({
    ...{ id, load: 0, draining: false },
    address: { host: `${id}.test`, port: '1' },
  }));
  const viewersOf: Readonly<Record<string, number>> = { huge: 6_000, small: 40 };
  const connect = createConnectService({
    tokens: createTokenService(TEST_SECRETS.token),
    fleet: {
      list: () => [],
      ranked: (_role, destination) =>
        placeUser(destination, members).map(({ draining: isDraining, ...one }) => ({
          ...{ ...one, isDraining },
        })),
    },
    catalog: {
      show: (slug) => {
        const viewers = viewersOf[slug];
        if (viewers === undefined) return Promise.reject(siteError('ROOM_NOT_FOUND'));
        return Promise.resolve({ ...aRoom, id: slug, stream: { ...aStream, viewers } });
      },
    },
    publicUrl: '',
  });
  const site = { host: 'site.test', isSecure: false };
  const homes = async (slug: string | undefined): Promise<(string | undefined)[]> => {
    const visitors = Array.from({ length: 40 }, (_, at) => `visitor-number-${at}`);
    return Promise.all(
      visitors.map(async (anonId) => {
        const { urls } = await connect.ticket({ kind: 'anon', anonId }, { site, slug });
        t.equal(urls.length, hosts.length, 'all others follow, should the best be away');
        return urls[0];
      }),
    );
  };
  const alone = await homes(undefined);
  t.ok(new Set(alone).size > 2);
  t.equal(new Set(await homes('huge')).size, 2, '6,000 viewers fit on two');
  t.same(await homes('small'), alone);
  t.same(await homes('nosuchroom'), alone, 'a room that is not there changes nothing');
});

const aStream: LiveStream = {
  ...{ streamId: 's', nodeId: 'n', hlsUrlBase: 'http://:1', startedAtMs: 1, viewers: 0 },
};
const aRoom: PublicRoom = {
  ...{ id: '1', slug: 'x', title: '', topic: '', tags: [], isPrivate: false, lastLiveAt: null },
  model: { id: '1', name: '', about: '', avatarId: null },
  offer: { kind: 'free', priceMilliPerMin: '0', ticketMilli: '0' },
  ...{ privateOffer: undefined, goal: undefined, stream: undefined },
};
