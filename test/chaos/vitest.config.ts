import { defineConfig } from 'vitest/config'
import { CountReporter } from '../support/count-reporter.js'

/** Apart from the other suites: it takes minutes, and is run by `run.mjs`. */
// biome-ignore lint/style/noDefaultExport: vitest asks for one
export default defineConfig({
  test: {
    name: 'chaos',
    root: import.meta.dirname,
    include: ['**/*.test.ts'],
    fileParallelism: false,
    reporters: ['default', new CountReporter('chaos')],
    deps: { interopDefault: false },
  },
})
