/** Ticks and their labels. No DOM in here. */

/** Distances between ticks of time, in seconds. */
export const TIME_STEPS = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900,
  1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000, 7776000, 31536000
];

const DAY_S = 86400;

/** Returns ticks at whole multiples of `step` in local time. */
export function timeTicks(min: number, max: number, step: number): number[] {
  const offset = -60 * new Date(min * 1000).getTimezoneOffset();
  const ticks: number[] = [];
  const first = Math.ceil((min + offset) / step - 1e-9);
  const last = Math.floor((max + offset) / step + 1e-9);
  for (let number = first; number <= last && ticks.length < 500; number++) {
    ticks.push(number * step - offset);
  }
  return ticks;
}

function padded(value: number, digits = 2): string {
  return String(value).padStart(digits, '0');
}

function day(date: Date): string {
  return `${date.getFullYear()}-${padded(date.getMonth() + 1)}-${padded(date.getDate())}`;
}

/** Returns a moment as local time of day, to the millisecond where `step` is that fine. */
export function clock(seconds: number, step = 0.001): string {
  const date = new Date(Math.round(seconds * 1000));
  const minutes = `${padded(date.getHours())}:${padded(date.getMinutes())}`;
  if (step >= 60) {
    return minutes;
  }
  const whole = `${minutes}:${padded(date.getSeconds())}`;
  return step >= 1 ? whole : `${whole}.${padded(date.getMilliseconds(), 3)}`;
}

/** Returns a moment with its day. */
export function moment(seconds: number): string {
  return `${day(new Date(seconds * 1000))} ${clock(seconds)}`;
}

/** Returns labels of ticks; the first, and the first of a day, tell the day too. */
export function timeLabels(ticks: readonly number[], step: number): string[] {
  let known = '';
  return ticks.map(tick => {
    const today = day(new Date(tick * 1000));
    if (step >= DAY_S) {
      return today;
    }
    const fresh = today !== known;
    known = today;
    return fresh ? `${clock(tick, step)}\n${today}` : clock(tick, step);
  });
}

/** Returns a response time as people read it: 0.42 ms, 3.1 ms, 128 ms, 2.4 s. */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) {
    return '–';
  }
  if (ms >= 10_000) {
    return `${(ms / 1000).toFixed(1)} s`;
  }
  if (ms >= 1000) {
    return `${(ms / 1000).toFixed(2)} s`;
  }
  return `${ms >= 100 ? ms.toFixed(0) : ms >= 10 ? ms.toFixed(1) : ms.toFixed(2)} ms`;
}

/** Returns labels of response times, all in the unit that fits the largest. */
export function durationLabels(ticks: readonly (number | null)[]): string[] {
  const largest = Math.max(...ticks.map(tick => tick ?? 0));
  const [unit, scale] = largest >= 2000 ? ['s', 1000] : ['ms', 1];
  return ticks.map(tick => (tick === null ? '' : `${+(tick / scale).toPrecision(6)} ${unit}`));
}

/** Returns the range of response times that shows everything up to `max`. */
export function fittingRange(max: number): { min: number; max: number } {
  return { min: 0, max: Number.isFinite(max) && max > 0 ? max * 1.1 : 1 };
}
