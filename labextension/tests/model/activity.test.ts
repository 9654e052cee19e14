import { Activity, GRACE_MS } from '../../src/model/activity';

let activity: Activity;
let told: boolean[];
const VIEW = {};
const OTHER = {};

beforeEach(() => {
  jest.useFakeTimers();
  activity = new Activity();
  told = [];
  activity.changed.connect((_, active) => told.push(active));
});

afterEach(() => {
  activity.dispose();
  jest.useRealTimers();
});

describe('Activity', () => {
  it('begins with the first view that is seen', () => {
    expect(activity.active).toBe(false);
    activity.setViewVisible(VIEW, true);
    activity.setViewVisible(OTHER, true);
    expect(told).toEqual([true]);
  });

  it('ends half a minute after the last view', () => {
    activity.setViewVisible(VIEW, true);
    activity.setViewVisible(OTHER, true);
    activity.setViewVisible(VIEW, false);
    jest.advanceTimersByTime(2 * GRACE_MS);
    activity.setViewVisible(OTHER, false);
    jest.advanceTimersByTime(GRACE_MS - 1);
    expect(told).toEqual([true]);
    jest.advanceTimersByTime(1);
    expect(told).toEqual([true, false]);
  });

  it('does not end when somebody looks again in time', () => {
    activity.setViewVisible(VIEW, true);
    activity.setPageVisible(false);
    jest.advanceTimersByTime(GRACE_MS - 1);
    activity.setPageVisible(true);
    jest.advanceTimersByTime(GRACE_MS);
    expect(told).toEqual([true]);
  });

  it('does not begin in a hidden page', () => {
    activity.setPageVisible(false);
    activity.setViewVisible(VIEW, true);
    expect(told).toEqual([]);
    activity.setPageVisible(true);
    expect(told).toEqual([true]);
  });
});
