import jupyter from '@jupyter/eslint-plugin';
import reactHooks from 'eslint-plugin-react-hooks';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

// Without prefer-lazy-imports: the whole panel is 30 kB, and a restored one needs it at once.
const JUPYTER = Object.keys(jupyter.rules).filter(
  name => !name.startsWith('galata-') && name !== 'prefer-lazy-imports'
);

export default defineConfig(
  globalIgnores(['lib/', 'node_modules/', 'coverage/', '.yarn/']),
  {
    files: ['src/**/*.{ts,tsx}', 'tests/**/*.{ts,tsx}'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: {
        project: ['tsconfig.json', 'tests/tsconfig.json'],
        tsconfigRootDir: import.meta.dirname
      }
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      // Arrow functions whose call has no result read better in one line.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-explicit-any': 'error',
      // Columns are read in loops that have checked their bounds.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      // Numbers are what most sentences here are about.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // A signal calls its slots with the `this` that is given beside them.
      '@typescript-eslint/unbound-method': 'off',
      curly: 'error',
      eqeqeq: 'error',
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }]
    }
  },
  {
    files: ['src/**/*.{ts,tsx}'],
    plugins: { '@jupyter': jupyter, 'react-hooks': reactHooks },
    rules: {
      'react-hooks/exhaustive-deps': 'error',
      'react-hooks/rules-of-hooks': 'error',
      ...Object.fromEntries(JUPYTER.map(name => [`@jupyter/${name}`, 'error']))
    }
  },
  {
    // The DOM and React stay out of what can be tested without them.
    files: ['src/api/**', 'src/model/**'],
    rules: {
      'no-restricted-globals': ['error', 'document', 'window'],
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            'react',
            '@jupyterlab/ui-components',
            '@jupyterlab/apputils',
            '@lumino/widgets',
            '**/panel/*'
          ]
        }
      ]
    }
  }
);
