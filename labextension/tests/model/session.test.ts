import type { IStream, IStreamRequest, KrakenClient } from '../../src/api/client';
import type { ITimes } from '../../src/api/documents';
import { KrakenError } from '../../src/api/errors';
import { PanelModel } from '../../src/model/panel';
import { Session } from '../../src/model/session';
import { aModel, aService, aVersion, lines } from '../documents';
import { settled } from '../promises';

const MODELS = [
  aModel('a'),
  aModel('b', { versions: [1, 2, 3], live_version: 2, shown_version: 2 })
];

/** A backend that answers at once, and whose streams stay open in silence. */
class Client {
  readonly opened: IStreamRequest[] = [];
  readonly logged: string[] = [];
  pages = 0;

  async models(): Promise<unknown> {
    this.pages++;
    return Promise.resolve({ models: MODELS, next_cursor: '' });
  }

  async model(name: string): Promise<unknown> {
    const found = MODELS.find(model => model.name === name);
    return found ?? Promise.reject(new KrakenError('model_not_found', '', '', 404));
  }

  async versions(): Promise<unknown> {
    return Promise.resolve({ versions: [aVersion(1), aVersion(2), aVersion(4)] });
  }

  async service(_: string, version: number): Promise<unknown> {
    return Promise.resolve(aService({ version }));
  }

  async events(): Promise<unknown> {
    return Promise.resolve({ events: [] });
  }

  async logs(name: string, version: number): Promise<unknown> {
    this.logged.push(`${name}@${version}`);
    return Promise.resolve(lines([], 'c'));
  }

  async open(request: IStreamRequest): Promise<IStream> {
    this.opened.push(request);
    return new Promise((_, reject) => {
      request.signal.addEventListener('abort', () => reject(new Error('aborted')));
    });
  }
}

let client: Client;
let session: Session;
let panel: PanelModel;

beforeEach(async () => {
  jest.useFakeTimers({ doNotFake: ['queueMicrotask', 'nextTick'] });
  client = new Client();
  session = new Session({ client: client as unknown as KrakenClient, history: () => 100 });
  panel = new PanelModel(session);
  panel.visible = true;
  await passed(0);
});

afterEach(() => {
  panel.dispose();
  session.dispose();
  jest.useRealTimers();
});

async function passed(ms: number): Promise<void> {
  await settled();
  jest.advanceTimersByTime(ms);
  await settled();
}

const watched = (): readonly string[] | undefined => client.opened[client.opened.length - 1]?.times;

describe('Session', () => {
  it('reads nothing before somebody looks', async () => {
    const unasked = new Client();
    const quiet = new Session({ client: unasked as unknown as KrakenClient, history: () => 1 });
    await passed(120_000);
    quiet.dispose();
    expect([unasked.pages, unasked.opened.length]).toEqual([0, 0]);
  });

  it('looks every half minute for what slipped through, and not when hidden', async () => {
    const before = client.pages;
    await passed(31_000);
    expect(client.pages).toBe(before + 1);
    session.activity.setPageVisible(false);
    await passed(31_000);
    const hidden = client.pages;
    await passed(120_000);
    expect(client.pages).toBe(hidden);
    expect(client.opened[0]?.signal.aborted).toBe(true);
    session.activity.setPageVisible(true);
    await passed(0);
    expect(client.opened).toHaveLength(2);
  });

  it('reads a model that answers queries now and then, for what it uses', async () => {
    session.watch('a');
    const read = jest.spyOn(client, 'model');
    const times = (): void => {
      const signal = session.stream.times as unknown as { emit: (times: ITimes) => void };
      signal.emit({ of: 'a', points: [] });
    };
    for (let second = 0; second < 12; second++) {
      times();
      await passed(1000);
    }
    expect(read).toHaveBeenCalledTimes(3);
  });

  it('watches a model as long as anybody holds it', async () => {
    const one = session.watch('a');
    const two = session.watch('a');
    expect(one.feed).toBe(two.feed);
    one.release();
    one.release();
    await settled();
    expect(watched()).toEqual(['a']);
    two.release();
    await settled();
    expect(watched()).toEqual([]);
  });
});

describe('PanelModel', () => {
  it('carries the times of the selected model, in one connection', async () => {
    panel.select('a');
    await settled();
    expect(watched()).toEqual(['a']);
    const { length } = client.opened;
    panel.select('b');
    await settled();
    expect(watched()).toEqual(['b']);
    expect(client.opened).toHaveLength(length + 1);
    expect(client.opened.filter(request => !request.signal.aborted)).toHaveLength(1);
  });

  it('reads logs of the shown version while they are seen', async () => {
    panel.select('b');
    await passed(5000);
    expect(client.logged).toEqual([]);
    panel.tab = 'logs';
    await passed(0);
    expect(client.logged).toEqual(['b@2']);
    panel.visible = false;
    await passed(10_000);
    expect(client.logged).toEqual(['b@2']);
  });

  it('shows another version, refused ones too, until that is gone', async () => {
    panel.select('b');
    await settled();
    expect(panel.selection?.version).toBe(2);
    panel.choose(4);
    expect(panel.selection?.version).toBe(4);
    panel.choose(9);
    expect(panel.selection?.version).toBe(2);
  });

  it('closes the details of a model that is deleted', async () => {
    panel.select('a');
    await settled();
    session.list.remove('a');
    expect(panel.selection).toBeNull();
    await settled();
    expect(watched()).toEqual([]);
  });

  it('sorts the other way at a second click, newest first where that is meant', () => {
    panel.sortBy('created');
    expect(panel.order).toEqual({ column: 'created', descending: true });
    panel.sortBy('created');
    expect(panel.order.descending).toBe(false);
    panel.sortBy('owner');
    expect(panel.order).toEqual({ column: 'owner', descending: false });
  });

  it('shows what matches the filter', () => {
    panel.filter = 'b';
    expect(panel.models.map(model => model.name)).toEqual(['b']);
  });
});
