import { filtered, sorted } from '../../src/model/order';
import { aModel } from '../documents';

const MODELS = [
  aModel('m10', { state: 'stopped', owner: 'bob', memory_used: 0, endpoint: null }),
  aModel('m9', { state: 'failed', description: 'Who leaves us', tags: { team: 'crm' } }),
  aModel('m1', { state: 'running', memory_used: 5 })
];

const names = (models: readonly { name: string }[]): string[] => models.map(({ name }) => name);

describe('sorted', () => {
  it('counts numbers in names', () => {
    expect(names(sorted(MODELS, { column: 'name', descending: false }))).toEqual([
      'm1',
      'm9',
      'm10'
    ]);
  });

  it('shows first what needs a look', () => {
    const order = { column: 'state', descending: false } as const;
    expect(names(sorted(MODELS, order))).toEqual(['m9', 'm1', 'm10']);
  });

  it('puts equal ones by name, in both directions', () => {
    const order = { column: 'cpu', descending: true } as const;
    expect(names(sorted(MODELS, order))).toEqual(['m1', 'm9', 'm10']);
  });

  it('leaves the given list alone', () => {
    const before = names(MODELS);
    sorted(MODELS, { column: 'memory', descending: true });
    expect(names(MODELS)).toEqual(before);
  });
});

describe('filtered', () => {
  it.each([
    ['', ['m10', 'm9', 'm1']],
    ['  M1 ', ['m10', 'm1']],
    ['bob', ['m10']],
    ['leaves WHO', ['m9']],
    ['team=crm', ['m9']],
    ['failed', ['m9']],
    ['127.0.0.1:4000 running', ['m1']],
    ['nothing', []]
  ])('finds %j', (text, expected) => {
    expect(names(filtered(MODELS, text))).toEqual(expected);
  });
});
