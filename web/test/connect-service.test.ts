// The addresses that a browser gets for realtime.
import t from 'tap';
import type { FleetMember } from '../ports.js';
import { gatewayUrls, sockjsUrls } from '../realtime/connect-service.js';

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
