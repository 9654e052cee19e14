/** Numbers that look random and are the same in every run, so that a failure can be repeated. */
export class Random {
  constructor(private _state: number) {}

  /** Returns a number from 0 to before 1. */
  next(): number {
    this._state = (Math.imul(this._state, 1664525) + 1013904223) >>> 0;
    return this._state / 2 ** 32;
  }

  /** Returns a whole number from 0 to before `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }
}

export const SEEDS = Array.from({ length: 25 }, (_, index) => [index + 1] as const);
