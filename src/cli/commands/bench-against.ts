/** `bench --against etcd`. */
import { COMPARED_HEAD, comparedCells, Rivals } from '../bench/against.js'
import { benchJson } from '../bench/report.js'
import { complain, EXIT } from '../errors.js'
import { table } from '../format/table.js'
import { note, print, printJson } from '../output.js'

export interface AgainstFlags {
  readonly seconds?: number
  readonly dir?: string
  readonly json?: boolean
}

/** Of each of 24 measurements. */
const SECONDS = 2
const WARM_UP_MS = 1_000
const AGAINST_MS_MAX = 300_000

export async function benchAgainst(flags: AgainstFlags): Promise<number> {
  const rivals = await Rivals.start(flags.dir ?? null)
  const limit = setTimeout(() => {
    complain(`not done within ${AGAINST_MS_MAX / 1_000} s: the measurement is given up`)
    rivals.end()
    process.exit(EXIT.unknown)
  }, AGAINST_MS_MAX)
  process.removeAllListeners('SIGINT')
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      rivals.end()
      process.exit(EXIT.interrupted)
    })
  try {
    const times = { warmUpMs: WARM_UP_MS, measureMs: (flags.seconds ?? SECONDS) * 1_000 }
    const rows = await rivals.compare(times, (row) => note(comparedCells(row).join('  ')))
    print(table(COMPARED_HEAD, rows.map(comparedCells)))
    if (flags.json === true)
      printJson({
        ...benchJson(rows.flatMap(({ etcd, quorate }) => [etcd, quorate])),
        ratios: rows.map(({ name, ratio }) => ({ name, ratio })),
      })
    return EXIT.ok
  } finally {
    clearTimeout(limit)
    await rivals.stop()
  }
}
