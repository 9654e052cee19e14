/** Facts as people read them. */

import type { IModel } from '../api/documents';

const UNITS: readonly (readonly [string, number])[] = [
  ['GB', 2 ** 30],
  ['MB', 2 ** 20],
  ['kB', 2 ** 10]
];

/** Returns what a pointer that rests on a name, which may be cut off, shows. */
export function fullName({ name, description }: IModel): string {
  return description ? `${name}\n${description}` : name;
}

/** Returns bytes as 1.4 GB or 120 MB. */
export function bytes(amount: number): string {
  for (const [unit, size] of UNITS) {
    if (amount >= size) {
      const value = amount / size;
      return `${value >= 10 ? value.toFixed(0) : value.toFixed(1)} ${unit}`;
    }
  }
  return `${amount} B`;
}

/** Returns what all replicas use of the memory they may use. */
export function memory(model: IModel): string {
  if (!model.memory) {
    return '';
  }
  const allowed = model.memory.replace(/(?<=\d)(?=[A-Z])/, ' ');
  const all = model.replicas > 1 ? `${model.replicas} × ${allowed}` : allowed;
  return model.memory_used > 0 ? `${bytes(model.memory_used)} / ${all}` : all;
}

/** Returns how many cores all replicas use of those they may use. */
export function cpu(model: IModel): string {
  if (!model.cpu) {
    return '';
  }
  const allowed = `${model.replicas > 1 ? `${model.replicas} × ` : ''}${model.cpu}`;
  const running = model.state === 'running' || model.ready_replicas > 0;
  return running ? `${model.cpu_used.toFixed(2)} / ${allowed}` : allowed;
}

export function address(model: IModel): string {
  return model.endpoint ? `${model.endpoint.ip}:${model.endpoint.port}` : '';
}

/** Returns 1–3, 5, 8. */
export function ranges(numbers: readonly number[]): string {
  const parts: string[] = [];
  for (let index = 0; index < numbers.length; index++) {
    const first = numbers[index];
    while (numbers[index + 1] === (numbers[index] ?? 0) + 1) {
      index++;
    }
    const last = numbers[index];
    parts.push(first === last ? `${first}` : `${first}–${last}`);
  }
  return parts.join(', ');
}

const STEPS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60]
];

/** Returns how long ago something was: now, 2 min. ago, 3 days ago. */
export function ago(when: string, nowMs: number, locale?: string): string {
  const seconds = Math.max(0, (nowMs - Date.parse(when)) / 1000);
  const format = new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' });
  for (const [unit, size] of STEPS) {
    if (seconds >= size) {
      return format.format(-Math.floor(seconds / size), unit);
    }
  }
  return format.format(0, 'second');
}

/** Returns a moment in local time with its day. */
export function moment(when: string): string {
  const date = new Date(when);
  return Number.isNaN(date.getTime()) ? when : date.toLocaleString();
}
