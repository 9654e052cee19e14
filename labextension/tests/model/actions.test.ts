import type { IModel, IService } from '../../src/api/documents';
import { KrakenError } from '../../src/api/errors';
import { Actions, actionsOf, type IActionFailure } from '../../src/model/actions';
import { ModelList } from '../../src/model/modellist';
import { aModel, aPage, aService } from '../documents';
import { deferred, type IDeferred, settled } from '../promises';

let model: IModel;
let answers: IDeferred<IService>[];
let asked: jest.Mock;
let list: ModelList;
let actions: Actions;

beforeEach(async () => {
  jest.useFakeTimers({ doNotFake: ['queueMicrotask', 'nextTick'] });
  model = aModel('churn');
  answers = [];
  list = new ModelList({
    models: () => Promise.resolve({ ...aPage([]), models: [model] }),
    model: () => Promise.resolve(model)
  });
  await list.refresh();
  asked = jest.fn();
  const ask = async (...what: unknown[]): Promise<IService> => {
    asked(...what);
    const answer = deferred<IService>();
    answers.push(answer);
    return answer.promise;
  };
  actions = new Actions(
    {
      changeService: ask,
      deleteModel: async name => {
        await ask(name);
      }
    },
    list
  );
});

afterEach(() => {
  actions.dispose();
  list.dispose();
  jest.useRealTimers();
});

const state = (): string => actions.shown(model).state;

async function heard(change: Partial<IModel>): Promise<void> {
  model = { ...model, ...change, revision: model.revision + 1 };
  await list.read('churn');
}

describe('what can be asked', () => {
  it.each([
    [aModel('m'), ['stop', 'restart', 'delete']],
    [aModel('m', { state: 'pending' }), ['stop', 'delete']],
    [aModel('m', { state: 'stopping' }), ['delete']],
    [aModel('m', { state: 'stopped' }), ['start', 'delete']],
    [aModel('m', { state: 'failed' }), ['start', 'delete']],
    [aModel('m', { state: 'stopped', shown_version: null, versions: [] }), ['delete']],
    [aModel('m', { deleting: true }), []]
  ])('fits the state', (given, expected) => {
    expect(actionsOf(given)).toEqual(expected);
  });
});

describe('asking', () => {
  it.each([
    ['start', 'pending', { desired: 'running' }],
    ['stop', 'stopping', { desired: 'stopped' }],
    ['restart', 'pending', { desired: 'running', restart: true }]
  ] as const)('shows %s at once', (action, shown, wish) => {
    const told = jest.fn();
    actions.changed.connect(told);
    void actions.run(action, model);
    expect(state()).toBe(shown);
    expect(told).toHaveBeenCalledTimes(1);
    expect(asked).toHaveBeenCalledWith('churn', 1, wish);
    expect(actions.shown(model).actions).toEqual(['delete']);
  });

  it('leaves nothing to ask of what is being deleted', () => {
    void actions.run('delete', model);
    expect(actions.shown(model).actions).toEqual([]);
  });

  it('ends when it has come true', async () => {
    void actions.run('stop', model);
    await heard({ state: 'stopping' });
    expect(actions.shown(model).asked).toBe('stop');
    answers[0]?.resolve(aService());
    await settled();
    await heard({ state: 'stopped' });
    expect(actions.shown(model)).toMatchObject({ asked: null, state: 'stopped' });
  });

  it('ends after a while when nothing seems to change', async () => {
    void actions.run('restart', model);
    answers[0]?.resolve(aService());
    await settled();
    jest.advanceTimersByTime(1000);
    expect(state()).toBe('pending');
    jest.advanceTimersByTime(1000);
    expect(actions.shown(model)).toMatchObject({ asked: null, state: 'running' });
  });

  it('is taken back when it is refused', async () => {
    const failures: IActionFailure[] = [];
    actions.failed.connect((_, failure) => failures.push(failure));
    void actions.run('stop', model);
    const error = new KrakenError('conflict', 'Somebody else.', '', 409);
    answers[0]?.reject(error);
    await settled();
    expect(state()).toBe('running');
    expect(failures).toEqual([{ action: 'stop', name: 'churn', error }]);
  });

  it('is not taken back by an older one that fails late', async () => {
    void actions.run('stop', model);
    void actions.run('delete', model);
    answers[0]?.reject(new KrakenError('conflict', '', '', 409));
    await settled();
    expect(actions.shown(model).asked).toBe('delete');
  });
});
