import { defineConfig } from 'vitest/config'
import { CountReporter } from '../support/count-reporter.js'

/** Apart from the other suites: it needs etcd's own programs, which `run.mjs` sees to. */
// biome-ignore lint/style/noDefaultExport: vitest asks for one
export default defineConfig({
  test: {
    name: 'interop',
    root: import.meta.dirname,
    include: ['**/*.test.ts'],
    // One waits for a minute (`check perf`), while another works.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', new CountReporter('interop')],
    deps: { interopDefault: false },
  },
})
