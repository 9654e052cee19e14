/** The documents that the other tests use have the form that a real backend gives them. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { aModel, aPage, aService, aVersion, lines } from '../documents';

const EXAMPLES = join(__dirname, '..', '..', '..', 'backend', 'contract', 'examples');

function example(name: string): unknown {
  return JSON.parse(readFileSync(join(EXAMPLES, `${name}.json`), 'utf-8'));
}

/** The kind of every part; null fits everything, and of a list the first item speaks for all. */
function form(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.length > 0 ? [form(value[0])] : [];
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, form(part)]));
  }
  return typeof value;
}

/** Expects every part that a document of ours has to be there in the real one, of the same kind. */
function expectPart(ours: unknown, real: unknown, path: string): void {
  if (ours === null || real === null || (Array.isArray(ours) && ours.length === 0)) {
    return;
  }
  if (typeof ours !== 'object') {
    expect([path, form(real)]).toEqual([path, form(ours)]);
    return;
  }
  for (const [key, part] of Object.entries(ours)) {
    const there = (real as Record<string, unknown>)[key];
    expect([`${path}.${key}`, there === undefined]).toEqual([`${path}.${key}`, false]);
    expectPart(part, there, `${path}.${key}`);
  }
}

test.each([
  ['model', aModel('double', { tags: {} })],
  ['models', aPage(['double'])],
  ['version', aVersion(1)],
  ['versions', { versions: [aVersion(1)] }],
  ['service', aService()],
  ['logs', lines(['ready'], 'c')]
])('%s', (name, ours) => {
  expectPart(ours, example(name), name);
});

test('the words for a parity receipt are the backend’s', () => {
  expect((example('model') as { parity: string }).parity).toBe(aModel('double').parity);
});

test('errors have a code, a message, a hint and the request’s id', () => {
  const { error } = example('error') as { error: Record<string, unknown> };
  expect(Object.keys(error).sort()).toEqual(['code', 'hint', 'message', 'request_id']);
});
