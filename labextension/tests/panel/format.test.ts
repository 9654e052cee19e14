import { ago, bytes, cpu, memory, ranges } from '../../src/panel/format';
import { windowOf } from '../../src/panel/windowing';
import { aModel } from '../documents';

describe('facts', () => {
  it.each([
    [0, '0 B'],
    [1536, '1.5 kB'],
    [120 * 2 ** 20, '120 MB'],
    [2.25 * 2 ** 30, '2.3 GB']
  ])('%i bytes', (amount, expected) => {
    expect(bytes(amount)).toBe(expected);
  });

  it.each([
    [[], ''],
    [[1], '1'],
    [[1, 2, 3, 5, 8, 9], '1–3, 5, 8–9']
  ])('versions %j', (numbers, expected) => {
    expect(ranges(numbers)).toBe(expected);
  });

  it('tell use and allowance', () => {
    expect(memory(aModel('m'))).toBe('120 MB / 2 GB');
    expect(memory(aModel('m', { memory_used: 0, replicas: 3 }))).toBe('3 × 2 GB');
    expect(memory(aModel('m', { memory: '' }))).toBe('');
    expect(cpu(aModel('m'))).toBe('0.25 / 1');
    expect(cpu(aModel('m', { state: 'stopped', ready_replicas: 0 }))).toBe('1');
  });

  it.each([
    [10, 'now'],
    [130, '2 min. ago'],
    [-50, 'now'],
    [86_400, 'yesterday']
  ])('%i s ago', (seconds, expected) => {
    const when = new Date(1e12 - seconds * 1000).toISOString();
    expect(ago(when, 1e12, 'en')).toBe(expected);
  });
});

describe('windowOf', () => {
  it('draws what is visible and some more, never beyond the list', () => {
    expect(windowOf(0, 280, 28, 1000)).toEqual({ first: 0, end: 18 });
    expect(windowOf(2800, 280, 28, 1000)).toEqual({ first: 92, end: 118 });
    expect(windowOf(2800, 280, 28, 105)).toEqual({ first: 92, end: 105 });
    expect(windowOf(2800, 280, 28, 3)).toEqual({ first: 3, end: 3 });
  });
});
