/** The chart as a notebook widget (anywidget): one store a model, as many views as one likes. */

import type { AnyModel, InitializeProps, RenderProps } from '@anywidget/types';
import uplotCss from 'uplot/dist/uPlot.min.css';

import chartCss from '../style/chart.css';
import { type IPointBatch, PointStore, ResponseTimeChart } from './chart';

interface ITraits extends Record<string, unknown> {
  title: string;
  /** Pixels. */
  height: number;
  state: 'live' | 'closed' | 'offline';
  /** Names the static picture that stands below in a saved notebook. */
  still: string;
}

type Model = AnyModel<ITraits>;
type Ends = (() => void)[];

const HISTORY_MS = 3000;
const STYLE_ID = 'mlk-chart-style';
const NOTES: Record<ITraits['state'], string> = {
  live: '',
  closed: 'closed',
  offline: 'the backend does not answer; reconnecting'
};

/** Returns a buffer's bytes where a typed array may begin: they can come at any offset. */
function aligned(view: DataView | undefined): ArrayBuffer {
  if (!view) {
    return new ArrayBuffer(0);
  }
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice().buffer;
}

function batchOf(buffers: readonly DataView[]): IPointBatch {
  return {
    sentAt: new Float64Array(aligned(buffers[0])),
    responseMs: new Float32Array(aligned(buffers[1])),
    modelMs: new Float32Array(aligned(buffers[2])),
    status: new Uint16Array(aligned(buffers[3])),
    version: new Uint32Array(aligned(buffers[4]))
  };
}

function isPoints(message: unknown): message is { type: 'points'; reset: boolean } {
  return (message as { type?: unknown } | null)?.type === 'points';
}

function on(model: Model, event: `change:${keyof ITraits & string}`, listener: () => void): Ends {
  model.on(event, listener);
  return [
    () => {
      model.off(event, listener);
    }
  ];
}

/** Puts the chart's style where the view is, once for each document or shadow tree. */
function addStyle(el: HTMLElement): void {
  const root = el.getRootNode();
  const place = root instanceof ShadowRoot ? root : document.head;
  if (!place.querySelector(`#${STYLE_ID}`)) {
    const style = document.createElement('style');
    style.id = STYLE_ID;
    style.textContent = uplotCss + chartCss;
    place.append(style);
  }
}

/** Hides the static picture of a model while a live view of it is on the page. */
class StillHider {
  /** Counts a view; returns the function that takes it back. */
  hold(still: string): () => void {
    if (still && this._views++ === 0) {
      this._style.textContent = `.mlkraken-still-${CSS.escape(still)}{display:none}`;
      document.head.append(this._style);
    }
    let held = still !== '';
    return () => {
      if (held && --this._views === 0) {
        this._style.remove();
      }
      held = false;
    };
  }

  private readonly _style = document.createElement('style');
  private _views = 0;
}

/** Fills the store from the kernel until `signal` ends it. */
function receive(model: Model, store: PointStore, signal: AbortSignal): void {
  let complete = false;
  const take = (message: unknown, buffers: DataView[]): void => {
    if (!isPoints(message)) {
      return;
    }
    if (message.reset) {
      complete = true;
      store.reset(batchOf(buffers));
    } else {
      store.append(batchOf(buffers));
    }
  };
  const ask = (): void => {
    if (complete) {
      clearInterval(asking);
    } else {
      model.send({ type: 'history?' });
    }
  };
  model.on('msg:custom', take);
  const asking = setInterval(ask, HISTORY_MS);
  signal.addEventListener('abort', () => {
    clearInterval(asking);
    model.off('msg:custom', take);
  });
  ask();
}

function show(model: Model, el: HTMLElement, store: PointStore, stills: StillHider): () => void {
  addStyle(el);
  const chart = new ResponseTimeChart(el, { store });
  const follow = (): void => {
    chart.title = model.get('title');
    chart.note = NOTES[model.get('state')];
    chart.node.style.height = `${model.get('height')}px`;
    chart.node.dataset.state = model.get('state');
  };
  follow();
  const ends = [
    ...on(model, 'change:title', follow),
    ...on(model, 'change:state', follow),
    ...on(model, 'change:height', follow),
    stills.hold(model.get('still')),
    () => {
      chart.dispose();
    }
  ];
  return () => {
    ends.forEach(end => {
      end();
    });
  };
}

/** Called once for each model, so that its views share the points. */
export default (): {
  initialize: (props: InitializeProps<ITraits>) => () => void;
  render: (props: RenderProps<ITraits>) => () => void;
} => {
  const store = new PointStore();
  const stills = new StillHider();
  return {
    initialize: ({ model }) => {
      const ended = new AbortController();
      receive(model, store, ended.signal);
      return () => {
        ended.abort();
      };
    },
    render: ({ model, el }) => show(model, el, store, stills)
  };
};
