/** The question before something is lost. */

import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { IModel } from '../api/documents';

export async function confirmDelete(trans: TranslationBundle, model: IModel): Promise<boolean> {
  const versions = trans._n('its only version', 'all %1 versions', model.versions.length);
  const serving =
    model.state === 'running' || model.state === 'pending'
      ? ` ${trans.__('It is in use: callers will get no more answers.')}`
      : '';
  const lost = model.versions.length
    ? trans.__('This removes %1 with files, logs and response times, for good.', versions)
    : trans.__('This removes its logs and response times, for good.');
  const { button } = await showDialog({
    title: trans.__('Delete the model “%1”?', model.name),
    body: lost + serving,
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.warnButton({ label: trans.__('Delete') })
    ],
    defaultButton: 0
  });
  return button.accept;
}
