import { clock, duration, durationLabels, timeLabels, timeTicks } from '../../src/chart/axes';

const NOON = Date.parse('2026-11-22T12:00:00') / 1000;

describe('times', () => {
  it('stand at whole steps of local time', () => {
    expect(timeTicks(NOON - 7, NOON + 61, 30).map(tick => tick - NOON)).toEqual([0, 30, 60]);
    const [midnight] = timeTicks(NOON - 86_400, NOON, 86_400);
    expect(new Date((midnight ?? 0) * 1000).getHours()).toBe(0);
  });

  it('tell the day at the first tick and at a new day', () => {
    const labels = timeLabels([NOON, NOON + 3600, NOON + 13 * 3600], 3600);
    expect(labels).toEqual(['12:00\n2026-11-22', '13:00', '01:00\n2026-11-23']);
    expect(timeLabels([NOON], 86_400)).toEqual(['2026-11-22']);
  });

  it('are as exact as their step', () => {
    const at = NOON + 1.25;
    expect([0.01, 1, 60].map(step => clock(at, step))).toEqual([
      '12:00:01.250',
      '12:00:01',
      '12:00'
    ]);
  });
});

describe('durations', () => {
  it.each([
    [0.4231, '0.42 ms'],
    [3.14159, '3.14 ms'],
    [31.4159, '31.4 ms'],
    [314.159, '314 ms'],
    [2400, '2.40 s'],
    [31_400, '31.4 s'],
    [NaN, '–']
  ])('of %d ms', (ms, expected) => {
    expect(duration(ms)).toBe(expected);
  });

  it('have one unit on an axis', () => {
    expect(durationLabels([0, 0.5, 1])).toEqual(['0 ms', '0.5 ms', '1 ms']);
    expect(durationLabels([0, 1500, 3000, null])).toEqual(['0 s', '1.5 s', '3 s', '']);
  });
});
