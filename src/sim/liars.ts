/** Who lies in a run, and what a simulated node asks its liar. */
import { nextInt, pick, shuffled } from '../base/random.js'
import type { LiarKind } from '../byzantine/index.js'
import type { Core } from '../consensus/contract.js'
import type { NodeId } from '../consensus/ids.js'
import { liarKindOf } from './faults.js'
import { STREAM, streamOf } from './streams.js'
import type { SwarmOptions } from './swarm.js'

/** One node's, over all its starts; what it does not lie about it gives back as it is. */
export interface SimLiar<M extends { readonly type: string }, R, C extends Core<M, R>> {
  core(core: C): Core<M, R>
  records(records: R[]): R[]
  answer(answer: Uint8Array): Uint8Array
  part(part: Uint8Array): Uint8Array
}

export interface LiarAbout {
  /** Who else lies: they know of each other. */
  readonly partners: ReadonlySet<NodeId>
  /** Runs each time it lies. */
  acted(): void
}

export type Liars = ReadonlyMap<NodeId, LiarKind>

/** One to `max` of the nodes, each of a kind that is enabled; nobody where none is. */
export function drawLiars(
  seed: number,
  ids: readonly NodeId[],
  max: number,
  swarm: SwarmOptions,
): Liars {
  if (swarm.liars !== null) return swarm.liars
  const kinds = [...swarm.kinds].map(liarKindOf).filter((kind) => kind !== null)
  const liars = new Map<NodeId, LiarKind>()
  if (kinds.length === 0 || max === 0) return liars
  const r = streamOf(seed, STREAM.liars)
  // Most lies are a primary's: mostly one of the first to lead.
  const order = nextInt(r, 0, 2) === 0 ? shuffled(r, ids) : shuffled(r, ids.slice(0, max + 1))
  for (const id of order.slice(0, nextInt(r, 1, max))) liars.set(id, pick(r, kinds))
  return liars
}
