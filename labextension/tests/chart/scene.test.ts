import { PointStore } from '../../src/chart';
import { nearest } from '../../src/chart/hover';
import { SceneMaker } from '../../src/chart/scene';
import { Viewport } from '../../src/chart/viewport';

function filled(count: number, responseMs: (index: number) => number): PointStore {
  const store = new PointStore();
  store.append({
    sentAt: Float64Array.from({ length: count }, (_, index) => index),
    responseMs: Float32Array.from({ length: count }, (_, index) => responseMs(index)),
    modelMs: new Float32Array(count),
    status: new Uint16Array(count).fill(200),
    version: new Uint32Array(count).fill(1)
  });
  return store;
}

describe('SceneMaker', () => {
  it('shows all of few points, with the percentiles of what is visible', () => {
    const viewport = new Viewport();
    const scenes = new SceneMaker(
      filled(101, index => index),
      viewport
    );
    const scene = scenes.scene(0, false);
    expect(scene.visible).toEqual([0, 101]);
    expect(scene.statistics).toMatchObject({ count: 101, p50: 50, p99: 99 });
    expect(scene.y).toEqual({ min: 0, max: expect.closeTo(110) as number });
    viewport.box({ min: 10, max: 20 }, { min: 0, max: 50 });
    expect(scenes.scene(1, false)).toMatchObject({
      statistics: { count: 11, p50: 15 },
      y: { min: 0, max: 50 }
    });
  });

  it('has a sensible view of nothing', () => {
    const scene = new SceneMaker(new PointStore(), new Viewport()).scene(5_000_000, true);
    expect(scene.visible).toEqual([0, 0]);
    expect(scene.x.min).toBeLessThan(5000);
    expect(scene.x.max).toBeGreaterThan(5000);
    expect(scene.y.min).toBeGreaterThan(0);
    expect(scene.y.max).toBeGreaterThan(scene.y.min);
  });

  it('computes percentiles of very many points not at every frame', () => {
    const store = filled(10_000, () => 1);
    const scenes = new SceneMaker(store, new Viewport());
    expect(scenes.scene(1000, false).staleFor).toBe(0);
    store.append({
      sentAt: Float64Array.of(10_000),
      responseMs: Float32Array.of(99),
      modelMs: Float32Array.of(0),
      status: Uint16Array.of(500),
      version: Uint32Array.of(1)
    });
    expect(scenes.scene(1030, false)).toMatchObject({ staleFor: 70, statistics: { failed: 0 } });
    expect(scenes.scene(1100, false)).toMatchObject({ staleFor: 0, statistics: { failed: 1 } });
  });

  it('has no zero on a logarithmic scale', () => {
    const { y } = new SceneMaker(
      filled(10, index => index),
      new Viewport()
    ).scene(0, true);
    expect(y.min).toBeGreaterThan(0);
    expect(y.min).toBeLessThan(1);
  });
});

describe('nearest', () => {
  const plot = {
    xOf: (left: number) => left / 10,
    leftOf: (x: number) => x * 10,
    topOf: (y: number) => 100 - y
  };

  it('finds the point next to the pointer', () => {
    const store = filled(50, index => index);
    expect(nearest(store, plot, 203, 78)?.responseMs).toBe(20);
  });

  it('finds none far from all', () => {
    const store = filled(50, () => 1);
    expect(nearest(store, plot, 200, 10)).toBeNull();
    expect(nearest(new PointStore(), plot, 200, 10)).toBeNull();
  });
});
