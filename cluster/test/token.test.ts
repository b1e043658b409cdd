// Tokens and HLS paths: good until their second, for their purpose only, and never when touched.
import { setFlagsFromString } from 'node:v8';
import { runInThisContext } from 'node:vm';
import { createSigner, createVerifier } from 'fast-jwt';
import fc from 'fast-check';
import t from 'tap';
import { signHlsPath, verifyHlsPath } from '../hls-path.js';
import { ManualClock, seededRandom, TEST_SECRETS } from '../testing/index.js';
import { createTokenService, type TokenPurpose } from '../token.js';

const secret = TEST_SECRETS.token;
const { seed } = seededRandom(t);

await t.test('a token brings its claims back until the second in which it expires', (t) => {
  const clock = new ManualClock();
  const tokens = createTokenService(secret, clock);
  const token = tokens.sign('room', { sub: '42', room: '7', level: 'view' }, 30);
  const iat = Math.floor(clock.nowMs() / 1_000);

  const expected = {
    ok: true,
    claims: { sub: '42', room: '7', level: 'view', iat, exp: iat + 30 },
  };
  t.match(tokens.verify('room', token), expected);
  clock.advance(29_999);
  t.match(tokens.verify('room', token), expected);
  clock.advance(1);
  t.same(tokens.verify('room', token), { ok: false, reason: 'expired' });
  t.end();
});

await t.test('a remembered token is looked at again: life, purpose and every character', (t) => {
  const clock = new ManualClock();
  const signer = createTokenService(secret, clock, 1);
  const verifier = createTokenService(secret, clock, 1);
  const one = signer.sign('connect', { sub: 'one' }, 30);
  const two = signer.sign('resume', { sub: 'two' }, 60);
  const early = signer.sign(
    'connect',
    { sub: 'early', nbf: Math.floor(Date.now() / 1_000) + 3_600 },
    600,
  );
  const [head = '', , signature = ''] = one.split('.');
  const claims = Buffer.from('{"sub":"two","aud":"connect","exp":9999999999}').toString(
    'base64url',
  );
  const stolen = `${head}.${claims}.${signature}`;
  const forged = `${one.slice(0, -1)}${one.endsWith('A') ? 'E' : 'A'}`;
  for (const tokens of [signer, verifier, signer, verifier, verifier, signer]) {
    t.same(tokens.verify('connect', early), { ok: false, reason: 'invalid' });
    t.match(tokens.verify('connect', one), { ok: true, claims: { sub: 'one' } });
    t.same(tokens.verify('resume', one), { ok: false, reason: 'invalid' });
    t.match(tokens.verify('resume', two), { ok: true, claims: { sub: 'two' } });
    t.same(tokens.verify('connect', `${two}A`), { ok: false, reason: 'invalid' });
    t.same(tokens.verify('connect', forged), { ok: false, reason: 'invalid' });
    t.same(tokens.verify('connect', stolen), { ok: false, reason: 'invalid' });
  }
  clock.advance(30_000);
  for (const tokens of [signer, verifier]) {
    t.same(tokens.verify('connect', one), { ok: false, reason: 'expired' });
    t.ok(tokens.verify('resume', two).ok);
  }
  t.end();
});

await t.test('remembered claims of one kind have one hidden class', (t) => {
  setFlagsFromString('--allow-natives-syntax');
  const areAlike = runInThisContext('(a, b) => %HaveSameMap(a, b)') as (
    a: object,
    b: object,
  ) => boolean;
  const tokens = createTokenService(secret, new ManualClock(), 100);
  const claimsOf = (sub: string): object => {
    const verified = tokens.verify('resume', tokens.sign('resume', { sub, room: '7' }, 30));
    return verified.ok ? verified.claims : {};
  };
  const first = claimsOf('first');
  for (let n = 0; n < 50; n += 1) t.ok(areAlike(first, claimsOf(`u${n}`)), `user ${n}`);
  t.end();
});

await t.test('a character whose low byte is that of the right one is another character', (t) => {
  const tokens = createTokenService(secret);
  const token = tokens.sign('connect', { sub: '1000123' }, 60);
  for (let at = 0; at < token.length; at += 1) {
    const wide = String.fromCharCode(token.charCodeAt(at) + 0x100);
    const touched = `${token.slice(0, at)}${wide}${token.slice(at + 1)}`;
    if (tokens.verify('connect', touched).ok) t.fail(`character ${at}`);
  }
  t.ok(tokens.verify('connect', token).ok);
  t.end();
});

await t.test('a token is good for its purpose only, and with its secret only', (t) => {
  const tokens = createTokenService(secret);
  const others = createTokenService(`${secret}!`);
  const purposes: TokenPurpose[] = ['access', 'connect', 'room', 'resume', 'play'];
  for (const signed of purposes) {
    const token = tokens.sign(signed, { sub: '1' }, 60);
    for (const asked of purposes) t.equal(tokens.verify(asked, token).ok, asked === signed);
    t.same(others.verify(signed, token), { ok: false, reason: 'invalid' });
  }
  t.end();
});

