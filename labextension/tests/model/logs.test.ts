import type { ILogPage } from '../../src/api/documents';
import { KrakenError } from '../../src/api/errors';
import { LogFollower, MOST_LINES, plainText } from '../../src/model/logs';
import { lines } from '../documents';
import { deferred, type IDeferred, settled } from '../promises';

interface IAsked {
  readonly cursor: string;
  readonly limit: number;
  readonly signal: AbortSignal;
  readonly answer: IDeferred<ILogPage>;
}

let asked: IAsked[];
let logs: LogFollower;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['queueMicrotask', 'nextTick'] });
  asked = [];
  const ask = async (
    _name: string,
    _version: number,
    cursor: string,
    limit: number,
    signal: AbortSignal
  ): Promise<ILogPage> => {
    const answer = deferred<ILogPage>();
    asked.push({ cursor, limit, signal, answer });
    return answer.promise;
  };
  logs = new LogFollower({ logs: ask }, 'churn', 1);
});

afterEach(() => {
  logs.dispose();
  jest.useRealTimers();
});

async function answered(page: ILogPage, pauseMs = 1000): Promise<void> {
  asked[asked.length - 1]?.answer.resolve(page);
  await settled();
  jest.advanceTimersByTime(pauseMs);
  await settled();
}

describe('plainText', () => {
  it.each([
    ['\x1b[1;31mred\x1b[0m and \x1b[38;5;12mblue', 'red and blue'],
    ['\x1b]0;a title\x07shown', 'shown'],
    ['\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\', 'link'],
    ['10 %\r50 %\r100 %\r', '100 %'],
    ['a\tb\x00\x08c', 'a\tbc'],
    ['<img src=x onerror="boom()">', '<img src=x onerror="boom()">'],
    ['', '']
  ])('leaves text of %j', (line, expected) => {
    expect(plainText(line)).toBe(expected);
  });
});

describe('LogFollower', () => {
  it('begins with the newest lines, and goes on from the cursor', async () => {
    logs.start();
    expect(asked[0]).toMatchObject({ cursor: 'tail', limit: 1000 });
    await answered(lines(['a', 'b'], 'c1'));
    expect(asked[1]?.cursor).toBe('c1');
    await answered(lines(['c'], 'c2'));
    expect(logs.text).toBe('a\nb\nc');
    expect(asked[2]?.cursor).toBe('c2');
  });

  it('asks less often when nothing comes, and at once when there is more', async () => {
    logs.start();
    await answered(lines(['a'], 'c1'));
    for (const pause of [1300, 1690, 2197]) {
      const { length } = asked;
      await answered(lines([], 'c1'), pause - 1);
      expect(asked).toHaveLength(length);
      await answered(lines([], 'c1'), 1);
      expect(asked).toHaveLength(length + 1);
    }
    const { length } = asked;
    await answered(lines(Array<string>(5000).fill('x'), 'c2'), 0);
    expect(asked).toHaveLength(length + 1);
  });

  it('stops asking, and goes on where it was', async () => {
    logs.start();
    await answered(lines(['a'], 'c1'));
    logs.stop();
    expect(asked[1]?.signal.aborted).toBe(true);
    await answered(lines(['late'], 'c2'), 60_000);
    expect(asked).toHaveLength(2);
    expect(logs.text).toBe('a');
    logs.start();
    expect(asked[2]?.cursor).toBe('c1');
  });

  it('keeps lines and cursor when it fails, and says why', async () => {
    logs.start();
    await answered(lines(['a'], 'c1'));
    asked[1]?.answer.reject(new KrakenError('x', 'Gone.', '', 502));
    await settled();
    expect(logs.error?.message).toBe('Gone.');
    jest.advanceTimersByTime(5000);
    await settled();
    expect(asked[2]?.cursor).toBe('c1');
    await answered(lines([], 'c1'));
    expect(logs.error).toBeNull();
    expect(logs.text).toBe('a');
  });

  it('keeps the newest lines only', async () => {
    logs.start();
    await answered(lines(['first'], 'c0'));
    let number = 0;
    for (let page = 0; page < 7; page++) {
      const texts = Array.from({ length: 1723 }, () => `line ${number++}`);
      await answered(lines(texts, `c${page + 1}`));
      expect(logs.count).toBe(logs.text.split('\n').length);
      expect(logs.count).toBeLessThanOrEqual(MOST_LINES);
    }
    const kept = logs.text.split('\n');
    expect(kept).toHaveLength(MOST_LINES);
    expect(kept[0]).toBe(`line ${number - MOST_LINES}`);
    expect(kept[MOST_LINES - 1]).toBe(`line ${number - 1}`);
  });

  it('names replicas when there are several', async () => {
    logs.start();
    await answered(lines(['a'], 'c1', 'r1'));
    await answered(lines(['b'], 'c2', 'r2'));
    expect(logs.text).toBe('a\n[r2] b');
  });
});
