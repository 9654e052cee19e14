export { CAPACITY, type IPoint, type IPointBatch, PointStore } from './store';
export { type IChartOptions, ResponseTimeChart } from './view';
export { ENGLISH, type IChartWords } from './words';
