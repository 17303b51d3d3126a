import { defineConfig } from 'vitest/config';
import { precompiled } from './templates/precompile.mjs';

export default defineConfig({
  plugins: [
    {
      name: 'templates',
      transform: (source, id) => (id.endsWith('.hbs') ? precompiled(source) : null),
    },
  ],
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/build.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
