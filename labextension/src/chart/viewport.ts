/** Which stretch of time a chart shows, and how gestures change it. No DOM in here. */

export interface IRange {
  readonly min: number;
  readonly max: number;
}

/** The times of all points there are, and where the newest uninterrupted stretch begins. */
export interface IExtent {
  readonly first: number;
  readonly last: number;
  readonly recent: number;
}

/** The least that a live chart spans, so that one point is not a meaningless moment. */
const LEAST_LIVE_S = 0.5;
const MARGIN = 0.03;
/** Points this close in time can still be told apart by their milliseconds. */
const LEAST_S = 0.002;
const IDLE_S = 600;
const IDLE_SHARE = 3;

/**
 * Returns where the newest stretch of work begins.
 *
 * Somebody who comes back after a night wants to see today's queries, not one pixel of them at the
 * right edge: a pause longer than ten minutes, and than thrice all that came after it, ends it.
 */
export function recentFrom(sentAt: Float64Array): number {
  const last = sentAt.length - 1;
  for (let index = last; index > 0; index--) {
    const at = sentAt[index]!;
    const pause = at - sentAt[index - 1]!;
    if (pause > Math.max(IDLE_S, IDLE_SHARE * (sentAt[last]! - at))) {
      return at;
    }
  }
  return last >= 0 ? sentAt[0]! : NaN;
}

export class Viewport {
  /** Whether the window follows the newest points. */
  get live(): boolean {
    return this._x === null;
  }

  /** Response times fixed by a box; null lets them fit what is visible. */
  get y(): IRange | null {
    return this._y;
  }

  /** Returns the visible stretch of time. */
  x(extent: IExtent): IRange {
    return this._x ?? padded(extent.recent, extent.last);
  }

  goLive(): void {
    this._x = null;
    this._y = null;
  }

  showAll(extent: IExtent): void {
    this._x = padded(extent.first, extent.last);
    this._y = null;
  }

  /** Moves the window by shares of its size: positive to later times and slower answers. */
  pan(extent: IExtent, along: number, up: number): void {
    const x = this.x(extent);
    this._x = this._kept(shifted(x, along * (x.max - x.min)), extent);
    if (this._y) {
      const dy = up * (this._y.max - this._y.min);
      this._y = shifted(this._y, Math.max(dy, -this._y.min));
    }
  }

  /** Zooms around a place, 0 (left) to 1 (right). False when there is nothing more to see. */
  zoom(extent: IExtent, around: number, factor: number): boolean {
    const x = this.x(extent);
    const all = padded(extent.first, extent.last);
    const size = x.max - x.min;
    const wanted = Math.max(LEAST_S, size * factor);
    if (factor > 1 && x.min <= all.min && x.max >= all.max) {
      return false;
    }
    if (wanted >= all.max - all.min && factor > 1) {
      // Whoever zooms out to everything wants to see what comes too.
      this._x = extent.recent > extent.first ? all : null;
      this._y = null;
      return true;
    }
    const center = x.min + around * size;
    this._x = { min: center - around * wanted, max: center + (1 - around) * wanted };
    return true;
  }

  box(x: IRange, y: IRange): void {
    const short = Math.max(0, LEAST_S - (x.max - x.min)) / 2;
    this._x = { min: x.min - short, max: x.max + short };
    this._y = y.max > y.min ? y : null;
  }

  /** Keeps at least a corner of the data in sight. */
  private _kept(x: IRange, extent: IExtent): IRange {
    const size = x.max - x.min;
    const min = Math.min(Math.max(x.min, extent.first - 0.9 * size), extent.last - 0.1 * size);
    return { min, max: min + size };
  }

  private _x: IRange | null = null;
  private _y: IRange | null = null;
}

function padded(first: number, last: number): IRange {
  const span = Math.max(last - first, LEAST_LIVE_S);
  return { min: first - MARGIN * span, max: first + span * (1 + MARGIN) };
}

function shifted(range: IRange, by: number): IRange {
  return { min: range.min + by, max: range.max + by };
}
