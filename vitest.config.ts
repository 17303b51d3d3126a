import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [
    {
      name: 'templates',
      transform: (code, id) => (id.endsWith('.hbs') ? `export default ${JSON.stringify(code)}` : null),
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
