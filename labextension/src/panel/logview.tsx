/** Log lines, as text and nothing but text. */

import { UseSignal } from '@jupyterlab/ui-components';
import React from 'react';

import type { ILogBlock, LogFollower } from '../model/logs';
import { usePanel } from './context';
import { CopyButton } from './controls';

/** The view follows as long as its end is this near. */
const NEAR_PX = 24;

/** Whole blocks do not change: only the last one is drawn again. */
const Block = React.memo(({ block }: { readonly block: ILogBlock }) => (
  <div className="mlk-log-block" style={{ '--mlk-lines': block.count } as React.CSSProperties}>
    {block.text}
  </div>
));
Block.displayName = 'Block';

export function LogView({ logs }: { readonly logs: LogFollower }): React.JSX.Element {
  return (
    <UseSignal signal={logs.changed}>{() => <Lines logs={logs} blocks={logs.blocks} />}</UseSignal>
  );
}

function Lines(props: {
  readonly logs: LogFollower;
  readonly blocks: readonly ILogBlock[];
}): React.JSX.Element {
  const { trans } = usePanel();
  const { logs, blocks } = props;
  const scroller = React.useRef<HTMLDivElement>(null);
  const [following, setFollowing] = React.useState(true);

  React.useLayoutEffect(() => {
    if (following && scroller.current) {
      scroller.current.scrollTop = scroller.current.scrollHeight;
    }
  }, [blocks, following]);

  const scrolled = (): void => {
    const node = scroller.current;
    if (node) {
      setFollowing(node.scrollHeight - node.scrollTop - node.clientHeight < NEAR_PX);
    }
  };

  return (
    <div className="mlk-logs">
      <div
        className="mlk-log-lines"
        ref={scroller}
        role="log"
        aria-live="off"
        aria-label={trans.__('Log of %1, version %2', logs.model, logs.version)}
        tabIndex={0}
        data-lines={logs.count}
        onScroll={scrolled}
      >
        {blocks.map(block => (
          <Block key={block.key} block={block} />
        ))}
        {blocks.length === 0 && (
          <div className="mlk-quiet">
            {logs.loaded ? trans.__('Nothing has been logged yet.') : trans.__('Loading…')}
          </div>
        )}
      </div>
      <div className="mlk-log-foot">
        <span className="mlk-log-status" role="status">
          {logs.error ? logs.error.message : trans._n('%1 line', '%1 lines', logs.count)}
        </span>
        {!following && (
          <button
            type="button"
            className="mlk-text-button"
            data-action="follow"
            onClick={() => {
              setFollowing(true);
            }}
          >
            {trans.__('Follow')}
          </button>
        )}
        <CopyButton text={logs.text} label={trans.__('Copy the log')} />
      </div>
    </div>
  );
}
