import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { CountReporter } from './test/support/count-reporter.js'

const shared = { deps: { interopDefault: false } }

/** One file after the other would leave a core to itself while a test waits for a process, a timer or a socket. */
const FILES_MORE_THAN_CORES = 1
/** As many clusters as a machine of two cores has room for. */
const CLUSTERS = 2

export default defineConfig({
  test: {
    reporters: ['default', new CountReporter()],
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          // Nothing in a module changes once it is loaded: a worker loads each once, for all of its files.
          isolate: false,
          maxWorkers: availableParallelism() + FILES_MORE_THAN_CORES,
          testTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: 'process',
          include: ['test/process/**/*.test.ts'],
          maxWorkers: CLUSTERS,
          testTimeout: 90_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...shared,
          // Holds a process to a time so short that nothing else may run beside it.
          name: 'timed',
          include: ['test/timed/**/*.test.ts'],
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
