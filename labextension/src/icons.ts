import { LabIcon } from '@jupyterlab/ui-components';

import krakenSvg from '../style/icons/kraken.svg';

export const krakenIcon = new LabIcon({ name: 'mlkraken:kraken', svgstr: krakenSvg });