await t.test('tokens are those of any JWT library, for secrets and claims of every length', (t) => {
  const lengths = fc.record({
    secretLength: fc.integer({ min: 32, max: 200 }),
    subLength: fc.integer({ min: 1, max: 6_000 }),
  });
  fc.assert(
    fc.property(lengths, ({ secretLength, subLength }) => {
      const key = 'k'.repeat(secretLength);
      const claims = { sub: 's'.repeat(subLength), aud: 'access' };
      const tokens = createTokenService(key);
      const token = tokens.sign('access', { sub: claims.sub }, 60);
      const read = createVerifier({ key, algorithms: ['HS256'] })(token) as object;
      const theirs = createSigner({ key, expiresIn: 60_000 })(claims);
      const isTaken = (one: string): boolean => tokens.verify('access', one).ok;
      const isRight = [token, theirs].every((one) => isTaken(one) === one.length <= 4_096);
      return 'sub' in read && read.sub === claims.sub && isRight;
    }),
    { seed, numRuns: 50 },
  );
  t.end();
});

await t.test('forged, foreign and malformed tokens are invalid, and nothing throws', (t) => {
  const tokens = createTokenService(secret);
  const [header = '', payload = '', mac = ''] = tokens.sign('access', { sub: '1' }, 60).split('.');
  const encode = (value: object): string =>
    Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { sub: '1', aud: 'access', iat: 0, exp: 9_999_999_999 };
  const foreign = (key: string, algorithm: 'HS512' | 'HS256', extra = {}): string =>
    createSigner({ key, algorithm, noTimestamp: true })({ ...claims, ...extra });
  const broken = [
    '',
    'x',
    'a.b.c',
    `${header}.${payload}.`,
    `${header}.${payload}`,
    `${header}.${encode({ ...claims, role: 'admin' })}.${mac}`,
    `${encode({ alg: 'none', typ: 'JWT' })}.${payload}.`,
    `${encode({ alg: 'HS512', typ: 'JWT' })}.${payload}.${mac}`,
    foreign(secret, 'HS512'),
    foreign(secret, 'HS256', { sub: 5 }),
    foreign(secret, 'HS256', { aud: ['access', 'room'] }),
    'x'.repeat(5_000),
  ];
  for (const token of broken) {
    t.same(tokens.verify('access', token), { ok: false, reason: 'invalid' }, token.slice(0, 40));
  }
  t.equal(tokens.verify('access', foreign(secret, 'HS256')).ok, true, 'the control is good');
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (token) => !tokens.verify('access', token).ok),
    { seed },
  );
  t.end();
});

function partsOf(path: string): { prefix: string; streamId: string } {
  const [, , prefix = '', streamId = ''] = path.split('/');
  return { prefix, streamId };
}

await t.test('a signed HLS path is good until its second and then keeps its grant', (t) => {
  const grant = { streamId: 'AbC_-123', sid: 'free-anon:1', exp: 2_000 };
  const path = signHlsPath(grant, secret);

  t.match(path, /^\/h\/2000\.free-anon:1\.[\w-]{22}\/AbC_-123$/);
  t.same(verifyHlsPath(partsOf(path), secret, 1_999), { ok: true, grant });
  t.same(verifyHlsPath(partsOf(path), secret, 2_000), { ok: false, reason: 'expired', grant });
  t.end();
});

await t.test('any change of an HLS path is noticed', (t) => {
  const name = fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/);
  const number = fc.integer({ min: 1, max: 9_999_999 });
  fc.assert(
    fc.property(
      name,
      name,
      number,
      name,
      name,
      number,
      (streamId, sid, exp, stream2, sid2, exp2) => {
        const { prefix } = partsOf(signHlsPath({ streamId, sid, exp }, secret));
        const mac = prefix.split('.')[2] ?? '';
        const verdict = verifyHlsPath(
          { prefix: `${exp2}.${sid2}.${mac}`, streamId: stream2 },
          secret,
          0,
        );
        const isSame = streamId === stream2 && sid === sid2 && exp === exp2;
        const other = verifyHlsPath({ prefix, streamId }, `${secret}!`, 0);
        return verdict.ok === isSame && !other.ok && other.reason === 'forged';
      },
    ),
    { seed },
  );
  for (const prefix of ['', '.', '1.a', '1.a.b.c', 'x.a.b', '1.a b.c', `1.${'a'.repeat(81)}.b`]) {
    t.same(verifyHlsPath({ prefix, streamId: 's' }, secret, 0), { ok: false, reason: 'malformed' });
  }
  t.same(verifyHlsPath({ prefix: '1.a.b', streamId: '../x' }, secret, 0), {
    ok: false,
    reason: 'malformed',
  });
  t.end();
});

t.test('a token that may serve one of several purposes is verified for those only', (t) => {
  const tokens = createTokenService('s'.repeat(32));
  const resume = tokens.sign('resume', { sub: '1' }, 60);
  const verified = tokens.verifyOneOf(['room', 'resume'], resume);
  t.match(verified, { ok: true, claims: { sub: '1', aud: 'resume' } });
  t.same(tokens.verifyOneOf(['room', 'play'], resume), { ok: false, reason: 'invalid' });
  t.same(tokens.verifyOneOf(['room', 'resume'], `${resume}x`), { ok: false, reason: 'invalid' });
  t.end();
});
