/** Each seed in two processes: whatever differs is decided by something that is not the seed. */
import { createHash } from 'node:crypto'
import type { SeedReport } from '../../sim/index.js'

export class Doublecheck {
  /** By seed: what the first process reported. */
  readonly #first = new Map<number, string>()

  first(report: SeedReport): void {
    this.#first.set(report.seed, digestOf(report))
  }

  /** The report to believe: a seed that is not one history has failed, whatever else it showed. */
  second(report: SeedReport): SeedReport {
    if (this.#first.get(report.seed) === digestOf(report)) return report
    return {
      ...report,
      verdict: 'failed',
      failure: {
        invariant: 'determinism',
        message: `two processes ran seed ${report.seed} and report different histories`,
        atMs: report.simulatedMs,
        atStep: report.steps,
      },
    }
  }
}

/** Of the whole report, the hash of the trace included. */
function digestOf(report: SeedReport): string {
  return createHash('sha256').update(JSON.stringify(report)).digest('hex')
}
