import { DotRaster, mask } from '../../src/chart/raster';
import { Random, SEEDS } from '../random';

const RED = 0x0000ff;

const opacity = (raster: DotRaster, x: number, y: number): number =>
  (raster.pixels[y * raster.width + x] ?? 0) >>> 24;

function drawn(raster: DotRaster, places: readonly (readonly [number, number])[], grain = 1): void {
  const xs = Int32Array.from(places, place => place[0]);
  const ys = Int32Array.from(places, place => place[1]);
  raster.layer(xs, ys, places.length, mask('dot', 2), RED, grain);
}

describe('mask', () => {
  it('of a dot is round, full in the middle, smooth at its edge', () => {
    const { dx, dy, alpha, reach } = mask('dot', 3);
    expect(reach).toBe(3);
    const at = (x: number, y: number): number =>
      alpha[dx.findIndex((value, index) => value === x && dy[index] === y)] ?? 0;
    expect(at(0, 0)).toBe(255);
    expect(at(3, 3)).toBe(0);
    expect(at(3, 0)).toBeGreaterThan(0);
    expect(at(3, 0)).toBeLessThan(255);
  });

  it('of a cross has arms and nothing between them', () => {
    const { dx, dy } = mask('cross', 4);
    const has = (x: number, y: number): boolean =>
      dx.some((value, index) => value === x && dy[index] === y);
    expect([has(3, 3), has(-3, 3), has(0, 3), has(3, 0)]).toEqual([true, true, false, false]);
  });
});

describe('DotRaster', () => {
  it.each(SEEDS)('loses no place that could be told apart (%i)', seed => {
    const random = new Random(seed);
    const raster = new DotRaster(60, 40);
    const places = Array.from(
      { length: random.below(3000) },
      () => [random.below(60), random.below(40)] as const
    );
    drawn(raster, places);
    expect(raster.drawn).toBe(new Set(places.map(String)).size);
    for (const [x, y] of places) {
      expect(opacity(raster, x, y)).toBe(255);
    }
  });

  it('leaves out what is outside, and does not wrap around its edges', () => {
    const raster = new DotRaster(20, 10);
    drawn(raster, [
      [-1, 5],
      [20, 5],
      [5, -1],
      [5, 10]
    ]);
    expect(raster.drawn).toBe(0);
    drawn(raster, [[19, 5]]);
    expect(opacity(raster, 19, 5)).toBe(255);
    expect(opacity(raster, 0, 6)).toBe(0);
    expect(opacity(raster, 1, 6)).toBe(0);
  });

  it('draws marks whose centers share a square once, and is empty when cleared', () => {
    const raster = new DotRaster(20, 10);
    drawn(
      raster,
      [
        [4, 4],
        [5, 5],
        [6, 4]
      ],
      2
    );
    expect(raster.drawn).toBe(2);
    raster.clear();
    expect(raster.pixels.every(pixel => pixel === 0)).toBe(true);
  });
});
