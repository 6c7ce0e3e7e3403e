/** Who gets well when the faults end: a random quorum without the rest, where that is fair. */
import { shuffled } from '../../base/random.js'
import type { NodeId } from '../../consensus/ids.js'
import type { Liars } from '../liars.js'
import { STREAM, streamOf } from '../streams.js'
import type { SwarmOptions } from '../swarm.js'

/**
 * After these the only good copy of something may lie with the rest: then nobody may be left out.
 */
const COPIES_LOST: ReadonlySet<string> = new Set([
  'bit-rot',
  'stale-sector',
  'misdirected-write',
  'snapshot-rot',
  'read-error',
])

/** Null: everybody. The others stay dead until the quorum is well. */
export function drawQuorum(
  seed: number,
  ids: readonly NodeId[],
  {
    swarm,
    quorum,
    liars,
  }: {
    readonly swarm: SwarmOptions
    readonly quorum: (n: number) => number
    readonly liars: Liars
  },
): ReadonlySet<NodeId> | null {
  for (const kind of swarm.kinds) if (COPIES_LOST.has(kind)) return null
  const enough = quorum(ids.length)
  const honest = liars.size === 0 ? ids : ids.filter((id) => !liars.has(id))
  if (enough >= honest.length) return null
  return new Set(shuffled(streamOf(seed, STREAM.quorum), honest).slice(0, enough))
}
