/** A progress bar on stderr, for a person who waits; null when nobody watches. */
import cliProgress, { type SingleBar } from 'cli-progress'

export function progressBar(what: string, total: number): SingleBar | null {
  if (process.stderr.isTTY !== true) return null
  const bar = new cliProgress.SingleBar({
    format: `{bar} {value}/{total} ${what}, {eta_formatted} left`,
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
  })
  bar.start(total, 0)
  return bar
}
