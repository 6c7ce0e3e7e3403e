/** A liar among simulated replicas: the same decorators that a real process has. */
import { type Behaviour, LIARS, Liar, type LiarKind, lying } from '../byzantine/index.js'
import type { Message, Pbft, WalRecord } from '../consensus/pbft/index.js'
import type { LiarAbout, SimLiar } from './liars.js'

export function pbftLiar(
  kind: LiarKind,
  { partners, acted }: LiarAbout,
): SimLiar<Message, WalRecord, Pbft> {
  const behaviour: Behaviour = LIARS[kind]()
  return {
    core: (core) => {
      const { state } = core
      const { clusterId, crypto } = state.options
      const liar = new Liar({ clusterId, crypto, state, partners })
      return lying(core, { behaviour, liar, acted })
    },
    records: (records) => {
      const known = behaviour.records?.(records) ?? records
      if (known.length < records.length) acted()
      return [...known]
    },
    answer: (answer) => told(answer, behaviour.answer),
    part: (part) => told(part, behaviour.part),
  }

  function told(
    truth: Uint8Array,
    lie: ((truth: Uint8Array) => Uint8Array) | undefined,
  ): Uint8Array {
    if (lie === undefined) return truth
    acted()
    return lie(truth)
  }
}
