import { EventParser, type IMessage, messages } from '../../src/api/sse';

const TEXT =
  ': a comment\r\n' +
  'event: change\r\nid: 7;abc=\r\ndata: {"a":\r\ndata: 1}\r\n\r\n' +
  'data\n\n' +
  'event:times\ndata:  two spaces\nunknown: x\n\n' +
  'event: nothing to tell\n\n' +
  'data: old mac\r\r' +
  'data: späť 🐙\n\n' +
  'data: never ended';

const EXPECTED: IMessage[] = [
  { event: 'change', data: '{"a":\n1}', id: '7;abc=' },
  { event: 'message', data: '', id: '7;abc=' },
  { event: 'times', data: ' two spaces', id: '7;abc=' },
  { event: 'message', data: 'old mac', id: '7;abc=' },
  { event: 'message', data: 'späť 🐙', id: '7;abc=' }
];

function body(bytes: Uint8Array, size: number): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start: controller => {
      for (let at = 0; at < bytes.length; at += size) {
        controller.enqueue(bytes.slice(at, at + size));
      }
      controller.close();
    }
  });
}

describe('EventParser', () => {
  it('reads fields, comments, ends of line and several lines of data', () => {
    expect(new EventParser().push(TEXT)).toEqual(EXPECTED);
  });

  it('gives the same wherever the text is cut', () => {
    for (let size = 1; size < 20; size++) {
      const parser = new EventParser();
      const found: IMessage[] = [];
      for (let at = 0; at < TEXT.length; at += size) {
        found.push(...parser.push(TEXT.slice(at, at + size)));
      }
      expect(found).toEqual(EXPECTED);
    }
  });

  it('keeps the last id, and forgets it when it is sent empty', () => {
    const parser = new EventParser();
    const ids = parser.push('id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n').map(({ id }) => id);
    expect(ids).toEqual(['1', '1', '']);
  });

  it('ignores an id with a null character', () => {
    const [message] = new EventParser().push('id: 1\nid: 2\0\ndata: a\n\n');
    expect(message?.id).toBe('1');
  });
});

describe('messages', () => {
  it('decodes characters that are cut between bytes, and tells of every sign of life', async () => {
    const bytes = new TextEncoder().encode(TEXT);
    for (const size of [1, 2, 3, 1000]) {
      const alive = jest.fn();
      const found: IMessage[] = [];
      for await (const message of messages(body(bytes, size), alive)) {
        found.push(message);
      }
      expect(found).toEqual(EXPECTED);
      expect(alive).toHaveBeenCalledTimes(Math.ceil(bytes.length / size));
    }
  });
});
