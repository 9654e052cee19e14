/** The list of models: a table where there is room, compact rows where there is not. */

import React from 'react';

import type { Column } from '../model/order';
import { usePanel } from './context';
import { Notice } from './notices';
import { Row } from './row';
import { useWindow } from './windowing';
import { columnLabel, COLUMNS } from './columns';

export function List(): React.JSX.Element {
  const { model: panel, trans } = usePanel();
  const { models, selection } = panel;
  const scroller = React.useRef<HTMLDivElement>(null);
  const { first, end, rowPx, headPx } = useWindow(scroller, models.length);
  const [current, setCurrent] = React.useState<string | null>(null);
  const focusing = React.useRef(false);

  const at = Math.max(
    0,
    models.findIndex(model => model.name === (current ?? selection?.name))
  );

  React.useLayoutEffect(() => {
    if (focusing.current) {
      focusing.current = false;
      scroller.current?.querySelector<HTMLElement>('.mlk-row[tabindex="0"]')?.focus();
    }
  }, [at]);

  const go = (index: number): void => {
    const next = models[Math.max(0, Math.min(models.length - 1, index))];
    const node = scroller.current;
    if (!next || !node) {
      return;
    }
    const top = models.indexOf(next) * rowPx;
    const room = node.clientHeight - headPx;
    if (top < node.scrollTop) {
      node.scrollTop = top;
    } else if (top + rowPx > node.scrollTop + room) {
      node.scrollTop = top + rowPx - room;
    }
    focusing.current = true;
    setCurrent(next.name);
  };

  const select = React.useCallback(
    (name: string): void => {
      setCurrent(name);
      panel.select(name);
    },
    [panel]
  );

  const pressed = (event: React.KeyboardEvent): void => {
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / rowPx) - 1);
    const steps: Record<string, number | undefined> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: models.length - 1
    };
    const target = steps[event.key];
    const onRow = (event.target as HTMLElement).classList.contains('mlk-row');
    const model = models[at];
    if (target !== undefined) {
      go(target);
    } else if (onRow && model && (event.key === 'Enter' || event.key === ' ')) {
      select(model.name);
    } else if (event.key === 'Escape' && selection) {
      panel.select(null);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  const drawn = models.slice(first, end).map((model, offset) => ({ model, index: first + offset }));
  const pinned = models[at];
  if (pinned && (at < first || at >= end)) {
    // The row with the focus stays, or the keyboard would lose its place.
    drawn.push({ model: pinned, index: at });
  }

  const minute = Math.floor(Date.now() / 60_000);

  return (
    <div
      className="mlk-list"
      role="grid"
      aria-label={trans.__('Models')}
      aria-rowcount={models.length + 1}
      aria-busy={!panel.session.list.complete}
      onKeyDown={pressed}
    >
      <div className="mlk-rows" ref={scroller} role="presentation">
        <Head />
        <div className="mlk-rows-all" role="rowgroup" style={{ height: models.length * rowPx }}>
          {drawn.map(({ model, index }) => (
            <Row
              key={model.name}
              shown={panel.shown(model)}
              index={index}
              top={index * rowPx}
              height={rowPx}
              selected={model.name === selection?.name}
              current={index === at}
              minute={minute}
              onSelect={select}
            />
          ))}
        </div>
        <Notice />
      </div>
    </div>
  );
}

function Head(): React.JSX.Element {
  const { trans } = usePanel();
  return (
    <div className="mlk-head" role="row" aria-rowindex={1}>
      {COLUMNS.map(column => (
        <HeadCell key={column} column={column} />
      ))}
      <span className="mlk-cell mlk-col-actions" role="columnheader">
        <span className="mlk-hidden">{trans.__('Actions')}</span>
      </span>
    </div>
  );
}

function HeadCell({ column }: { readonly column: Column }): React.JSX.Element {
  const { model: panel, trans } = usePanel();
  const { order } = panel;
  const sorting = order.column === column;
  const direction = order.descending ? 'descending' : 'ascending';
  return (
    <span
      className={`mlk-cell mlk-col-${column}`}
      role="columnheader"
      aria-sort={sorting ? direction : 'none'}
    >
      <button
        type="button"
        className="mlk-sort"
        data-sort={column}
        onClick={() => {
          panel.sortBy(column);
        }}
      >
        {columnLabel(trans, column)}
      </button>
    </span>
  );
}
