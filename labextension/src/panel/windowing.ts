/** Which rows of a long list to draw. */

import React from 'react';

/** Rows drawn beyond the visible ones, so that scrolling does not show gaps. */
const BEYOND = 8;
const ROW_PX = 28;

export interface IWindow {
  readonly first: number;
  readonly end: number;
  readonly rowPx: number;
  /** Height of what stands above the rows. */
  readonly headPx: number;
}

/** Returns the rows that a scroller of this height shows at this place, and some more. */
export function windowOf(
  scrollTop: number,
  height: number,
  rowPx: number,
  count: number
): { first: number; end: number } {
  const first = Math.max(0, Math.floor(scrollTop / rowPx) - BEYOND);
  const end = Math.min(count, Math.ceil((scrollTop + height) / rowPx) + BEYOND);
  return { first: Math.min(first, end), end };
}

/** Follows a scroller; the style sheet says how high rows and head are at its width. */
export function useWindow(scroller: React.RefObject<HTMLElement>, count: number): IWindow {
  const [seen, setSeen] = React.useState({ top: 0, height: 0, rowPx: ROW_PX, headPx: 0 });
  React.useLayoutEffect(() => {
    const node = scroller.current;
    if (!node) {
      return;
    }
    const look = (): void => {
      const style = getComputedStyle(node);
      const given = parseFloat(style.getPropertyValue('--mlk-row'));
      const head = parseFloat(style.getPropertyValue('--mlk-head'));
      const rowPx = given > 0 ? given : ROW_PX;
      const headPx = head > 0 ? head : 0;
      const { scrollTop: top, clientHeight: height } = node;
      setSeen(old =>
        old.top === top && old.height === height && old.rowPx === rowPx && old.headPx === headPx
          ? old
          : { top, height, rowPx, headPx }
      );
    };
    look();
    const resizes = new ResizeObserver(look);
    resizes.observe(node);
    node.addEventListener('scroll', look, { passive: true });
    return () => {
      resizes.disconnect();
      node.removeEventListener('scroll', look);
    };
  }, [scroller]);
  return {
    ...windowOf(seen.top, seen.height, seen.rowPx, count),
    rowPx: seen.rowPx,
    headPx: seen.headPx
  };
}
