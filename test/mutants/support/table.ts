/** The kill matrix and the list of attacks as the documentation shows them. */
import type { Attack } from './attacks.js'
import { killersOf } from './killers.js'
import type { Named } from './mutant.js'

interface Place {
  readonly begin: string
  readonly end: string
}

const MATRIX: Place = {
  begin: '<!-- kill matrix: written by npm run test:mutants -- --write -->',
  end: '<!-- end of kill matrix -->',
}
const LIST: Place = {
  begin: '<!-- attacks: written by npm run test:mutants -- --write -->',
  end: '<!-- end of attacks -->',
}

/** Of the seeds that it took; those not caught took more than any. */
export function median(seeds: readonly number[]): number {
  const sorted = [...seeds].sort((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)] ?? 0
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
  return upper === lower ? upper : (lower + upper) / 2
}

/** Bugs, those that seeds catch and those that only a test does, median and maximum of the seeds until then. */
export function totals(mutants: readonly Named[]): string {
  const judged = mutants.filter(({ seed, name }) => seed !== null || testOf(mutants, name) === null)
  const seeds = judged.map(({ seed }) => seed ?? Number.POSITIVE_INFINITY)
  const caught = seeds.filter(Number.isFinite)
  const quiet = judged.filter(({ needsFaults }) => needsFaults).length
  return (
    `${mutants.length} bugs, ${caught.length} caught by seeds, ` +
    `${mutants.length - judged.length} by their test alone; ` +
    `seeds until caught: median ${median(seeds)}, at most ${Math.max(0, ...caught)}; ` +
    `not seen in 20 seeds without faults: ${quiet}`
  )
}

function testOf(mutants: readonly Named[], name: string): string | null {
  const killer = killersOf(mutants).find(({ mutant }) => mutant === name)
  return killer === undefined ? null : `[its test](../test/unit/${killer.file})`
}

export function markdown(mutants: readonly Named[]): string {
  const rows = mutants.map(({ name, why, seed, caughtBy, needsFaults }) => {
    const without = needsFaults ? '' : ', even without faults'
    const test = testOf(mutants, name)
    const check = seed === null ? null : `\`${caughtBy}\`${without}`
    const checks = [check, test].filter((one) => one !== null).join(', ')
    const bug = `[${name}](../test/mutants/${name}.ts)`
    return `| ${bug} | ${why.replaceAll('|', '\\|')} |${seed === null ? '' : ` ${seed}`} | ${checks || '**not caught**'} |`
  })
  const head = ['| bug | what it does | seeds until caught | by which check |', '|---|---|---|---|']
  return [`${totals(mutants)}.`, '', ...head, ...rows].join('\n')
}

/** Each attack with its defence, the test of it, and the mutant that this test fails. */
export function attackRows(attacks: readonly Attack[]): string {
  const rows = attacks.map(({ numbers, defence, file, test, mutant }) => {
    const name = test.replaceAll('|', '\\|')
    return (
      `| ${numbers.join(', ')} | ${defence} | [${name}](../test/unit/${file}) ` +
      `| [${mutant}](../test/mutants/${mutant}.ts) |`
    )
  })
  return ['| attack | defence | test | the mutant without it |', '|---|---|---|---|', ...rows].join(
    '\n',
  )
}

/** The page with the kill matrix in its place. */
export function withTable(page: string, mutants: readonly Named[]): string {
  return inPlace(page, MATRIX, markdown(mutants))
}

/** The page with the list of attacks in its place. */
export function withAttacks(page: string, attacks: readonly Attack[]): string {
  return inPlace(page, LIST, attackRows(attacks))
}

function inPlace(page: string, { begin, end }: Place, content: string): string {
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from < 0 || to < from) throw new Error(`the page has no place for the table: ${begin}`)
  return `${page.slice(0, from)}${begin}\n${content}\n${page.slice(to)}`
}
