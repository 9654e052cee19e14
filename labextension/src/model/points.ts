/** Response times of one model on their way from the stream to its chart. */

import type { QueryPoint } from '../api/documents';
import { type IPointBatch, PointStore } from '../chart/store';

/** Points whose repetition is noticed; a stream that is opened again repeats the newest ones. */
const LEAST_REMEMBERED = 10_000;

export class PointFeed {
  readonly store = new PointStore();

  /** @param history - How many points a new stream sends first. */
  constructor(history: number) {
    this._most = Math.max(LEAST_REMEMBERED, 2 * history);
  }

  /** Adds those points that are not there yet. */
  take(points: readonly QueryPoint[]): void {
    const fresh = points.filter(point => this._remember(point));
    if (fresh.length > 0) {
      this.store.append(columnsOf(fresh));
    }
  }

  reset(): void {
    this._seen.clear();
    this.store.reset();
  }

  private _remember([sentAt, , , , , , requestId]: QueryPoint): boolean {
    // Callers may choose their request ids, and choose one twice; not at the same microsecond.
    const key = `${sentAt} ${requestId}`;
    if (this._seen.has(key)) {
      return false;
    }
    this._seen.add(key);
    if (this._seen.size > this._most) {
      for (const oldest of this._seen) {
        this._seen.delete(oldest);
        break;
      }
    }
    return true;
  }

  private readonly _most: number;
  private readonly _seen = new Set<string>();
}

function columnsOf(points: readonly QueryPoint[]): IPointBatch {
  return {
    sentAt: Float64Array.from(points, point => point[0]),
    responseMs: Float32Array.from(points, point => point[1]),
    modelMs: Float32Array.from(points, point => point[2]),
    version: Uint32Array.from(points, point => point[4]),
    status: Uint16Array.from(points, point => point[5])
  };
}
