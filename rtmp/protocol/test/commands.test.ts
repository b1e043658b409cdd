// Commands, data and control messages: typed reading of what encoders send, refusal of what they
// must not.
import t from 'tap';
import { EcmaArray, encodeAmf0 } from '../amf0.js';
import {
  command,
  connectResult,
  encodeData,
  metadataMembers,
  onStatus,
  parseCommand,
  parseData,
} from '../commands.js';
import { parseControl, pingRequest, setBufferLength, streamEof } from '../control.js';
import { MSG_COMMAND_AMF3, MSG_DATA_AMF0, MSG_USER_CONTROL, type RtmpMessage } from '../message.js';
import { ProtocolError } from '../protocol-error.js';

function data(payload: Buffer): RtmpMessage {
  return { type: MSG_DATA_AMF0, timestampMs: 0, streamId: 1, payload };
}

t.test('connect gives its members, with defaults for the absent', (t) => {
  const read = parseCommand(
    command('connect', 1, {
      object: { app: 'publish', tcUrl: 'rtmp://h/publish', fourCcList: ['hvc1', 3] },
    }),
  );
  t.match(read, {
    kind: 'connect',
    transactionId: 1,
    request: { app: 'publish', flashVer: '', objectEncoding: 0, fourCcList: ['hvc1'] },
  });
  t.throws(() => parseCommand(command('connect', 1)), ProtocolError);
  t.end();
});

t.test('publish and play need a name of text', (t) => {
  t.match(parseCommand(command('publish', 5, { streamId: 1, args: ['k', 'record'] })), {
    kind: 'publish',
    streamId: 1,
    name: 'k',
    type: 'record',
  });
  t.match(parseCommand(command('play', 5, { args: ['s?token=x', -1000] })), {
    kind: 'play',
    name: 's?token=x',
    start: -1000,
    duration: -1,
  });
  for (const args of [[5], [{}], ['x'.repeat(2000)]]) {
    t.throws(() => parseCommand(command('publish', 5, { args })), ProtocolError);
    t.throws(() => parseCommand(command('play', 5, { args })), ProtocolError);
  }
  for (const args of [[], [null]]) {
    const isWithoutKey = { kind: 'publish', name: '' };
    t.match(parseCommand(command('publish', 5, { args })), isWithoutKey, 'to be told so');
    t.throws(() => parseCommand(command('play', 5, { args })), ProtocolError);
  }
  t.end();
});

t.test('the AMF3 wrapper is taken off', (t) => {
  const plain = command('createStream', 4);
  const payload = Buffer.concat([Buffer.from([0]), plain.payload]);
  t.match(parseCommand({ ...plain, type: MSG_COMMAND_AMF3, payload }), {
    kind: 'createStream',
    transactionId: 4,
  });
  t.end();
});

t.test('unknown commands are named, nameless ones refused', (t) => {
  t.match(parseCommand(command('setPeerInfo', 0)), { kind: 'unknown', name: 'setPeerInfo' });
  t.throws(() => parseCommand({ ...command('x', 0), payload: encodeAmf0(1, 2) }), ProtocolError);
  t.throws(() => parseCommand({ ...command('x', 0), payload: Buffer.from([2]) }), ProtocolError);
  t.end();
});

t.test('metadata loses @setDataFrame and keeps its shape', (t) => {
  const meta = new EcmaArray({ width: 1280, encoder: 'obs' });
  const read = parseData(data(encodeAmf0('@setDataFrame', 'onMetaData', meta)));
  t.equal(read.name, 'onMetaData');
  t.match(metadataMembers(read), { width: 1280 });
  t.ok(encodeData(read).equals(encodeAmf0('onMetaData', meta)));
  t.throws(() => parseData(data(encodeAmf0('@setDataFrame'))), ProtocolError);
  t.throws(() => parseData(data(Buffer.alloc(0))), ProtocolError);
  t.end();
});

t.test('answers carry level, code and description', (t) => {
  const status = parseCommand(
    onStatus({ streamId: 1, level: 'error', code: 'NetStream.Publish.Denied', description: 'no' }),
  );
  t.match(status, { kind: 'reply', name: 'onStatus', streamId: 1 });
  t.match(status.kind === 'reply' ? status.values[1] : undefined, {
    level: 'error',
    description: 'no',
  });
  const refused = connectResult({
    transactionId: 1,
    isAccepted: false,
    code: 'NetConnection.Connect.Rejected',
    description: 'no',
    objectEncoding: 0,
  });
  t.match(parseCommand(refused), { kind: 'reply', name: '_error', transactionId: 1 });
  t.end();
});

t.test('control messages: known ones are read, short ones refused, unknown ones ignored', (t) => {
  t.strictSame(parseControl(pingRequest(77)), { kind: 'pingRequest', timestampMs: 77 });
  t.strictSame(parseControl(streamEof(3)), { kind: 'streamEof', streamId: 3 });
  t.strictSame(parseControl(setBufferLength(1, 3000)), {
    kind: 'bufferLength',
    streamId: 1,
    ms: 3000,
  });
  const short = { type: MSG_USER_CONTROL, timestampMs: 0, streamId: 0 };
  t.throws(() => parseControl({ ...short, payload: Buffer.from([0, 6, 1]) }), ProtocolError);
  t.throws(() => parseControl({ ...short, payload: Buffer.alloc(0) }), ProtocolError);
  t.strictSame(parseControl({ ...short, payload: Buffer.from([0, 31]) }), { kind: 'ignored' });
  t.end();
});
