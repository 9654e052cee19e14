// Lumino and JupyterLab ship ES modules, which have to be translated too.
const translated = [
  '@jupyter',
  '@jupyterlab',
  '@lumino',
  'lib0',
  'y-protocols',
  'y-websocket',
  'yjs'
];

export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/tests'],
  testRegex: '\\.test\\.tsx?$',
  moduleNameMapper: { '\\.(css|svg)$': '<rootDir>/tests/empty.cjs' },
  transform: {
    '\\.(ts|tsx|js|mjs)$': ['ts-jest', { tsconfig: 'tests/tsconfig.json' }]
  },
  transformIgnorePatterns: [`/node_modules/(?!(${translated.join('|')})/)`]
};
