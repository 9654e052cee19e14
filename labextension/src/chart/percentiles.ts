/** Percentiles of response times, as the backend computes them: by nearest rank. */

export interface IStatistics {
  readonly count: number;
  readonly failed: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export const NOTHING: IStatistics = { count: 0, failed: 0, p50: NaN, p95: NaN, p99: NaN, max: NaN };

/** Moves the `rank`-th smallest of values[left..right] to its place, smaller ones before it. */
function select(values: Float32Array, rank: number, left: number, right: number): void {
  while (left < right) {
    const pivot = medianOfThree(values, left, right);
    let low = left;
    let high = right;
    while (low <= high) {
      while (values[low]! < pivot) {
        low++;
      }
      while (values[high]! > pivot) {
        high--;
      }
      if (low <= high) {
        swap(values, low++, high--);
      }
    }
    if (rank <= high) {
      right = high;
    } else if (rank >= low) {
      left = low;
    } else {
      return;
    }
  }
}

function medianOfThree(values: Float32Array, left: number, right: number): number {
  const a = values[left]!;
  const b = values[(left + right) >>> 1]!;
  const c = values[right]!;
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}

function swap(values: Float32Array, a: number, b: number): void {
  const kept = values[a]!;
  values[a] = values[b]!;
  values[b] = kept;
}

/** Returns the statistics of the points from `begin` to before `end`; failed ones count too. */
export function statistics(
  responseMs: Float32Array,
  status: Uint16Array,
  begin: number,
  end: number
): IStatistics {
  const count = end - begin;
  if (count <= 0) {
    return NOTHING;
  }
  const values = responseMs.slice(begin, end);
  let failed = 0;
  let max = -Infinity;
  for (let index = 0; index < count; index++) {
    failed += status[begin + index]! >= 400 ? 1 : 0;
    max = Math.max(max, values[index]!);
  }
  const ranks = [0.5, 0.95, 0.99].map(share => Math.max(0, Math.ceil(share * count) - 1));
  const found: number[] = [];
  let left = 0;
  for (const rank of ranks) {
    select(values, rank, left, count - 1);
    found.push(values[rank]!);
    left = rank;
  }
  return { count, failed, p50: found[0]!, p95: found[1]!, p99: found[2]!, max };
}
