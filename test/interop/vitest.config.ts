import { defineConfig } from 'vitest/config'
import { CountReporter } from '../support/count-reporter.js'

/** Holds a cluster to latencies: nothing else may run beside it. */
const MEASURES = '**/check-perf.test.ts'

const shared = {
  root: import.meta.dirname,
  testTimeout: 60_000,
  hookTimeout: 60_000,
  deps: { interopDefault: false },
}

/** Apart from the other suites: it needs etcd's own programs, which `run.mjs` sees to. */
// biome-ignore lint/style/noDefaultExport: vitest asks for one
export default defineConfig({
  test: {
    root: import.meta.dirname,
    reporters: ['default', new CountReporter('interop')],
    projects: [
      {
        test: {
          ...shared,
          name: 'interop',
          include: ['**/*.test.ts'],
          exclude: [MEASURES],
          // Where one waits, another works.
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: 'perf',
          include: [MEASURES],
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
