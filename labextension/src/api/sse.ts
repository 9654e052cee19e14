/** Server-sent events, read from a stream of bytes as the HTML standard tells. */

export interface IMessage {
  readonly event: string;
  readonly data: string;
  /** The id that was last seen; send it back as Last-Event-ID. */
  readonly id: string;
}

/** Takes text in pieces cut anywhere; gives whole messages. */
export class EventParser {
  /** Returns the messages that end within this piece. */
  push(text: string): IMessage[] {
    const messages: IMessage[] = [];
    this._rest += text;
    for (let line = this._line(); line !== null; line = this._line()) {
      const message = line === '' ? this._dispatch() : this._field(line);
      if (message) {
        messages.push(message);
      }
    }
    return messages;
  }

  /** Returns the next whole line without its end, null when it is not there yet. */
  private _line(): string | null {
    const end = /\r\n|\n|\r/.exec(this._rest);
    // A piece may end between \r and \n, which are one end of line.
    if (!end || (end[0] === '\r' && end.index === this._rest.length - 1)) {
      return null;
    }
    const line = this._rest.slice(0, end.index);
    this._rest = this._rest.slice(end.index + end[0].length);
    return line;
  }

  private _field(line: string): null {
    const [, name, value] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (name === 'data') {
      this._data.push(value ?? '');
    } else if (name === 'event') {
      this._event = value ?? '';
    } else if (name === 'id' && !value?.includes('\0')) {
      this._id = value ?? '';
    }
    return null;
  }

  private _dispatch(): IMessage | null {
    const message = { event: this._event || 'message', data: this._data.join('\n'), id: this._id };
    const empty = this._data.length === 0;
    this._event = '';
    this._data = [];
    return empty ? null : message;
  }

  private _rest = '';
  private _event = '';
  private _data: string[] = [];
  private _id = '';
}

/**
 * Reads a body to its end.
 *
 * @param body - A text/event-stream.
 * @param alive - Called whenever bytes come, comments too.
 */
export async function* messages(
  body: ReadableStream<Uint8Array>,
  alive: () => void = () => undefined
): AsyncGenerator<IMessage, void, undefined> {
  const parser = new EventParser();
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return;
      }
      alive();
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
