// Parts of texts that outlive the text.
const scratch = Buffer.allocUnsafeSlow(4_096);

/**
 * A copy of an ASCII text, to be kept: as part of the frame or the list that it was read from, it
 * would keep all of that.
 */
export function ownText(text: string): string {
  if (text.length > scratch.length) return Buffer.from(text, 'latin1').toString('latin1');
  return scratch.toString('latin1', 0, scratch.write(text, 'latin1'));
}
