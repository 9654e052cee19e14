import type { IStream, IStreamRequest } from '../../src/api/client';
import type { ITimes } from '../../src/api/documents';
import { KrakenError } from '../../src/api/errors';
import type { IMessage } from '../../src/api/sse';
import { Backoff } from '../../src/model/backoff';
import { PointFeed } from '../../src/model/points';
import { LiveStream } from '../../src/model/stream';
import { deferred, settled } from '../promises';

/** One connection, whose messages the test sends. */
class Connection {
  constructor(readonly request: IStreamRequest) {
    request.signal.addEventListener('abort', () => this.end());
  }

  async *messages(): AsyncGenerator<IMessage, void, undefined> {
    for (;;) {
      yield* this._queue.splice(0);
      if (this.ended) {
        return;
      }
      await this._more.promise;
      this._more = deferred();
    }
  }

  send(event: string, document: unknown, id = ''): void {
    this.request.alive();
    this._queue.push({ event, data: JSON.stringify(document), id });
    this._more.resolve(null);
  }

  end(): void {
    this.ended = true;
    this._more.resolve(null);
  }

  ended = false;
  private readonly _queue: IMessage[] = [];
  private _more = deferred<null>();
}

class Backend {
  readonly opened: Connection[] = [];
  refusal: KrakenError | null = null;

  async open(request: IStreamRequest): Promise<IStream> {
    const connection = new Connection(request);
    this.opened.push(connection);
    if (this.refusal) {
      return Promise.reject(this.refusal);
    }
    return Promise.resolve({ messages: connection.messages() });
  }

  get last(): Connection {
    return this.opened[this.opened.length - 1]!;
  }
}

const GONE = new KrakenError('backend_unreachable', 'Gone.', '', 502);

let backend: Backend;
let stream: LiveStream;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['queueMicrotask', 'nextTick'] });
  backend = new Backend();
  stream = new LiveStream(
    backend,
    () => 2000,
    () => 1
  );
});

afterEach(() => {
  stream.dispose();
  jest.useRealTimers();
});

async function passed(ms: number): Promise<void> {
  jest.advanceTimersByTime(ms);
  await settled();
}

async function greeted(): Promise<void> {
  await settled();
  backend.last.send('hello', { after: 1 }, '1;');
  await settled();
}

describe('Backoff', () => {
  it('grows to 15 s and begins anew', () => {
    const backoff = new Backoff(() => 1);
    const pauses = Array.from({ length: 8 }, () => backoff.next());
    expect(pauses).toEqual([500, 1000, 2000, 4000, 8000, 15000, 15000, 15000]);
    backoff.reset();
    expect(backoff.next()).toBe(500);
  });

  it('spreads pauses, never below the first', () => {
    const backoff = new Backoff(() => 0);
    expect([1, 2, 3, 4].map(() => backoff.next())).toEqual([500, 500, 1000, 2000]);
  });
});

describe('LiveStream', () => {
  it('is live once the backend greets', async () => {
    stream.start();
    await settled();
    expect(stream.state.connection).toBe('connecting');
    await greeted();
    expect(stream.state.connection).toBe('live');
  });

  it('tries again with growing pauses, and says until when', async () => {
    backend.refusal = GONE;
    stream.start();
    await settled();
    expect(stream.state).toMatchObject({ connection: 'offline', error: GONE });
    expect(stream.state.retryAt).toBe(Date.now() + 500);
    for (const pause of [500, 1000, 2000]) {
      const before = backend.opened.length;
      await passed(pause - 1);
      expect(backend.opened).toHaveLength(before);
      await passed(1);
      expect(backend.opened).toHaveLength(before + 1);
    }
  });

  it('comes back by itself, goes on where it was, and says that it was away', async () => {
    const resumed = jest.fn();
    stream.resumed.connect(resumed);
    stream.watch(['churn']);
    stream.start();
    await greeted();
    backend.last.send('times', { of: 'churn', points: [] }, '1;abc');
    await settled();
    const { length } = backend.opened;
    backend.last.end();
    await settled();
    expect(stream.state.connection).toBe('connecting');
    await passed(500);
    expect(backend.opened).toHaveLength(length + 1);
    expect(backend.last.request).toMatchObject({ times: ['churn'], lastId: '1;abc' });
    expect(resumed).not.toHaveBeenCalled();
    await greeted();
    expect(resumed).toHaveBeenCalledTimes(1);
  });

  it('tries at once when somebody asks', async () => {
    backend.refusal = GONE;
    stream.start();
    await settled();
    backend.refusal = null;
    stream.retry();
    await greeted();
    expect(stream.state.connection).toBe('live');
    await passed(60_000 - 16_000);
    expect(backend.opened).toHaveLength(2);
  });

  it('gives up a connection that is silent for too long', async () => {
    stream.start();
    await greeted();
    await passed(44_000);
    backend.last.request.alive();
    await passed(44_000);
    expect(stream.state.connection).toBe('live');
    await passed(2000);
    expect(backend.opened[0]?.ended).toBe(true);
    expect(stream.state.connection).toBe('connecting');
  });

  it('asks again for what it could not take', async () => {
    stream.start();
    await greeted();
    stream.happened.connect(() => {
      throw new Error('a listener fails');
    });
    const quiet = jest.spyOn(console, 'error').mockReturnValue();
    backend.last.send('change', { id: 2, model: 'a' }, '2;');
    backend.last.send('broken', undefined, '3;');
    await settled();
    await passed(500);
    expect(backend.last.request.lastId).toBe('2;');
    quiet.mockRestore();
  });

  it('closes when stopped, and resumes later', async () => {
    stream.start();
    await greeted();
    stream.stop();
    await settled();
    expect(backend.last.ended).toBe(true);
    await passed(60_000);
    expect(backend.opened).toHaveLength(1);
    stream.start();
    await settled();
    expect(backend.last.request.lastId).toBe('1;');
  });

  it('opens one new connection when another model is watched instead', async () => {
    stream.watch(['a']);
    stream.start();
    await greeted();
    backend.last.send('times', { of: 'a', points: [] }, '5;cursors-of-a');
    backend.last.send('change', { id: 6, model: 'a' }, '6;cursors-of-a');
    await settled();
    const { length } = backend.opened;
    stream.watch(['a', 'b']);
    stream.watch(['b']);
    await settled();
    expect(backend.opened).toHaveLength(length + 1);
    expect(backend.last.request).toMatchObject({ times: ['b'], lastId: '6' });
  });
});

describe('a chart', () => {
  const point = (number: number): ITimes['points'][number] => [
    1000 + number,
    number,
    0,
    1,
    1,
    200,
    `r${number}`
  ];

  it('has every point once, whatever the stream repeats after a break', async () => {
    const feed = new PointFeed(2000);
    stream.times.connect((_, times) => feed.take(times.points));
    stream.watch(['churn']);
    stream.start();
    await greeted();
    backend.last.send('times', { of: 'churn', points: [1, 2, 3].map(point) }, '1;x');
    await settled();
    backend.last.end();
    await settled();
    await passed(500);
    await greeted();
    backend.last.send('times', { of: 'churn', points: [3, 4, 2, 5].map(point) }, '1;y');
    await settled();
    expect([...feed.store.responseMs]).toEqual([1, 2, 3, 4, 5]);
  });

  it('tells two queries with one id apart by their times', () => {
    const feed = new PointFeed(10);
    const [, ...rest] = point(1);
    feed.take([point(1), [1001.5, ...rest]]);
    expect(feed.store.count).toBe(2);
  });
});
