/** Which rows of a long list to draw. */

import React from 'react';

/** Rows drawn beyond the visible ones, so that scrolling does not show gaps. */
const BEYOND = 8;
const ROW_PX = 28;

export interface IWindow {
  readonly first: number;
  readonly end: number;
  readonly rowPx: number;
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

/** Follows a scroller; the style sheet says how high a row is at its width (--mlk-row). */
export function useWindow(scroller: React.RefObject<HTMLElement>, count: number): IWindow {
  const [seen, setSeen] = React.useState({ top: 0, height: 0, rowPx: ROW_PX });
  React.useLayoutEffect(() => {
    const node = scroller.current;
    if (!node) {
      return;
    }
    const look = (): void => {
      const given = parseFloat(getComputedStyle(node).getPropertyValue('--mlk-row'));
      const rowPx = given > 0 ? given : ROW_PX;
      const { scrollTop: top, clientHeight: height } = node;
      setSeen(old =>
        old.top === top && old.height === height && old.rowPx === rowPx
          ? old
          : { top, height, rowPx }
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
  return { ...windowOf(seen.top, seen.height, seen.rowPx, count), rowPx: seen.rowPx };
}
