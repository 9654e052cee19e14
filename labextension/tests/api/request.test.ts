import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { ServerConnection } from '@jupyterlab/services';

import { KrakenClient } from '../../src/api/client';
import { KrakenError } from '../../src/api/errors';
import { type Send, sender } from '../../src/api/request';

interface IAnswer {
  readonly status: number;
  readonly body: string;
}

let server: Server;
let send: Send;
let heard: (IncomingMessage & { sent: string })[];
let answer: IAnswer;

beforeEach(async () => {
  heard = [];
  answer = { status: 200, body: '{}' };
  server = createServer((request, response) => {
    let sent = '';
    request.on('data', (chunk: Buffer) => (sent += chunk.toString()));
    request.on('end', () => {
      heard.push(Object.assign(request, { sent }));
      response.writeHead(answer.status, { 'Content-Type': 'application/json' });
      response.end(answer.body);
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const baseUrl = `http://127.0.0.1:${port}/user/ada/`;
  send = sender(ServerConnection.makeSettings({ baseUrl, token: 'secret' }));
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function failure(request: Promise<unknown>): Promise<KrakenError> {
  const error: unknown = await request.then(
    () => null,
    (reason: unknown) => reason
  );
  expect(error).toBeInstanceOf(KrakenError);
  return error as KrakenError;
}

describe('sender', () => {
  it('asks below the base URL, with the token of the server', async () => {
    await new KrakenClient(send).versions('churn');
    expect(heard[0]?.url).toMatch(/^\/user\/ada\/mlkraken\/api\/v1\/models\/churn\/versions/);
    expect(heard[0]?.headers.authorization).toBe('token secret');
  });

  it('sends a body as JSON', async () => {
    await new KrakenClient(send).changeService('churn', 3, { desired: 'stopped' });
    expect(heard[0]?.method).toBe('PUT');
    expect(heard[0]?.url).toContain('models/churn/versions/3/service');
    expect(heard[0]?.headers['content-type']).toBe('application/json');
    expect(JSON.parse(heard[0]?.sent ?? '')).toEqual({ desired: 'stopped' });
  });

  it('escapes names', async () => {
    await new KrakenClient(send).deleteModel('../a b');
    expect(heard[0]?.url).toContain('/models/..%2Fa%20b');
  });

  it('opens the stream where the last one ended', async () => {
    const alive = (): void => undefined;
    const { signal } = new AbortController();
    const client = new KrakenClient(send);
    await client.open({ times: ['a', 'b'], history: 5, lastId: '7;x', signal, alive });
    const { headers, url } = heard[0] ?? {};
    expect(url).toMatch(/events\?times=a%2Cb&history=5/);
    expect(headers?.accept).toBe('text/event-stream');
    expect(headers?.['last-event-id']).toBe('7;x');
  });
});

describe('errors', () => {
  it('carry code, message and hint of the backend', async () => {
    const error = { code: 'model_not_found', message: 'No model x.', hint: 'Deploy it.' };
    answer = { status: 404, body: JSON.stringify({ error }) };
    const found = await failure(new KrakenClient(send).model('x'));
    expect(found).toMatchObject({ ...error, status: 404, passing: false });
  });

  it.each([
    [403, '{"message": "Forbidden"}', 'http_403', 'Forbidden', false],
    [404, '<html>Not found</html>', 'extension_missing', 'The server answered 404', false],
    [502, '', 'http_502', 'The server answered 502', true],
    [429, '[]', 'http_429', 'The server answered 429', true]
  ])('make sense of a foreign %i', async (status, body, code, message, passing) => {
    answer = { status, body };
    const found = await failure(new KrakenClient(send).models());
    expect(found).toMatchObject({ code, status, passing });
    expect(found.message).toContain(message);
  });

  it('say that a server is gone', async () => {
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
    const found = await failure(new KrakenClient(send).models());
    expect(found).toMatchObject({ code: 'server_unreachable', status: 0, passing: true });
  });

  it('say that an answer broke off', async () => {
    answer = { status: 200, body: '{"models": [' };
    const found = await failure(new KrakenClient(send).models());
    expect(found.code).toBe('server_unreachable');
  });

  it('are not made of what was aborted', async () => {
    const ended = new AbortController();
    ended.abort();
    const asked = new KrakenClient(send).models('', ended.signal);
    await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
  });
});
