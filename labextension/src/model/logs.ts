/** A service's log lines, followed by a cursor while somebody looks. */

import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import type { KrakenClient } from '../api/client';
import type { ILogLine } from '../api/documents';
import { KrakenError } from '../api/errors';

/** The most lines that are kept. */
export const MOST_LINES = 10_000;
const FIRST_LINES = 1000;
const PAGE_LINES = 5000;
const BUSY_MS = 1000;
const IDLE_MS = 5000;
const SLOWER = 1.3;

/** Lines that change no more; the last block grows until it has BLOCK_LINES. */
export interface ILogBlock {
  readonly key: number;
  readonly text: string;
  readonly count: number;
}

const BLOCK_LINES = 200;

// Colours and cursor movements (CSI), titles and links (OSC), other escapes, control characters.
const ESCAPES =
  /\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-Z\\-_]|[\x00-\x08\x0b-\x1f\x7f]/g;

/** Returns a line as plain text: what a terminal would have left of it, without colours. */
export function plainText(line: string): string {
  // A progress bar returns to the line's begin again and again; its last word counts.
  const last = line.replace(/\r+$/, '').split('\r').pop() ?? '';
  return last.replace(ESCAPES, '');
}

export class LogFollower implements IDisposable {
  constructor(
    private readonly _client: Pick<KrakenClient, 'logs'>,
    readonly model: string,
    readonly version: number
  ) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get blocks(): readonly ILogBlock[] {
    return this._blocks;
  }

  get count(): number {
    return this._count;
  }

  /** Whether a first answer has come. */
  get loaded(): boolean {
    return this._cursor !== null;
  }

  get error(): KrakenError | null {
    return this._error;
  }

  get text(): string {
    return this._blocks.map(block => block.text).join('\n');
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  start(): void {
    if (!this._running && !this._disposed) {
      const running = new AbortController();
      this._running = running;
      this._pause = BUSY_MS;
      void this._look(running.signal);
    }
  }

  stop(): void {
    this._running?.abort();
    this._running = null;
    clearTimeout(this._timer);
  }

  dispose(): void {
    this.stop();
    this._disposed = true;
    Signal.clearData(this);
  }

  private async _look(signal: AbortSignal): Promise<void> {
    const more = await this._read(signal);
    if (!signal.aborted) {
      this._timer = setTimeout(() => void this._look(signal), more ? 0 : this._pause);
    }
  }

  /** Reads one page; true when there may be more at once. */
  private async _read(signal: AbortSignal): Promise<boolean> {
    const first = this._cursor === null;
    const limit = first ? FIRST_LINES : PAGE_LINES;
    try {
      const cursor = this._cursor ?? 'tail';
      const page = await this._client.logs(this.model, this.version, cursor, limit, signal);
      if (signal.aborted) {
        return false;
      }
      const changed = first || this._error !== null || page.lines.length > 0;
      this._cursor = page.cursor;
      this._error = null;
      this._add(page.lines);
      this._pause = page.lines.length > 0 ? BUSY_MS : Math.min(IDLE_MS, this._pause * SLOWER);
      if (changed) {
        this._changed.emit();
      }
      return !first && page.lines.length >= limit;
    } catch (error) {
      if (!signal.aborted) {
        this._error = error instanceof KrakenError ? error : KrakenError.unreachable(error);
        this._pause = Math.min(IDLE_MS, this._pause * SLOWER);
        this._changed.emit();
      }
      return false;
    }
  }

  private _add(lines: readonly ILogLine[]): void {
    const blocks = [...this._blocks];
    for (const line of lines) {
      this._replicas.add(line.replica);
      const label = this._replicas.size > 1 ? `[${line.replica}] ` : '';
      const text = label + plainText(line.text);
      const last = blocks[blocks.length - 1];
      if (last && last.count < BLOCK_LINES) {
        blocks[blocks.length - 1] = {
          key: last.key,
          text: `${last.text}\n${text}`,
          count: last.count + 1
        };
      } else {
        blocks.push({ key: this._key++, text, count: 1 });
      }
      this._count++;
    }
    while (blocks[0] && this._count - blocks[0].count >= MOST_LINES) {
      this._count -= blocks[0].count;
      blocks.shift();
    }
    this._blocks = blocks;
    this._cutFirst();
  }

  /** Drops single lines of the oldest block, so that never more than MOST_LINES are kept. */
  private _cutFirst(): void {
    const [first, ...rest] = this._blocks;
    const excess = this._count - MOST_LINES;
    if (first && excess > 0) {
      const text = first.text.split('\n').slice(excess).join('\n');
      this._blocks = [{ ...first, text, count: first.count - excess }, ...rest];
      this._count = MOST_LINES;
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _replicas = new Set<string>();
  private _blocks: readonly ILogBlock[] = [];
  private _count = 0;
  private _key = 0;
  private _cursor: string | null = null;
  private _error: KrakenError | null = null;
  private _pause = BUSY_MS;
  private _timer: ReturnType<typeof setTimeout> | undefined = undefined;
  private _running: AbortController | null = null;
  private _disposed = false;
}
