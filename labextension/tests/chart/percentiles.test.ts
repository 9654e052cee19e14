import { NOTHING, statistics } from '../../src/chart/percentiles';
import { Random, SEEDS } from '../random';

function naive(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

describe('statistics', () => {
  it.each(SEEDS)('are those of the sorted values (%i)', seed => {
    const random = new Random(seed);
    const count = 1 + random.below(seed % 3 ? 2000 : 12);
    const few = seed % 2 === 0;
    const times = Float32Array.from({ length: count }, () => random.below(few ? 5 : 1e6));
    const status = Uint16Array.from({ length: count }, () => [200, 400, 503][random.below(3)] ?? 0);
    const begin = random.below(count);
    const end = begin + 1 + random.below(count - begin);
    const values = [...times.subarray(begin, end)];
    expect(statistics(times, status, begin, end)).toEqual({
      count: end - begin,
      failed: status.subarray(begin, end).filter(code => code >= 400).length,
      p50: naive(values, 0.5),
      p95: naive(values, 0.95),
      p99: naive(values, 0.99),
      max: Math.max(...values)
    });
  });

  it('leave the points in their order', () => {
    const times = Float32Array.of(3, 1, 2);
    statistics(times, Uint16Array.of(200, 200, 200), 0, 3);
    expect([...times]).toEqual([3, 1, 2]);
  });

  it('of nothing are nothing', () => {
    expect(statistics(new Float32Array(3), new Uint16Array(3), 2, 2)).toBe(NOTHING);
  });
});
