import type { IModel, IModelPage } from '../../src/api/documents';
import { KrakenError } from '../../src/api/errors';
import { ModelList } from '../../src/model/modellist';
import { aModel, aPage } from '../documents';
import { deferred, type IDeferred, settled } from '../promises';

class Backend {
  readonly pages: { cursor: string; answer: IDeferred<IModelPage> }[] = [];
  readonly asked: { name: string; answer: IDeferred<IModel> }[] = [];

  async models(cursor = ''): Promise<IModelPage> {
    const answer = deferred<IModelPage>();
    this.pages.push({ cursor, answer });
    return answer.promise;
  }

  async model(name: string): Promise<IModel> {
    const answer = deferred<IModel>();
    this.asked.push({ name, answer });
    return answer.promise;
  }
}

let backend: Backend;
let list: ModelList;
let told: jest.Mock;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['queueMicrotask', 'nextTick'] });
  backend = new Backend();
  list = new ModelList(backend);
  told = jest.fn();
  list.changed.connect(told);
});

afterEach(() => {
  list.dispose();
  jest.useRealTimers();
});

const names = (): string[] => list.models.map(model => model.name).sort();

async function page(index: number, answer: IModelPage): Promise<void> {
  backend.pages[index]?.answer.resolve(answer);
  await settled();
}

async function filled(...given: string[]): Promise<void> {
  void list.refresh();
  await page(backend.pages.length - 1, aPage(given));
  told.mockClear();
}

describe('pages', () => {
  it('show as they come', async () => {
    const done = list.refresh();
    await page(0, aPage(['a', 'b'], 'next'));
    expect(names()).toEqual(['a', 'b']);
    expect([list.loaded, list.complete]).toEqual([true, false]);
    expect(backend.pages[1]?.cursor).toBe('next');
    await page(1, aPage(['c']));
    await done;
    expect(names()).toEqual(['a', 'b', 'c']);
    expect(list.complete).toBe(true);
  });

  it('take away what none of them has, at the end', async () => {
    await filled('a', 'b', 'c');
    void list.refresh();
    await page(1, aPage(['a'], 'next'));
    expect(names()).toEqual(['a', 'b', 'c']);
    await page(2, aPage(['c']));
    expect(names()).toEqual(['a', 'c']);
  });

  it('are read once however often one asks at the same time', async () => {
    const both = [list.refresh(), list.refresh()];
    expect(backend.pages).toHaveLength(1);
    await page(0, aPage(['a']));
    await Promise.all(both);
    void list.refresh();
    expect(backend.pages).toHaveLength(2);
  });

  it('keep what is known when they cannot be read', async () => {
    await filled('a');
    const asked = list.refresh();
    backend.pages[1]?.answer.reject(new KrakenError('x', 'Gone.', '', 502));
    await expect(asked).rejects.toThrow('Gone.');
    expect(names()).toEqual(['a']);
    expect(list.error?.code).toBe('x');
  });

  it('do not bring back what was deleted while they were read', async () => {
    await filled('a', 'b');
    void list.refresh();
    list.remove('b');
    await page(1, aPage(['a', 'b']));
    expect(names()).toEqual(['a']);
  });

  it('do not lose what was made while they were read', async () => {
    void list.refresh();
    list.touch('new');
    jest.advanceTimersByTime(100);
    backend.asked[0]?.answer.resolve(aModel('new'));
    await settled();
    await page(0, aPage(['a']));
    expect(names()).toEqual(['a', 'new']);
  });

  it('do not overwrite newer news', async () => {
    void list.refresh();
    void list.read('a');
    backend.asked[0]?.answer.resolve(aModel('a', { revision: 5, state: 'stopped' }));
    await settled();
    await page(0, { models: [aModel('a', { revision: 4 })], next_cursor: '' });
    expect(list.get('a')?.state).toBe('stopped');
  });

  it('take a model made anew although its revision is lower', async () => {
    await filled('a');
    const anew = { created_at: '2026-11-23T00:00:00.000Z', revision: 0, owner: 'bob' };
    void list.read('a');
    backend.asked[0]?.answer.resolve(aModel('a', anew));
    await settled();
    expect(list.get('a')?.owner).toBe('bob');
  });
});

describe('changes', () => {
  it('are read once for many events', async () => {
    await filled('a', 'b');
    for (const name of ['a', 'b', 'a', 'a']) {
      list.touch(name);
    }
    jest.advanceTimersByTime(100);
    expect(backend.asked.map(({ name }) => name)).toEqual(['a', 'b']);
    backend.asked[0]?.answer.resolve(aModel('a', { revision: 2, state: 'failed' }));
    await settled();
    expect(list.get('a')?.state).toBe('failed');
    expect(told).toHaveBeenCalledTimes(1);
  });

  it('of very many models are read by pages', async () => {
    await filled('a');
    for (let index = 0; index < 50; index++) {
      list.touch(`m${index}`);
    }
    jest.advanceTimersByTime(100);
    await settled();
    expect(backend.asked).toHaveLength(0);
    expect(backend.pages).toHaveLength(2);
  });

  it('remove a model that is gone', async () => {
    await filled('a', 'b');
    void list.read('b');
    backend.asked[0]?.answer.reject(new KrakenError('model_not_found', '', '', 404));
    await settled();
    expect(names()).toEqual(['a']);
  });

  it('are not told after the end', async () => {
    await filled('a');
    void list.read('a');
    list.dispose();
    backend.asked[0]?.answer.resolve(aModel('a', { revision: 2 }));
    await settled();
    expect(told).not.toHaveBeenCalled();
  });
});
