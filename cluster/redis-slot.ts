// Which of the 16,384 slots of a Redis Cluster a key falls into, as the Cluster specification
// defines it: CRC16 (XMODEM) of the key, or of the part between the first { and the next } when
// that is not empty.

export const SLOT_COUNT = 16_384;

const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit += 1) {
    crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
  }
  return crc & 0xffff;
});

/** CRC-16/XMODEM of the UTF-8 form: polynomial 0x1021, start 0, not reflected. */
export function crc16(text: string): number {
  let crc = 0;
  for (const byte of Buffer.from(text, 'utf8')) {
    crc = ((crc << 8) & 0xffff) ^ (TABLE[(crc >> 8) ^ byte] ?? 0);
  }
  return crc;
}

/** The slot of a key or of a sharded pub/sub channel, 0…16383; equals CLUSTER KEYSLOT. */
export function slotOf(key: string): number {
  const open = key.indexOf('{');
  const close = open < 0 ? -1 : key.indexOf('}', open + 1);
  const hashed = close > open + 1 ? key.slice(open + 1, close) : key;
  return crc16(hashed) % SLOT_COUNT;
}
