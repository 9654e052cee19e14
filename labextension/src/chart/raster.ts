/**
 * Draws dots into pixels of our own.
 *
 * A canvas path of 100,000 circles takes hundreds of milliseconds. Stamping a small mask costs
 * about as much as reading the points, and a pixel that has its dot already is left out, so that
 * only what could not be told apart anyway is dropped: every extreme keeps its dot. No DOM in here.
 */

/** 0xAABBGGRR, as little-endian machines store a pixel. */
export type Pixel = number;

export type Shape = 'dot' | 'cross';

/** The pixels that a mark covers at least partly, relative to its center. */
export interface IMask {
  /** How far it reaches from its center. */
  readonly reach: number;
  readonly dx: Int8Array;
  readonly dy: Int8Array;
  /** Opacity of each pixel, 1 to 255. */
  readonly alpha: Uint8Array;
}

const OVERSAMPLING = 4;

/** Returns the mask of a mark whose edges are smoothed. */
export function mask(shape: Shape, radius: number): IMask {
  const reach = Math.ceil(radius);
  const pixels: [number, number, number][] = [];
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) {
      const alpha = Math.round(255 * covered(shape, radius, dx, dy));
      if (alpha > 0) {
        pixels.push([dx, dy, alpha]);
      }
    }
  }
  return {
    reach,
    dx: Int8Array.from(pixels, pixel => pixel[0]),
    dy: Int8Array.from(pixels, pixel => pixel[1]),
    alpha: Uint8Array.from(pixels, pixel => pixel[2])
  };
}

function covered(shape: Shape, radius: number, x: number, y: number): number {
  let hits = 0;
  for (let row = 0; row < OVERSAMPLING; row++) {
    for (let column = 0; column < OVERSAMPLING; column++) {
      const dx = x + (column + 0.5) / OVERSAMPLING - 0.5;
      const dy = y + (row + 0.5) / OVERSAMPLING - 0.5;
      hits += inside(shape, radius, dx, dy) ? 1 : 0;
    }
  }
  return hits / OVERSAMPLING ** 2;
}

function inside(shape: Shape, radius: number, dx: number, dy: number): boolean {
  if (shape === 'dot') {
    return dx * dx + dy * dy <= radius * radius;
  }
  const reach = Math.max(Math.abs(dx), Math.abs(dy)) <= radius;
  return reach && Math.abs(Math.abs(dx) - Math.abs(dy)) <= Math.max(0.8, radius * 0.35);
}

export class DotRaster {
  readonly pixels: Uint32Array;
  /** Marks drawn since the last `clear`. */
  drawn = 0;

  constructor(
    readonly width: number,
    readonly height: number
  ) {
    this.pixels = new Uint32Array(width * height);
    this._taken = new Uint8Array(width * height);
  }

  clear(): void {
    this.pixels.fill(0);
    this.drawn = 0;
  }

  /**
   * Draws marks of one kind above what is there.
   *
   * @param xs - Columns.
   * @param ys - Rows, as many as `count` of each.
   * @param grain - Marks whose centers share a square of this many pixels are drawn once.
   */
  layer(
    xs: Int32Array,
    ys: Int32Array,
    count: number,
    mark: IMask,
    color: Pixel,
    grain: number
  ): void {
    const { width, height, _taken: taken } = this;
    taken.fill(0);
    const shift = Math.max(0, Math.round(Math.log2(grain)));
    const offsets = Int32Array.from(mark.dx, (dx, index) => dx + mark.dy[index]! * width);
    const inks = Uint32Array.from(mark.alpha, alpha => (alpha << 24) | (color & 0xffffff));
    for (let index = 0; index < count; index++) {
      const x = xs[index]!;
      const y = ys[index]!;
      if (x < 0 || y < 0 || x >= width || y >= height) {
        continue;
      }
      const cell = (y >> shift) * width + (x >> shift);
      if (taken[cell]) {
        continue;
      }
      taken[cell] = 1;
      this.drawn++;
      const { reach } = mark;
      if (x >= reach && y >= reach && x < width - reach && y < height - reach) {
        this._stamp(y * width + x, offsets, inks);
      } else {
        this._clipped(x, y, mark, inks);
      }
    }
  }

  /** The stronger of two marks wins a pixel: smooth edges need no exact mixing at this size. */
  private _stamp(center: number, offsets: Int32Array, inks: Uint32Array): void {
    const { pixels } = this;
    for (let index = 0; index < offsets.length; index++) {
      const at = center + offsets[index]!;
      const ink = inks[index]!;
      if (ink >>> 24 >= pixels[at]! >>> 24) {
        pixels[at] = ink;
      }
    }
  }

  private _clipped(x: number, y: number, mark: IMask, inks: Uint32Array): void {
    const { width, height, pixels } = this;
    for (let index = 0; index < inks.length; index++) {
      const column = x + mark.dx[index]!;
      const row = y + mark.dy[index]!;
      const at = row * width + column;
      const inside = column >= 0 && row >= 0 && column < width && row < height;
      if (inside && inks[index]! >>> 24 >= pixels[at]! >>> 24) {
        pixels[at] = inks[index]!;
      }
    }
  }

  private readonly _taken: Uint8Array;
}
