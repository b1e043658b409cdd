/**
 * A copy of an ASCII text, to be kept: as part of the frame or the list that it was read from, it
 * would keep all of that.
 */
export function ownText(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
