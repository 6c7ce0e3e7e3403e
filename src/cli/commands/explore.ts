/** `explore`: every order of events in small worlds of real cores, one world after the other. */

import {
  type Exploration,
  exploreRaft,
  RAFT_WORLDS,
  type RaftWorld,
} from '../../sim/explore/index.js'
import { EXIT, usageError } from '../errors.js'
import { note, print, printJson } from '../output.js'
import { progressBar } from '../progress.js'

export interface ExploreFlags {
  readonly protocol: string
  readonly world?: string
  readonly states?: number
  readonly list?: boolean
  readonly promises?: boolean
  readonly symmetry?: boolean
  readonly json?: boolean
}

/** Worlds whose moves are tried before the clock and the bar are looked at. */
const SLICE = 1_000
const LINE_EVERY_MS = 15_000

type Verdict = 'passed' | 'failed' | 'skipped'

interface Outcome {
  readonly verdict: Verdict
  readonly exploration: Exploration
  readonly statesMax: number
  readonly ms: number
  readonly heapBytesMax: number
}

export async function explore(flags: ExploreFlags): Promise<number> {
  if (flags.protocol !== 'raft')
    throw usageError(`--protocol: expected raft, got ${JSON.stringify(flags.protocol)}`)
  const worlds = chosen(flags.world)
  if (flags.list === true) {
    for (const world of worlds) print(`${world.name.padEnd(10)} ${world.about}`)
    return EXIT.ok
  }
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for (const world of worlds) {
    const outcome = run(world, flags)
    counts[outcome.verdict]++
    if (flags.json === true) printJson(asJson(world, outcome))
    else for (const line of linesOf(world, outcome)) print(line)
  }
  const { passed, failed, skipped } = counts
  if (flags.json !== true)
    print(`worlds-${flags.protocol}: ${passed} passed, ${failed} failed, ${skipped} skipped`)
  return failed === 0 ? EXIT.ok : EXIT.generic
}

function chosen(name: string | undefined): readonly RaftWorld[] {
  if (name === undefined) return RAFT_WORLDS
  const names = name.split(',')
  for (const one of names)
    if (!RAFT_WORLDS.some((world) => world.name === one))
      throw usageError(
        `--world: expected ${RAFT_WORLDS.map((world) => world.name).join(', ')}, got ${JSON.stringify(one)}`,
      )
  return RAFT_WORLDS.filter((world) => names.includes(world.name))
}

function run(world: RaftWorld, flags: ExploreFlags): Outcome {
  const statesMax = flags.states ?? world.statesMax
  const bar = flags.json === true ? null : progressBar(`states of ${world.name}`, statesMax)
  const beganAt = performance.now()
  let toldAt = beganAt
  const exploration = exploreRaft(world, {
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
  const verdict = exploration.found !== null || partial ? 'failed' : 'passed'
  return { verdict, exploration, statesMax, ms, heapBytesMax }
}

/** The tables lie beside the heap. */
function memoryBytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

function linesOf(world: RaftWorld, outcome: Outcome): string[] {
  const { exploration, ms, heapBytesMax, statesMax } = outcome
  const { states, transitions, depth, open, cut, nodes, coreSteps } = exploration.progress
  const extent = exploration.complete
    ? 'the whole space'
    : `up to ${statesMax} states, ${open} of them open`
  const lines = [
    `${world.name}: ${world.about}`,
    `  ${states} states, ${transitions} transitions, depth ${depth}; ${extent}`,
    `  ${nodes} distinct nodes, ${coreSteps} steps of a core; ${cut} moves beyond the bound in flight`,
    `  ${(ms / 1000).toFixed(1)} s, ${Math.round(states / (ms / 1000))} states/s, ${Math.round(heapBytesMax / 2 ** 20)} MiB`,
  ]
  const { found } = exploration
  if (found !== null) {
    lines.push(`FAILED after ${found.states} states: ${found.broken}`)
    for (const [i, line] of found.path.entries()) lines.push(`  ${i + 1}. ${line}`)
  } else if (outcome.verdict === 'failed')
    lines.push(`FAILED: not the whole space within ${statesMax} states`)
  return lines
}

function asJson(world: RaftWorld, outcome: Outcome): object {
  const { exploration, verdict, ms, heapBytesMax } = outcome
  return {
    world: world.name,
    verdict,
    complete: exploration.complete,
    ...exploration.progress,
    ms: Math.round(ms),
    heapBytesMax,
    found: exploration.found,
  }
}
