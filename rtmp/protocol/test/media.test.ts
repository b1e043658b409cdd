// FLV tags and codec headers, on sequence headers that x264 and the AAC encoder of ffmpeg 5.1
// wrote.
import t from 'tap';
import { parseAacConfig, parseMp3Config } from '../aac.js';
import { parseAvcConfig } from '../avc.js';
import {
  codecName,
  FLV_AUDIO,
  FLV_SCRIPT,
  FLV_VIDEO,
  FlvTag,
  flvFileHeader,
  hasExtendedHeader,
  timestampDiff,
} from '../flv.js';

const video = (hex: string, at = 0) => new FlvTag(FLV_VIDEO, at, Buffer.from(hex, 'hex'));
const audio = (hex: string, at = 0) => new FlvTag(FLV_AUDIO, at, Buffer.from(hex, 'hex'));

const SEQUENCE_HEADERS = [
  {
    hex:
      '17000000000142c016ffe100196742c016d900a02ff970110000030001000003001e0f162e480100' +
      '0568cb83cb20',
    expected: { profileIdc: 66, width: 640, height: 360, fps: 15, codecString: 'avc1.42c016' },
  },
  {
    hex:
      '1700000000014d401effe10018674d401eeca06c1ef37808800000030080000019078b16cb010005' +
      '68ebe3cb20',
    expected: { profileIdc: 77, width: 854, height: 480, fps: 25, chroma: '4:2:0' },
  },
  {
    hex:
      '170000000001640028ffe1001b67640028acd940780227e5c044000003000400000300f03c60c658' +
      '01000668ebe3cb22c0fdf8f800',
    expected: { profileIdc: 100, levelIdc: 40, width: 1920, height: 1080, fps: 30, bitDepth: 8 },
  },
  {
    hex:
      '1700000000017a0020ffe10019677a0020bcd9405005bb0110000003001000000780f18319600100' +
      '0668ebe3cb22c0fef8f800',
    expected: { profileIdc: 122, width: 1280, height: 720, fps: 60, chroma: '4:2:2' },
  },
];

t.test('AVC sequence headers give size, profile, format and frame rate', (t) => {
  for (const { hex, expected } of SEQUENCE_HEADERS) {
    const tag = video(hex);
    t.ok(tag.isSequenceHeader && !tag.isKeyFrame);
    t.match(parseAvcConfig(tag), expected);
  }
  t.end();
});

t.test('a cut or overwritten sequence header gives nothing or numbers, never an exception', (t) => {
  for (const { hex } of SEQUENCE_HEADERS) {
    for (let length = 0; length < hex.length / 2; length++) {
      parseAvcConfig(video(hex.slice(0, length * 2)));
      const bytes = Buffer.from(hex, 'hex');
      bytes.fill(0xff, length, Math.min(length + 4, bytes.length));
      parseAvcConfig(new FlvTag(FLV_VIDEO, 0, bytes));
      bytes.fill(0, length, Math.min(length + 4, bytes.length));
      parseAvcConfig(new FlvTag(FLV_VIDEO, 0, bytes));
    }
  }
  t.equal(parseAvcConfig(video('1700000000')), undefined);
  t.equal(parseAvcConfig(video('170000000001640028ffe0001b')), undefined);
  t.end();
});

t.test('AAC sequence headers and MP3 flags give rate and channels', (t) => {
  t.strictSame(parseAacConfig(audio('af00119056e500')), {
    codecString: 'mp4a.40.2',
    sampleRateHz: 48000,
    channels: 2,
  });
  t.match(parseAacConfig(audio('af00120856e500')), { sampleRateHz: 44100, channels: 1 });
  t.equal(parseAacConfig(audio('af00')), undefined);
  t.match(parseMp3Config(audio('2f00')), { sampleRateHz: 44100, channels: 2 });
  t.end();
});

t.test('key frames, sequence headers and end markers are told apart', (t) => {
  t.match(video('1701000000aa'), { isKeyFrame: true, isSequenceHeader: false });
  t.match(video('2701000000aa'), { isKeyFrame: false, isSequenceHeader: false });
  t.match(video('1702000000'), { isKeyFrame: false, isSequenceHeader: false });
  t.match(audio('af01aa'), { isKeyFrame: false, isSequenceHeader: false });
  for (const hex of ['', '17', 'af']) {
    t.match(video(hex), { isKeyFrame: false, isSequenceHeader: false }, hex);
    t.match(audio(hex), { isKeyFrame: false, isSequenceHeader: false }, hex);
  }
  t.end();
});

t.test('codecs have names, extended headers are seen', (t) => {
  t.equal(codecName(video('1701')), 'h264');
  t.equal(codecName(video('2200')), 'sorenson-h263');
  t.equal(codecName(video('1c00')), 'hevc');
  t.equal(codecName(video('9068766331')), 'hvc1');
  t.equal(codecName(video('9000000000')), 'unknown-extended');
  t.equal(codecName(audio('af00')), 'aac');
  t.equal(codecName(audio('b200')), 'speex');
  t.equal(codecName(audio('904f707573')), 'Opus');
  t.ok(hasExtendedHeader(video('9068766331')));
  t.notOk(hasExtendedHeader(video('1701')));
  t.notOk(hasExtendedHeader(new FlvTag(FLV_SCRIPT, 0, Buffer.from([0xff]))));
  t.end();
});

t.test('tags are written with the upper timestamp byte last and their size behind, once', (t) => {
  const tag = video('1701000000aa', 0x12345678);
  t.equal(
    tag.encoded.toString('hex'),
    '09' + '000006' + '345678' + '12' + '000000' + '1701000000aa' + '00000011',
  );
  t.equal(tag.encoded, tag.encoded);
  t.equal(
    flvFileHeader({ audio: true, video: true }).toString('hex'),
    '464c5601050000000900000000',
  );
  t.end();
});

t.test('timestamps are compared across the 32-bit wrap', (t) => {
  t.equal(timestampDiff(5, 0xfffffffb), 10);
  t.equal(timestampDiff(0xfffffffb, 5), -10);
  t.end();
});
