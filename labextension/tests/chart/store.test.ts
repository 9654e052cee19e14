import { type IPoint, type IPointBatch, PointStore } from '../../src/chart';
import { Random, SEEDS } from '../random';

function batch(points: readonly Partial<IPoint>[]): IPointBatch {
  return {
    sentAt: Float64Array.from(points, point => point.sentAt ?? 0),
    responseMs: Float32Array.from(points, point => point.responseMs ?? 0),
    modelMs: Float32Array.from(points, point => point.modelMs ?? 0),
    status: Uint16Array.from(points, point => point.status ?? 200),
    version: Uint32Array.from(points, point => point.version ?? 1)
  };
}

function all(store: PointStore): IPoint[] {
  return Array.from({ length: store.count }, (_, index) => store.point(index));
}

/** What the store promises, in the plainest way: a list that is sorted after every change. */
class Naive {
  points: IPoint[] = [];

  constructor(private readonly _capacity: number) {}

  append(added: readonly IPoint[]): void {
    const kept = [...this.points, ...added.filter(point => Number.isFinite(point.sentAt))];
    kept.sort((a, b) => a.sentAt - b.sentAt);
    this.points = kept.slice(-this._capacity);
  }
}

function randomPoints(random: Random, now: number): IPoint[] {
  return Array.from({ length: random.below(40) }, () => ({
    // Mostly newer than what is there, sometimes late, sometimes equal.
    sentAt: random.next() < 0.02 ? NaN : now + Math.floor(random.next() * 30 - 5),
    responseMs: random.below(1000),
    modelMs: random.below(100),
    status: random.next() < 0.2 ? 500 : 200,
    version: random.below(4)
  }));
}

describe('PointStore', () => {
  it.each(SEEDS)('does what a plain sorted list does (%i)', seed => {
    const random = new Random(seed);
    const capacity = [10, 100, 1500, 5000][seed % 4] ?? 10;
    const store = new PointStore(capacity);
    let naive = new Naive(capacity);
    for (let round = 0; round < 120; round++) {
      const points = randomPoints(random, round * 10);
      if (random.next() < 0.02) {
        naive = new Naive(capacity);
        store.reset(batch(points));
      } else {
        store.append(batch(points));
      }
      naive.append(points);
      expect(store.count).toBe(naive.points.length);
    }
    expect(all(store)).toEqual(naive.points);
    for (let look = 0; look < 20; look++) {
      const from = random.below(1300) - 50;
      const to = from + random.below(100);
      const inside = naive.points.filter(({ sentAt }) => sentAt >= from && sentAt <= to);
      const [first, end] = store.window(from, to);
      expect(all(store).slice(first, end)).toEqual(inside);
    }
  });

  it('knows its first and last point', () => {
    const store = new PointStore(2);
    expect([store.first, store.last]).toEqual([NaN, NaN]);
    store.append(batch([{ sentAt: 3 }, { sentAt: 1 }, { sentAt: 2 }]));
    expect([store.first, store.last, store.count]).toEqual([2, 3, 2]);
  });

  it('tells of changes, and of nothing else', () => {
    const store = new PointStore();
    const told = jest.fn();
    const end = store.onChange(told);
    store.append(batch([]));
    store.append(batch([{ sentAt: NaN }]));
    expect(told).not.toHaveBeenCalled();
    store.append(batch([{ sentAt: 1 }]));
    store.reset();
    expect(told).toHaveBeenCalledTimes(2);
    end();
    store.append(batch([{ sentAt: 1 }]));
    expect(told).toHaveBeenCalledTimes(2);
  });
});
