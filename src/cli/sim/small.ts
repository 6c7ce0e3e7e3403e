/** `sim --shrink` makes a failing run small and draws it; `sim --recipe` replays one that was. */
import { readFileSync, writeFileSync } from 'node:fs'
import { extname } from 'node:path'
import {
  type Attempt,
  type Diagram,
  DiagramOfTrace,
  diagramHtml,
  diagramMermaid,
  diagramText,
  eventsOf,
  HEAL_MS,
  isSimProtocol,
  parseRecipe,
  printRecipe,
  type Recipe,
  RecipeError,
  type Shrunk,
  shrink,
  simProtocols,
  wholeRun,
} from '../../sim/index.js'
import type { SimFlags } from '../commands/sim.js'
import { EXIT, usageError } from '../errors.js'
import { note, print } from '../output.js'
import { parseDuration } from '../parse/duration.js'
import { parseFaults, parseFor, parseProtocol, parseSeeds } from './job.js'

/** How often progress is told (ms of real time). */
const PROGRESS_MS = 1_000

export function small(flags: SimFlags): number {
  for (const other of ['doublecheck', 'history', 'json', 'liars'] as const)
    if (flags[other] !== undefined) throw usageError(`--${other}: not with --shrink or --recipe`)
  if (flags.machine !== undefined && flags.machine !== 'ledger')
    throw usageError('--machine: not with --shrink or --recipe')
  parseProtocol(flags.protocol)
  if (flags.diagram !== undefined) format(flags.diagram)
  if (flags.shrink === true) return shrinkSeed(flags)
  if (flags.recipe === undefined) throw usageError('--diagram: needs --shrink or --recipe FILE')
  return replay(readRecipe(flags.recipe), flags)
}

function shrinkSeed(flags: SimFlags): number {
  const { first, last } = parseSeeds(flags.seed ?? flags.seeds)
  if (first !== last) throw usageError('--shrink: expected one seed, as --seed 42')
  const { recipe, before, after, runs, whole, ms } = shrunk(wholeOf(first, flags), flags) ?? {}
  if (recipe === undefined || before === undefined || after === undefined) {
    print(`seed ${first} does not fail: nothing to make small`)
    return EXIT.ok
  }
  const { recipe: file } = flags
  if (file !== undefined) writeFileSync(file, printRecipe(recipe))
  const lines = [
    failureLine(first, after),
    `made small in ${runs} runs, ${Math.round((ms ?? 0) / 1_000)} s: ${eventsLine(before, after)}`,
    sizesLine(before, after),
    ...(recipe.healMs < HEAL_MS ? [hastyLine(recipe)] : []),
    ...(whole === true ? [] : ['it ended at a bound: --shrink-runs or --shrink-for']),
    file === undefined
      ? `recipe: ${JSON.stringify(recipe)}`
      : `replay: quorate sim --recipe ${file} --trace`,
  ]
  for (const line of lines) print(line)
  print('')
  draw(recipe, lines, flags)
  return EXIT.generic
}

function hastyLine({ healMs }: Recipe): string {
  return `it has ${healMs / 1_000} s for each step towards being well, and fails alike with ${HEAL_MS / 1_000} s`
}

function replay(recipe: Recipe, flags: SimFlags): number {
  if (flags.trace === true) {
    const again = attempt(recipe, print)
    if (again.kind !== null) print(failureLine(recipe.seed, again))
    return again.kind === null ? EXIT.ok : EXIT.generic
  }
  const found = attempt(recipe)
  if (found.kind === null) {
    print('the run of this recipe does not fail (with this version)')
    return EXIT.ok
  }
  const lines = [failureLine(recipe.seed, found)]
  for (const line of lines) print(line)
  print('')
  draw(recipe, lines, flags)
  return EXIT.generic
}

function wholeOf(seed: number, flags: SimFlags): Recipe {
  const protocol = parseProtocol(flags.protocol)
  return {
    ...wholeRun(seed, parseFor(flags.for, protocol), protocol),
    nodes: flags.nodes ?? null,
    kinds: flags.faults === undefined ? null : parseFaults(flags.faults, protocol),
  }
}

function shrunk(recipe: Recipe, flags: SimFlags): (Shrunk & { readonly ms: number }) | null {
  const forMs = parseDuration(flags.shrinkFor)
  if (forMs === null || forMs <= 0)
    throw usageError(`--shrink-for: expected a duration such as 2m, got ${flags.shrinkFor}`)
  const beganAt = performance.now()
  let toldAt = beganAt
  const result = shrink(recipe, {
    run: (one) => attempt(one),
    runsMax: flags.shrinkRuns,
    shouldStop: () => performance.now() - beganAt > forMs,
    progress: ({ runs, events, pass }) => {
      if (performance.now() - toldAt < PROGRESS_MS) return
      toldAt = performance.now()
      note(`${runs} runs: ${events} events left; trying less: ${pass}`)
    },
  })
  return result === null ? null : { ...result, ms: performance.now() - beganAt }
}

/** Runs it once more, and pictures what is told. */
function draw(recipe: Recipe, lines: readonly string[], { diagram: file }: SimFlags): void {
  const reader = new DiagramOfTrace()
  const { report } = attempt(recipe, (line) => reader.line(line))
  const { failure } = report
  if (failure !== null) reader.end(failure.atMs, `${failure.invariant}: ${failure.message}`)
  const diagram = reader.diagram()
  for (const line of diagramText(diagram)) print(line)
  if (file === undefined) return
  writeFileSync(file, format(file)(diagram, lines))
  print(`drawn: ${file}`)
}

function format(file: string): (diagram: Diagram, lines: readonly string[]) => string {
  switch (extname(file)) {
    case '.html':
      return (diagram, lines) => diagramHtml(diagram, { title: lines[0] ?? '', lines })
    case '.mmd':
      return (diagram) => diagramMermaid(diagram)
    default:
      throw usageError(`--diagram: expected a file .html or .mmd, got ${JSON.stringify(file)}`)
  }
}

function readRecipe(file: string): Recipe {
  try {
    const recipe = parseRecipe(readFileSync(file, 'utf8'))
    if (!isSimProtocol(recipe.protocol)) throw new RecipeError(`no protocol ${recipe.protocol}`)
    return recipe
  } catch (error) {
    throw usageError(`--recipe: ${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function failureLine(seed: number, { report: { failure } }: Attempt): string {
  return `seed ${seed} failed: ${failure?.invariant}: ${failure?.message}`
}

function eventsLine(before: Attempt, after: Attempt): string {
  const part = (name: keyof Attempt['happened'], what: string) =>
    `${what} ${before.happened[name].length} -> ${after.happened[name].length}`
  const parts = [
    part('strikes', 'strikes'),
    part('messages', 'messages that suffer'),
    part('operations', 'operations'),
  ]
  return `${eventsOf(before)} -> ${eventsOf(after)} events (${parts.join(', ')})`
}

function sizesLine({ report: before }: Attempt, { report: after }: Attempt): string {
  const kinds = after.kinds.length === 0 ? 'none' : after.kinds.join(', ')
  const seconds = (ms: number) => (ms / 1_000).toFixed(2)
  return `${before.nodes} -> ${after.nodes} nodes, ${seconds(before.simulatedMs)} -> ${seconds(after.simulatedMs)} s, ${before.steps} -> ${after.steps} steps; kinds of fault left: ${kinds}`
}

function attempt(recipe: Recipe, trace?: (line: string) => void): Attempt {
  return simProtocols[parseProtocol(recipe.protocol)].attempt(recipe, trace)
}
