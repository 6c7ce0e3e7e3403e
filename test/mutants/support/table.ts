/** The kill matrix as the documentation shows it. */
import type { Named } from './mutant.js'

const BEGIN = '<!-- kill matrix: written by npm run test:mutants -- --write -->'
const END = '<!-- end of kill matrix -->'

/** Of the seeds that it took; those not caught took more than any. */
export function median(seeds: readonly number[]): number {
  const sorted = [...seeds].sort((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)] ?? 0
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
  return upper === lower ? upper : (lower + upper) / 2
}

/** Bugs, those caught, median and maximum of the seeds until then. */
export function totals(mutants: readonly Named[]): string {
  const seeds = mutants.map(({ seed }) => seed ?? Number.POSITIVE_INFINITY)
  const caught = seeds.filter(Number.isFinite)
  const quiet = mutants.filter(({ needsFaults }) => needsFaults).length
  return (
    `${mutants.length} bugs, ${caught.length} caught; ` +
    `seeds until caught: median ${median(seeds)}, at most ${Math.max(0, ...caught)}; ` +
    `not seen in 20 seeds without faults: ${quiet}`
  )
}

export function markdown(mutants: readonly Named[]): string {
  const rows = mutants.map(({ name, why, seed, caughtBy, needsFaults }) => {
    const without = needsFaults ? '' : ', even without faults'
    const caught =
      seed === null ? '| | **not caught** |' : `| ${seed} | \`${caughtBy}\`${without} |`
    return `| [${name}](../test/mutants/${name}.ts) | ${why.replaceAll('|', '\\|')} ${caught}`
  })
  const head = ['| bug | what it does | seeds until caught | by which check |', '|---|---|---|---|']
  return [`${totals(mutants)}.`, '', ...head, ...rows].join('\n')
}

/** The page with the table in its place. */
export function withTable(page: string, mutants: readonly Named[]): string {
  const from = page.indexOf(BEGIN)
  const to = page.indexOf(END)
  if (from < 0 || to < from) throw new Error(`the page has no place for the table: ${BEGIN}`)
  return `${page.slice(0, from)}${BEGIN}\n${markdown(mutants)}\n${page.slice(to)}`
}
