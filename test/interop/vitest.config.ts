import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { CountReporter } from '../support/count-reporter.js'

/** Holds a cluster to latencies: nothing else may run beside it. */
const MEASURES = '**/check-perf.test.ts'

/**
 * The largest file is begun first, as long as nobody has measured them. This one has few lines, and a contract that it runs
 * on three clusters: begun last, it would have the other worker wait for it.
 */
const SHORT_AND_SLOW = '/client.test.ts'

class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isSlow = ({ moduleId }: TestSpecification) => moduleId.endsWith(SHORT_AND_SLOW)
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))]
  }
}

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
    sequence: { sequencer: SlowestFirst },
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
