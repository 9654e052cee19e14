/** What is to be seen of a store through a viewport. No DOM in here. */

import { fittingRange } from './axes';
import { type IStatistics, NOTHING, statistics } from './percentiles';
import type { PointStore } from './store';
import { type IExtent, type IRange, recentFrom, type Viewport } from './viewport';

export interface IScene {
  readonly x: IRange;
  readonly y: IRange;
  /** Indices of the visible points, [first, end). */
  readonly visible: readonly [number, number];
  readonly statistics: IStatistics;
  /** In how many milliseconds the statistics should be computed anew; 0 when they are exact. */
  readonly staleFor: number;
}

/** Percentiles of more points than this are computed at most every STATISTICS_MS. */
const MANY = 5_000;
const STATISTICS_MS = 100;
/** The lowest response time of a logarithmic scale, which has no zero. */
const LEAST_MS = 1e-3;

export class SceneMaker {
  constructor(
    private readonly _store: PointStore,
    private readonly _viewport: Viewport
  ) {}

  /** Returns the times there are; an empty store begins now. */
  extent(nowS: number): IExtent {
    const { count, first, last, sentAt } = this._store;
    return count
      ? { first, last, recent: recentFrom(sentAt) }
      : { first: nowS, last: nowS, recent: nowS };
  }

  scene(nowMs: number, log: boolean): IScene {
    const x = this._viewport.x(this.extent(nowMs / 1000));
    const visible = this._store.window(x.min, x.max);
    const staleFor = this._refresh(visible, nowMs);
    return { x, y: this._yRange(visible, log), visible, statistics: this._statistics, staleFor };
  }

  private _refresh([first, end]: readonly [number, number], nowMs: number): number {
    const count = end - first;
    const rest = this._computedMs + STATISTICS_MS - nowMs;
    if (count > MANY && rest > 0 && rest <= STATISTICS_MS) {
      this._statistics = { ...this._statistics, count };
      return rest;
    }
    this._computedMs = nowMs;
    this._statistics = statistics(this._store.responseMs, this._store.status, first, end);
    return 0;
  }

  private _yRange([first, end]: readonly [number, number], log: boolean): IRange {
    const { responseMs } = this._store;
    let min = Infinity;
    let max = 0;
    for (let index = first; index < end; index++) {
      const value = responseMs[index]!;
      max = value > max ? value : max;
      min = value > 0 && value < min ? value : min;
    }
    const y = this._viewport.y ?? fittingRange(max);
    if (!log) {
      return y;
    }
    return { min: Math.max(y.min, Math.min(min, y.max / 2) / 1.5, LEAST_MS), max: y.max };
  }

  private _statistics: IStatistics = NOTHING;
  private _computedMs = -Infinity;
}
