/**
 * Where a search begins. A short walk from the formed cluster, which the real cores make like any other path, saves the
 * search the depth that it takes to get to where things become interesting.
 */
import { assert, present } from '../../base/assert.js'
import type { Core } from '../../consensus/contract.js'
import type { Move, Worlds } from './worlds.js'

/** Nodes by their place. What goes to or comes from any other than `among` is lost. */
export type Stage =
  | { readonly type: 'timer'; readonly at: number; readonly name: string }
  /** Until nothing is in flight and all is on disk. */
  | { readonly type: 'settle'; readonly among: readonly number[] }
  /**
   * The timer fires, and they settle until the node takes proposals; again if that was not enough, since a node that was
   * away first has to learn of the present term. What is in flight in the end is lost.
   */
  | {
      readonly type: 'elect'
      readonly at: number
      readonly name: string
      readonly among: readonly number[]
    }

const MOVES_MAX = 1_000
const ELECTIONS_MAX = 3

export function walk<M extends { readonly type: string }, R, O, C extends Core<M, R>, F, G>(
  worlds: Worlds<M, R, O, C, F, G>,
  stages: readonly Stage[],
): Int32Array {
  let world = worlds.unbounded(worlds.initial())
  for (const stage of stages) {
    if (stage.type === 'timer') world = fire(worlds, world, stage)
    else if (stage.type === 'settle') world = settle(worlds, world, stage)
    else world = elect(worlds, world, stage)
  }
  return worlds.refilled(world)
}

type Any<M extends { readonly type: string }, R, O, C extends Core<M, R>, F, G> = Worlds<
  M,
  R,
  O,
  C,
  F,
  G
>

function fire<M extends { readonly type: string }, R, O, C extends Core<M, R>, F, G>(
  worlds: Any<M, R, O, C, F, G>,
  world: Int32Array,
  { at, name }: { readonly at: number; readonly name: string },
): Int32Array {
  const is = (move: Move) =>
    move.type === 'node' && move.at === at && worlds.timerOf(move.deed) === name
  return present(worlds.after(world, is), `${name} at node ${at}`)
}

function elect<M extends { readonly type: string }, R, O, C extends Core<M, R>, F, G>(
  worlds: Any<M, R, O, C, F, G>,
  from: Int32Array,
  stage: Stage & { readonly type: 'elect' },
): Int32Array {
  let world = from
  for (let i = 0; i < ELECTIONS_MAX && !worlds.proposes(world, stage.at); i++)
    world = settle(worlds, fire(worlds, world, stage), stage)
  assert(worlds.proposes(world, stage.at), 'the walk to where the search begins elects its leader')
  return settle(worlds, world, { type: 'settle', among: [] })
}

function settle<M extends { readonly type: string }, R, O, C extends Core<M, R>, F, G>(
  worlds: Any<M, R, O, C, F, G>,
  from: Int32Array,
  stage: Exclude<Stage, { readonly type: 'timer' }>,
): Int32Array {
  let world = from
  for (let i = 0; i < MOVES_MAX; i++) {
    if (stage.type === 'elect' && worlds.proposes(world, stage.at)) return world
    const next =
      worlds.after(world, (move) => isStray(worlds, move, stage.among)) ??
      worlds.after(world, (move) => move.type === 'node' && move.deed.type === 'deliver') ??
      worlds.after(world, (move) => move.type === 'node' && move.deed.type === 'sync')
    if (next === null) return world
    world = next
  }
  assert(false, 'the walk to where the search begins comes to no end')
  return world
}

function isStray<M extends { readonly type: string }, R, O, C extends Core<M, R>, F, G>(
  worlds: Any<M, R, O, C, F, G>,
  move: Move,
  among: readonly number[],
): boolean {
  if (move.type !== 'drop') return false
  const { from, to } = worlds.nodes.flight(move.flight)
  return !among.includes(from) || !among.includes(to)
}
