/** How far a run of seeds is: a bar for a person, a line now and then on stderr for a log. */
import { progressBar } from '../progress.js'

const LINE_EVERY_MS = 15_000

export interface Progress {
  ended(): void
  stop(): void
}

export function simProgress(total: number): Progress {
  const bar = progressBar('seeds', total)
  if (bar !== null) return { ended: () => bar.increment(), stop: () => bar.stop() }
  let done = 0
  let toldAt = performance.now()
  return {
    ended: () => {
      done++
      const now = performance.now()
      if (now - toldAt < LINE_EVERY_MS) return
      toldAt = now
      process.stderr.write(`${done} of ${total} seeds\n`)
    },
    stop: () => {},
  }
}
