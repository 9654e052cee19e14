import { recentFrom, Viewport } from '../../src/chart/viewport';

const DAY = { first: 0, last: 100, recent: 0 };
const TODAY = { first: 0, last: 10_100, recent: 10_000 };

describe('recentFrom', () => {
  it('is the first point while there is no long pause', () => {
    expect(recentFrom(Float64Array.of(1, 2, 500, 900))).toBe(1);
    expect(recentFrom(new Float64Array())).toBeNaN();
  });

  it('is the first point after a night', () => {
    expect(recentFrom(Float64Array.of(1, 2, 40_000, 40_010))).toBe(40_000);
  });

  it('forgets a pause once more time has passed since', () => {
    expect(recentFrom(Float64Array.of(0, 1000, 1500, 1800))).toBe(0);
  });
});

describe('Viewport', () => {
  it('follows the newest points until somebody moves it', () => {
    const viewport = new Viewport();
    expect(viewport.live).toBe(true);
    expect(viewport.x(DAY).max).toBeGreaterThan(100);
    expect(viewport.x({ ...DAY, last: 200 }).max).toBeGreaterThan(200);
    viewport.pan(DAY, 0, 0);
    expect(viewport.live).toBe(false);
    expect(viewport.x({ ...DAY, last: 200 }).max).toBeLessThan(200);
    viewport.goLive();
    expect(viewport.live).toBe(true);
  });

  it('zooms around a place that stays where it is', () => {
    const viewport = new Viewport();
    const before = viewport.x(DAY);
    const place = before.min + 0.25 * (before.max - before.min);
    viewport.zoom(DAY, 0.25, 0.5);
    const { min, max } = viewport.x(DAY);
    expect(max - min).toBeCloseTo(0.5 * (before.max - before.min));
    expect(min + 0.25 * (max - min)).toBeCloseTo(place);
  });

  it('is live again when it has zoomed out to everything', () => {
    const viewport = new Viewport();
    viewport.zoom(DAY, 0.5, 0.5);
    expect(viewport.zoom(DAY, 0.5, 4)).toBe(true);
    expect(viewport.live).toBe(true);
    expect(viewport.zoom(DAY, 0.5, 2)).toBe(false);
  });

  it('zooms out from today to everything, and no further', () => {
    const viewport = new Viewport();
    expect(viewport.zoom(TODAY, 0.5, 1000)).toBe(true);
    expect(viewport.x(TODAY).min).toBeLessThan(0);
    expect(viewport.zoom(TODAY, 0.5, 2)).toBe(false);
  });

  it('keeps some of the points in sight', () => {
    const viewport = new Viewport();
    viewport.zoom(DAY, 0.5, 0.1);
    for (let step = 0; step < 50; step++) {
      viewport.pan(DAY, 1, 0);
    }
    expect(viewport.x(DAY).min).toBeLessThan(100);
    for (let step = 0; step < 50; step++) {
      viewport.pan(DAY, -1, 0);
    }
    expect(viewport.x(DAY).max).toBeGreaterThan(0);
  });

  it('shows what was boxed, and pans in it up and down but not below zero', () => {
    const viewport = new Viewport();
    viewport.box({ min: 10, max: 20 }, { min: 5, max: 15 });
    expect(viewport.x(DAY)).toEqual({ min: 10, max: 20 });
    viewport.pan(DAY, 0, -10);
    expect(viewport.y).toEqual({ min: 0, max: 10 });
    viewport.showAll(DAY);
    expect(viewport.y).toBeNull();
  });

  it('never shows less than a moment', () => {
    const viewport = new Viewport();
    viewport.box({ min: 10, max: 10 }, { min: 5, max: 5 });
    const { min, max } = viewport.x(DAY);
    expect(max - min).toBeGreaterThan(0);
    expect(viewport.y).toBeNull();
  });
});
