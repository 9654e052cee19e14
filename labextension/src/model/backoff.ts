/** Pauses between attempts: exponential, with jitter so that many tabs do not come back at once. */

const FIRST_MS = 500;
const LONGEST_MS = 15_000;

export class Backoff {
  constructor(private readonly _random: () => number = Math.random) {}

  /** Returns the next pause in milliseconds, between half of the nominal one and all of it. */
  next(): number {
    const nominal = Math.min(LONGEST_MS, FIRST_MS * 2 ** this._attempts++);
    return Math.max(FIRST_MS, nominal * (0.5 + this._random() / 2));
  }

  reset(): void {
    this._attempts = 0;
  }

  private _attempts = 0;
}
