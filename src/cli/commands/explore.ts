/** `explore`: every order of events in small worlds of real cores, one world after the other. */

import { execFile } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import {
  type Exploration,
  type ExploreOptions,
  explorePbft,
  exploreRaft,
  type Found,
  PBFT_WORLDS,
  type Progress,
  RAFT_WORLDS,
} from '../../sim/explore/index.js'
import { EXIT, usageError } from '../errors.js'
import { note, print, printJson } from '../output.js'
import { progressBar } from '../progress.js'

export interface ExploreFlags {
  readonly protocol: string
  readonly world?: string
  readonly states?: number
  readonly jobs?: number
  readonly list?: boolean
  readonly promises?: boolean
  readonly symmetry?: boolean
  readonly json?: boolean
}

/** Worlds whose moves are tried before the clock and the bar are looked at. */
const SLICE = 1_000
const LINE_EVERY_MS = 15_000
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024

/** One that can be searched, of whatever protocol. */
interface World {
  readonly name: string
  readonly about: string
  readonly statesMax: number
  readonly whole: boolean
  explore(options: ExploreOptions): Exploration
}

const WORLDS: ReadonlyMap<string, readonly World[]> = new Map([
  ['raft', RAFT_WORLDS.map((world) => worldOf(world, (o) => exploreRaft(world, o)))],
  ['pbft', PBFT_WORLDS.map((world) => worldOf(world, (o) => explorePbft(world, o)))],
])

function worldOf(of: Omit<World, 'explore'>, explore: World['explore']): World {
  const { name, about, statesMax, whole } = of
  return { name, about, statesMax, whole, explore }
}

/** What a search came to; also what --json prints, and how a process tells another. */
interface Outcome extends Progress {
  readonly world: string
  readonly verdict: 'passed' | 'failed' | 'skipped'
  readonly complete: boolean
  readonly statesMax: number
  readonly ms: number
  readonly heapBytesMax: number
  readonly found: Found | null
}

export async function explore(flags: ExploreFlags): Promise<number> {
  const all = WORLDS.get(flags.protocol)
  if (all === undefined)
    throw usageError(`--protocol: expected raft or pbft, got ${JSON.stringify(flags.protocol)}`)
  const worlds = chosen(all, flags.world)
  if (flags.list === true) {
    for (const world of worlds) print(`${world.name.padEnd(16)} ${world.about}`)
    return EXIT.ok
  }
  const counts = { passed: 0, failed: 0, skipped: 0 }
  await eachOf(worlds, flags, (world, outcome) => {
    counts[outcome.verdict]++
    if (flags.json === true) printJson(outcome)
    else for (const line of linesOf(world, outcome)) print(line)
  })
  const { passed, failed, skipped } = counts
  if (flags.json !== true)
    print(`worlds-${flags.protocol}: ${passed} passed, ${failed} failed, ${skipped} skipped`)
  return failed === 0 ? EXIT.ok : EXIT.generic
}

/** Here, or with more than one job each world in a process of its own. */
async function eachOf(
  worlds: readonly World[],
  flags: ExploreFlags,
  onOutcome: (world: World, outcome: Outcome) => void,
): Promise<void> {
  const jobs = Math.min(worlds.length, flags.jobs ?? availableParallelism())
  if (jobs === 1) {
    for (const world of worlds) onOutcome(world, run(world, flags))
    return
  }
  const waiting = [...worlds]
  const work = async () => {
    for (let world = waiting.pop(); world !== undefined; world = waiting.pop())
      onOutcome(world, await runElsewhere(world, flags))
  }
  // The largest are the last of the list: begun first, they do not keep us waiting in the end.
  await Promise.all(Array.from({ length: jobs }, work))
}

function runElsewhere(world: World, flags: ExploreFlags): Promise<Outcome> {
  const main = fileURLToPath(new URL('../main.js', import.meta.url))
  const args = [main, 'explore', '--protocol', flags.protocol, '--world', world.name, '--json']
  if (flags.states !== undefined) args.push('--states', String(flags.states))
  if (flags.promises === false) args.push('--no-promises')
  if (flags.symmetry === false) args.push('--no-symmetry')
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { maxBuffer: OUTPUT_BYTES_MAX }, (error, stdout, stderr) => {
      // A violation has an exit code too, and something to say.
      if (stdout !== '') resolve(JSON.parse(stdout) as Outcome)
      else reject(error ?? new Error(`${world.name}: ${stderr}`))
    })
  })
}

function chosen(all: readonly World[], name: string | undefined): readonly World[] {
  if (name === undefined) return all
  const names = name.split(',')
  for (const one of names)
    if (!all.some((world) => world.name === one))
      throw usageError(
        `--world: expected ${all.map((world) => world.name).join(', ')}, got ${JSON.stringify(one)}`,
      )
  return all.filter((world) => names.includes(world.name))
}

function run(world: World, flags: ExploreFlags): Outcome {
  const statesMax = flags.states ?? world.statesMax
  const bar = flags.json === true ? null : progressBar(`states of ${world.name}`, statesMax)
  const beganAt = performance.now()
  let toldAt = beganAt
  const exploration = world.explore({
    promises: flags.promises ?? true,
    symmetry: flags.symmetry ?? true,
  })
  let heapBytesMax = 0
  while (exploration.progress.states < statesMax && exploration.advance(SLICE)) {
    heapBytesMax = Math.max(heapBytesMax, memoryBytes())
    const { states } = exploration.progress
    bar?.update(Math.min(states, statesMax))
    const now = performance.now()
    if (bar !== null || flags.json === true || now - toldAt < LINE_EVERY_MS) continue
    toldAt = now
    note(`${world.name}: ${states} states`)
  }
  bar?.stop()
  const ms = performance.now() - beganAt
  heapBytesMax = Math.max(heapBytesMax, memoryBytes())
  // A space that was to be seen whole and was not is a hole in what is shown, unless somebody asked for less.
  const partial = world.whole && !exploration.complete && statesMax >= world.statesMax
  const { found, complete, progress } = exploration
  const verdict = found !== null || partial ? 'failed' : 'passed'
  const { name } = world
  return { world: name, verdict, complete, ...progress, statesMax, ms, heapBytesMax, found }
}

/** The tables lie beside the heap. */
function memoryBytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

function linesOf(world: World, outcome: Outcome): string[] {
  const { states, transitions, depth, open, cut, nodes, coreSteps } = outcome
  const { ms, heapBytesMax, statesMax, complete, found } = outcome
  const extent = complete ? 'the whole space' : `up to ${statesMax} states, ${open} of them open`
  const speed = Math.round(states / (ms / 1000))
  const lines = [
    `${world.name}: ${world.about}`,
    `  ${states} states, ${transitions} transitions, depth ${depth}; ${extent}`,
    `  ${nodes} distinct nodes, ${coreSteps} steps of a core; ${cut} moves beyond the bound in flight`,
    `  ${(ms / 1000).toFixed(1)} s, ${speed} states/s, ${Math.round(heapBytesMax / 2 ** 20)} MiB`,
  ]
  if (found !== null) {
    lines.push(`FAILED after ${found.states} states: ${found.broken}`)
    for (const [i, line] of found.path.entries()) lines.push(`  ${i + 1}. ${line}`)
  } else if (outcome.verdict === 'failed')
    lines.push(`FAILED: not the whole space within ${statesMax} states`)
  return lines
}
