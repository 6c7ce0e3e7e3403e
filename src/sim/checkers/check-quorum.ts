/** Whoever leads hears a quorum, or steps down: a client of a deposed leader must not wait for ever (thesis §6.2). */
import type { Input } from '../../consensus/contract.js'
import type { NodeId } from '../../consensus/ids.js'
import type { Raft } from '../../consensus/raft/index.js'
import { configurationOf } from '../../consensus/raft/state.js'
import { check } from './violation.js'

interface Leading {
  readonly term: number
  /** The leader's own ticks since it was elected. */
  ticks: number
  /** By peer: the tick at which it was last heard. */
  readonly heard: Map<NodeId, number>
}

/** A peer may fall silent right after the leader looked; it looks again after an election timeout. */
const TIMEOUTS = 2

export class CheckQuorum {
  readonly #leading = new Map<NodeId, Leading>()

  started(id: NodeId): void {
    this.#leading.delete(id)
  }

  stepped(id: NodeId, core: Raft, input: Input<{ readonly type: string }>): void {
    const { role, term, options } = core.state
    if (role.type !== 'leader') {
      this.#leading.delete(id)
      return
    }
    let leading = this.#leading.get(id)
    if (leading === undefined || leading.term !== term) {
      leading = { term, ticks: 0, heard: new Map() }
      this.#leading.set(id, leading)
    }
    if (input.type === 'Receive') leading.heard.set(input.from, leading.ticks)
    if (input.type !== 'Tick') return
    leading.ticks++
    const { voters } = configurationOf(core.state)
    const { ticks, heard } = leading
    const silent = voters.filter(
      (one) => one !== id && ticks - (heard.get(one) ?? 0) > TIMEOUTS * options.electionTicks,
    )
    check(
      2 * (voters.length - silent.length) > voters.length,
      'check-quorum',
      () => `${id} leads term ${term}, and has not heard ${silent} for two election timeouts`,
    )
  }
}
