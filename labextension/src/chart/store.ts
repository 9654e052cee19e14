/** Points of a response-time chart, kept in order of the time they were sent. No DOM in here. */

/** Points as parallel columns; every column has the same length. */
export interface IPointBatch {
  /** Seconds since 1970. */
  readonly sentAt: Float64Array;
  readonly responseMs: Float32Array | Float64Array;
  readonly modelMs: Float32Array | Float64Array;
  /** HTTP status; 400 and above are failed queries. */
  readonly status: Uint16Array;
  readonly version: Uint32Array;
}

/** One point, for people to look at. */
export interface IPoint {
  readonly sentAt: number;
  readonly responseMs: number;
  readonly modelMs: number;
  readonly status: number;
  readonly version: number;
}

/** The most points a chart keeps; older ones go first. */
export const CAPACITY = 200_000;

const FIRST_ROOM = 1024;

class Columns {
  readonly sentAt: Float64Array;
  readonly responseMs: Float32Array;
  readonly modelMs: Float32Array;
  readonly status: Uint16Array;
  readonly version: Uint32Array;

  constructor(readonly room: number) {
    this.sentAt = new Float64Array(room);
    this.responseMs = new Float32Array(room);
    this.modelMs = new Float32Array(room);
    this.status = new Uint16Array(room);
    this.version = new Uint32Array(room);
  }

  put(at: number, from: IPointBatch, index: number): void {
    this.sentAt[at] = from.sentAt[index]!;
    this.responseMs[at] = from.responseMs[index]!;
    this.modelMs[at] = from.modelMs[index]!;
    this.status[at] = from.status[index]!;
    this.version[at] = from.version[index]!;
  }

  take(at: number, from: Columns, begin: number, end: number): void {
    this.sentAt.set(from.sentAt.subarray(begin, end), at);
    this.responseMs.set(from.responseMs.subarray(begin, end), at);
    this.modelMs.set(from.modelMs.subarray(begin, end), at);
    this.status.set(from.status.subarray(begin, end), at);
    this.version.set(from.version.subarray(begin, end), at);
  }
}

/** Returns the indices of the points that can be placed in time, in order of time. */
function ordered(sentAt: Float64Array): Uint32Array {
  const order = new Uint32Array(sentAt.length);
  let count = 0;
  let sorted = true;
  for (let index = 0; index < sentAt.length; index++) {
    if (!Number.isFinite(sentAt[index])) {
      continue;
    }
    sorted &&= count === 0 || sentAt[order[count - 1]!]! <= sentAt[index]!;
    order[count++] = index;
  }
  const found = order.subarray(0, count);
  return sorted ? found : found.sort((a, b) => sentAt[a]! - sentAt[b]! || a - b);
}

/** Returns the first index from `begin` to `end` whose value is at least `least`. */
function lowerBound(sorted: Float64Array, least: number, begin: number, end: number): number {
  while (begin < end) {
    const middle = (begin + end) >>> 1;
    if (sorted[middle]! < least) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin;
}

/** A growing, sorted, bounded set of points that tells its listeners of changes. */
export class PointStore {
  constructor(readonly capacity: number = CAPACITY) {
    this._columns = new Columns(Math.min(FIRST_ROOM, capacity));
  }

  get count(): number {
    return this._end - this._begin;
  }

  get sentAt(): Float64Array {
    return this._columns.sentAt.subarray(this._begin, this._end);
  }

  get responseMs(): Float32Array {
    return this._columns.responseMs.subarray(this._begin, this._end);
  }

  get status(): Uint16Array {
    return this._columns.status.subarray(this._begin, this._end);
  }

  /** The time of the oldest point; NaN when there is none. */
  get first(): number {
    return this.count ? this._columns.sentAt[this._begin]! : NaN;
  }

  /** The time of the newest point; NaN when there is none. */
  get last(): number {
    return this.count ? this._columns.sentAt[this._end - 1]! : NaN;
  }

  point(index: number): IPoint {
    const at = this._begin + index;
    const columns = this._columns;
    return {
      sentAt: columns.sentAt[at]!,
      responseMs: columns.responseMs[at]!,
      modelMs: columns.modelMs[at]!,
      status: columns.status[at]!,
      version: columns.version[at]!
    };
  }

  /** Returns the indices [first, end) of the points sent from `from` to `to`, both included. */
  window(from: number, to: number): [number, number] {
    const { sentAt } = this._columns;
    const first = lowerBound(sentAt, from, this._begin, this._end);
    let end = lowerBound(sentAt, to, first, this._end);
    while (end < this._end && sentAt[end]! <= to) {
      end++;
    }
    return [first - this._begin, end - this._begin];
  }

  /** Adds points, in whatever order they come; the oldest leave when there are too many. */
  append(batch: IPointBatch): void {
    if (this._insert(batch)) {
      this._tell();
    }
  }

  /** Removes all points, and starts anew with those given. */
  reset(batch?: IPointBatch): void {
    this._begin = 0;
    this._end = 0;
    if (batch) {
      this._insert(batch);
    }
    this._tell();
  }

  /** Calls `listener` after every change, until the function that is returned is called. */
  onChange(listener: () => void): () => void {
    this._listeners.add(listener);
    return () => {
      this._listeners.delete(listener);
    };
  }

  private _insert(batch: IPointBatch): boolean {
    let order = ordered(batch.sentAt);
    if (order.length > this.capacity) {
      order = order.subarray(order.length - this.capacity);
    }
    if (order.length === 0) {
      return false;
    }
    this._reserve(order.length);
    this._merge(batch, order);
    this._begin = Math.max(this._begin, this._end - this.capacity);
    return true;
  }

  /** Merges from the newest end: a late point moves only those that were sent after it. */
  private _merge(batch: IPointBatch, order: Uint32Array): void {
    const columns = this._columns;
    let kept = this._end - 1;
    let added = order.length - 1;
    let at = this._end + order.length - 1;
    while (added >= 0) {
      const index = order[added]!;
      let begin = kept + 1;
      while (begin > this._begin && columns.sentAt[begin - 1]! > batch.sentAt[index]!) {
        begin--;
      }
      if (begin <= kept) {
        const moved = kept - begin + 1;
        this._shift(begin, kept + 1, at - moved + 1);
        at -= moved;
        kept = begin - 1;
      }
      columns.put(at--, batch, index);
      added--;
    }
    this._end += order.length;
  }

  private _shift(begin: number, end: number, to: number): void {
    const columns = this._columns;
    columns.sentAt.copyWithin(to, begin, end);
    columns.responseMs.copyWithin(to, begin, end);
    columns.modelMs.copyWithin(to, begin, end);
    columns.status.copyWithin(to, begin, end);
    columns.version.copyWithin(to, begin, end);
  }

  /** Makes room for `more` points at the end; moving all of them is rare, so appending is cheap. */
  private _reserve(more: number): void {
    if (this._end + more <= this._columns.room) {
      return;
    }
    const needed = this.count + more;
    const room = Math.max(needed, Math.min(2 * needed, this.capacity + (this.capacity >> 1)));
    const columns = new Columns(room);
    columns.take(0, this._columns, this._begin, this._end);
    this._end = this.count;
    this._begin = 0;
    this._columns = columns;
  }

  private _tell(): void {
    for (const listener of [...this._listeners]) {
      listener();
    }
  }

  private _columns: Columns;
  private _begin = 0;
  private _end = 0;
  private readonly _listeners = new Set<() => void>();
}
