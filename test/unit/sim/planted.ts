/** Protocols with one bug each, made by decorating the real one: the simulator must see every one of them. */
import type { Core, Effect, Input } from '../../../src/consensus/contract.js'
import type { Message, Options, Raft } from '../../../src/consensus/raft/index.js'
import type { WalRecord } from '../../../src/consensus/raft/records.js'
import type { State } from '../../../src/consensus/raft/state.js'
import { raftSim, runSeed, type SeedReport, type SimProtocol } from '../../../src/sim/index.js'

type RaftSim = SimProtocol<Message, WalRecord, Options, Raft>
type Step = (input: Input<Message>) => Effect<Message, WalRecord>[]

/** Raft with its step wrapped. The state may be touched too: it is plain data. */
export function buggy(wrap: (step: Step, state: State) => Step): RaftSim {
  return {
    ...raftSim,
    protocol: {
      ...raftSim.protocol,
      recover: (...args) => {
        const { core, effects } = raftSim.protocol.recover(...args)
        const step = wrap((input) => core.step(input), core.state)
        const wrapped: Core<Message, WalRecord> & { readonly state: State } = {
          state: core.state,
          step,
          status: () => core.status(),
          stateRecord: () => core.stateRecord(),
          shape: () => core.shape(),
        }
        return { core: wrapped as Raft, effects }
      },
    },
  }
}

/** The first seed that fails, and how. */
export function catchIt(sim: RaftSim, seeds: number): SeedReport | null {
  for (let seed = 1; seed <= seeds; seed++) {
    const report = runSeed({ sim, seed })
    if (report.verdict === 'failed') return report
  }
  return null
}

/** What vouches for state does not wait for the disk. */
export const gateOpen = buggy(
  (step) => (input) =>
    step(input).map((effect) => (effect.type === 'Send' ? { ...effect, gate: 'none' } : effect)),
)

/** The node counts its own vote and entries before they are on disk. */
export const countsItselfEarly = buggy((step) => (input) => {
  const effects = step(input)
  const last = effects.findLast((effect) => effect.type === 'Persist')
  if (last?.type !== 'Persist') return effects
  return [...effects, ...step({ type: 'Persisted', batch: last.batch })]
})

/** A restart forgets the vote. */
export const forgetsVote: RaftSim = {
  ...raftSim,
  protocol: {
    ...raftSim.protocol,
    recover: (records, self, options) =>
      raftSim.protocol.recover(
        records.map((record) =>
          record.type === 'HardState' || record.type === 'State'
            ? { ...record, votedFor: null }
            : record,
        ),
        self,
        options,
      ),
  },
}

/** Reads are answered without asking a quorum. */
export const staleReads = buggy((step, state) => (input) => {
  if (input.type !== 'Read') return step(input)
  return [
    {
      type: 'Answer',
      id: input.id,
      outcome: { type: 'ReadReady', index: state.lastApplied },
    },
  ]
})

/** Every entry is applied twice when a leader changes: the sessions must hide it, the order must not. */
export const appliesTwice = buggy(
  (step) => (input) =>
    step(input).flatMap((effect) =>
      effect.type === 'Apply' && effect.entries.some((entry) => entry.index % 50 === 0)
        ? [effect, effect]
        : [effect],
    ),
)

/** A proposal refused for lack of leadership is told so although it was appended. */
export const lyingRefusal = buggy((step) => (input) => {
  const effects = step(input)
  if (input.type !== 'Propose') return effects
  const last = input.requests.at(-1)
  if (last === undefined || !effects.some((effect) => effect.type === 'Persist')) return effects
  if (last.seq % 20 !== 0) return effects
  return [
    ...effects,
    { type: 'Answer', id: last, outcome: { type: 'Overloaded', reason: 'a lie' } },
  ]
})
