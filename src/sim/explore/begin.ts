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
  /** The timer fires, and they settle until it takes proposals; what is in flight then is lost. */
  | {
      readonly type: 'elect'
      readonly at: number
      readonly name: string
      readonly among: readonly number[]
    }

const MOVES_MAX = 1_000

export function walk<M extends { readonly type: string }, R, O, C extends Core<M, R>, F, G>(
  worlds: Worlds<M, R, O, C, F, G>,
  stages: readonly Stage[],
): Int32Array {
  let world = worlds.unbounded(worlds.initial())
  for (const stage of stages) {
    if (stage.type !== 'settle') world = fire(worlds, world, stage)
    if (stage.type === 'timer') continue
    const settled = settle(worlds, world, stage)
    world =
      stage.type === 'elect' ? settle(worlds, settled, { type: 'settle', among: [] }) : settled
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
