/** The response-time chart of the selected model. */

import React from 'react';

import { ResponseTimeChart } from '../chart';
import type { PointFeed } from '../model/points';
import { usePanel } from './context';
import { chartWords } from './words';

export function ChartView({ feed }: { readonly feed: PointFeed }): React.JSX.Element {
  const { trans } = usePanel();
  const host = React.useRef<HTMLDivElement>(null);
  React.useEffect(() => {
    if (!host.current) {
      return;
    }
    const chart = new ResponseTimeChart(host.current, {
      store: feed.store,
      words: chartWords(trans)
    });
    return () => {
      chart.dispose();
    };
  }, [feed, trans]);
  return <div className="mlk-chart-view" ref={host} />;
}
