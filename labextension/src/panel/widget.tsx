/** The panel as JupyterLab places it: in the sidebar, or as a tab. */

import { type ITranslator, nullTranslator } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { type Message, MessageLoop } from '@lumino/messaging';
import { PanelLayout, SplitPanel, Widget } from '@lumino/widgets';
import React from 'react';

import type { Action, IShownModel } from '../model/actions';
import { PanelModel } from '../model/panel';
import type { Session } from '../model/session';
import { confirmDelete } from './ask';
import { type IPanelContext, PanelContext } from './context';
import { Details } from './details';
import { List } from './list';
import { Toolbar } from './toolbar';

export interface IPanelOptions {
  readonly session: Session;
  readonly translator?: ITranslator;
  /** Opens the same panel as a tab; null where it is one. */
  readonly openTab: (() => void) | null;
}

/** From this width on the details stand beside the list, where the panel is not a column. */
const BESIDE_PX = 900;

export class KrakenPanel extends Widget {
  readonly model: PanelModel;

  constructor(options: IPanelOptions) {
    super();
    const translator = options.translator ?? nullTranslator;
    this.model = new PanelModel(options.session);
    this._context = {
      model: this.model,
      trans: translator.load('mlkraken'),
      locale: translator.languageCode.replace('_', '-'),
      act: (action, shown) => void this._act(action, shown)
    };
    this.addClass('mlk-panel');
    this._details = this._part(() => <Details />);
    this._details.hide();
    this._split.addClass('mlk-split');
    this._split.addWidget(this._part(() => <List />));
    this._split.addWidget(this._details);
    const layout = new PanelLayout();
    this.layout = layout;
    layout.addWidget(this._part(() => <Toolbar openTab={options.openTab} />));
    layout.addWidget(this._split);
    // What stands above grows and shrinks by itself, which Lumino does not tell.
    this._resizes.observe(this._split.node);
    this.model.changed.connect(this._changed, this);
    this._changed();
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this._resizes.disconnect();
      this.model.dispose();
      super.dispose();
    }
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.model.visible = this.isVisible;
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.model.visible = false;
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.model.visible = this.isVisible;
  }

  protected override onBeforeDetach(message: Message): void {
    this.model.visible = false;
    super.onBeforeDetach(message);
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this.node.querySelector<HTMLElement>('.mlk-filter input')?.focus();
  }

  private _part(render: () => React.JSX.Element): Widget {
    const part = ReactWidget.create(
      <PanelContext value={this._context}>
        <UseSignal signal={this.model.changed}>{render}</UseSignal>
      </PanelContext>
    );
    part.addClass('mlk-part');
    return part;
  }

  private _changed(): void {
    const { selection, session } = this.model;
    this.node.dataset.connection = session.stream.state.connection;
    if ((selection !== null) === this._details.isHidden) {
      this._details.setHidden(selection === null);
      this._share();
    }
  }

  private async _act(action: Action, { model }: IShownModel): Promise<void> {
    if (action === 'delete' && !(await confirmDelete(this._context.trans, model))) {
      return;
    }
    this.model.dismissFailure();
    await this.model.session.actions.run(action, model);
  }

  private _arrange(): void {
    const { offsetWidth: width, offsetHeight: height } = this._split.node;
    if (width > 0) {
      const orientation = width >= BESIDE_PX && width > height ? 'horizontal' : 'vertical';
      if (orientation !== this._split.orientation) {
        this._split.orientation = orientation;
        this._share();
      }
      MessageLoop.sendMessage(this._split, Widget.ResizeMessage.UnknownSize);
    }
  }

  /** Gives list and details their shares; from there on people drag. */
  private _share(): void {
    if (!this._details.isHidden) {
      this._split.setRelativeSizes(this._split.orientation === 'horizontal' ? [11, 9] : [2, 3]);
    }
  }

  private readonly _context: IPanelContext;
  private readonly _split = new SplitPanel({ orientation: 'vertical', spacing: 1 });
  private readonly _details: Widget;
  private readonly _resizes = new ResizeObserver(() => {
    this._arrange();
  });
}
