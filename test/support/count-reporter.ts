/** Closes a run with one line that tells how many tests there were: `test: N passed, N failed, N skipped`. */
import type { Reporter, TestModule } from 'vitest/node'

export class CountReporter implements Reporter {
  readonly #suite: string

  constructor(suite = 'test') {
    this.#suite = suite
  }

  onTestRunEnd(modules: readonly TestModule[], outside: readonly unknown[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 }
    for (const module of modules) {
      for (const test of module.children.allTests()) counts[test.result().state]++
      // A file that could not even be loaded has no tests to fail.
      if (module.state() === 'failed' && module.errors().length > 0) counts.failed++
    }
    const { passed, failed, skipped, pending } = counts
    // What was thrown outside of every test fails the run as well.
    const failures = failed + pending + outside.length
    console.log(`${this.#suite}: ${passed} passed, ${failures} failed, ${skipped} skipped`)
  }
}
