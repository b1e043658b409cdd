// Devices as their owners would call them.
import t from 'tap';
import { deviceName } from '../src/account/device-name.js';
import { formatPrice } from '../src/format/price.js';

await t.test('a device is named by browser and system', (t) => {
  const chrome =
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) ' +
    'Chrome/140.0.0.0 Safari/537.36';
  t.equal(deviceName(chrome), 'Chrome on Windows');
  t.equal(deviceName(`${chrome} Edg/140.0`), 'Edge on Windows');
  const iphone =
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 ' +
    '(KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1';
  t.equal(deviceName(iphone), 'Safari on iPhone');
  t.equal(
    deviceName('Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0'),
    'Firefox on Linux',
  );
  t.equal(deviceName('curl/8.5.0'), 'curl/8.5.0');
  t.equal(deviceName(''), 'Unknown device');
  t.end();
});

await t.test('a price is shown in its currency, also in one that nobody knows', (t) => {
  t.match(formatPrice(999, 'EUR'), /9[.,]99/);
  t.equal(formatPrice(500, 'not a currency'), '5.00 not a currency');
  t.end();
});
