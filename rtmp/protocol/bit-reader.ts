// Bits of a codec header, most significant first, with Exp-Golomb codes as H.264 defines them
// (9.1). Reading past the end gives zeros, and `isPastEnd` tells; headers come from strangers.

export class BitReader {
  readonly #data: Buffer;
  #bit = 0;

  constructor(data: Buffer) {
    this.#data = data;
  }

  get isPastEnd(): boolean {
    return this.#bit > this.#data.length * 8;
  }

  /** `count` bits (at most 32) as an unsigned number. */
  bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) {
      const byte = this.#data[this.#bit >> 3] ?? 0;
      value = value * 2 + ((byte >> (7 - (this.#bit & 7))) & 1);
      this.#bit++;
    }
    return value;
  }

  flag(): boolean {
    return this.bits(1) === 1;
  }

  /** ue(v); 0 for codes longer than 32 bits, which no valid header has. */
  unsigned(): number {
    let zeros = 0;
    while (zeros < 32 && !this.isPastEnd && this.bits(1) === 0) zeros++;
    if (zeros >= 32 || this.isPastEnd) return 0;
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  /** se(v) */
  signed(): number {
    const code = this.unsigned();
    return code % 2 === 1 ? (code + 1) / 2 : -code / 2;
  }
}
