/** Spreads seeds over child processes, so that a seed that spins or dies is told by its number. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { SeedReport } from '../../sim/index.js'
import { CliError, EXIT } from '../errors.js'
import type { Job } from './job.js'

const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url))

/** Most of what a run makes dies young: with room for it a seventh less time is spent. */
const EXEC_ARGV = ['--max-semi-space-size=32']

/** Reports come in the order in which seeds end. Rejects when a worker dies, naming its seed. */
export async function runPool(
  jobs: Iterable<Job>,
  workers: number,
  onReport: (report: SeedReport) => void,
): Promise<void> {
  const next = jobs[Symbol.iterator]()
  const children: ChildProcess[] = []
  try {
    await Promise.all(
      Array.from({ length: workers }, () => {
        const child = fork(WORKER, {
          stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
          execArgv: EXEC_ARGV,
        })
        children.push(child)
        return work(child, next, onReport)
      }),
    )
  } finally {
    for (const child of children) if (child.connected) child.disconnect()
  }
}

function work(
  child: ChildProcess,
  jobs: Iterator<Job>,
  onReport: (report: SeedReport) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let seed: number | null = null
    const more = () => {
      const { value, done } = jobs.next()
      seed = done === true ? null : value.seed
      if (done === true) resolve()
      else child.send(value)
    }
    child.on('message', (report: SeedReport) => {
      onReport(report)
      more()
    })
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      if (seed === null) return
      const how = signal ?? `exit code ${code}`
      reject(new CliError(EXIT.generic, `the process that ran seed ${seed} died (${how})`))
    })
    more()
  })
}
