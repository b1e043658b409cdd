// Measures contenders in turns: A B C, B C A, … . The cost of the same program moves by 40 % within
// minutes on shared machines, so only numbers of one round are compared with one another.

export interface Contender {
  readonly name: string;
}

/** The order of a round: rotated, so that no contender always runs first. */
export function orderOfRound<T>(contenders: readonly T[], round: number): readonly T[] {
  const shift = contenders.length === 0 ? 0 : round % contenders.length;
  return [...contenders.slice(shift), ...contenders.slice(0, shift)];
}

/**
 * One value per contender and round, by contender. A warm-up round before the first is not counted.
 */
export async function interleave<T extends Contender, V>(
  contenders: readonly T[],
  options: { readonly rounds: number; readonly warmUps: number },
  measure: (contender: T, round: number) => Promise<V>,
): Promise<ReadonlyMap<T, readonly V[]>> {
  const values = new Map<T, V[]>(contenders.map((one) => [one, []]));
  for (let round = -options.warmUps; round < options.rounds; round += 1) {
    for (const contender of orderOfRound(contenders, Math.max(0, round))) {
      const value = await measure(contender, round);
      if (round >= 0) values.get(contender)?.push(value);
    }
  }
  return values;
}
