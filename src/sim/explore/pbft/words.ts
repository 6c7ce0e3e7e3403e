/** Messages and replicas in a few words, for the steps of a path. Slots are view/index. */
import type { Message, PreparedCertificate } from '../../../consensus/pbft/messages.js'
import type { Replica } from './replica.js'
import { nameOf, type Setting } from './setting.js'

export function wordsOf(setting: Setting, messages: readonly Message[]): string {
  return messages.map((one) => words(setting, one)).join(', ')
}

function words(setting: Setting, m: Message): string {
  const name = (digest: string) => nameOf(setting, digest)
  switch (m.type) {
    case 'PrePrepare':
      return `PrePrepare ${m.proposed.view}/${m.proposed.index} ${name(m.proposed.digest)}`
    case 'Prepare':
    case 'Commit':
      return `${m.type} ${m.view}/${m.index} ${name(m.digest)} of ${m.sender}`
    case 'ViewChange':
      return `ViewChange ${m.view} of ${m.sender} [${m.prepared.map((one) => proof(setting, one)).join(' ')}]`
    case 'NewView': {
      const of = m.viewChanges.map((one) => one.sender).join(' ')
      return `NewView ${m.view} of [${of}]: [${m.proposals.map((one) => name(one.digest)).join(' ')}]`
    }
    case 'FetchedBatch':
      return `FetchedBatch ${m.index}: ${setting.letters.find(({ batch }) => batch === m.batch)?.name ?? '?'}`
    case 'CommittedBatch': {
      const of = m.commits.map((one) => `${one.sender}=${name(one.digest)}`).join(' ')
      return `CommittedBatch ${m.commits[0]?.view}/${m.commits[0]?.index} [${of}]`
    }
    default:
      return m.type
  }
}

function proof(setting: Setting, { proposed, prepares }: PreparedCertificate): string {
  const { view, index, digest } = proposed
  return `${view}/${index}=${nameOf(setting, digest)} by ${prepares.map((one) => one.sender).join('+')}`
}

export function describeReplica(setting: Setting, { core }: Replica): string {
  const { state } = core
  const slots = [...state.slots.values()]
    .sort((a, b) => a.index - b.index)
    .map((slot) => {
      const { proposed, prepared, committed } = slot
      const parts = [
        proposed === null ? null : `${nameOf(setting, proposed.digest)} in ${proposed.view}`,
        prepared === null ? null : `prepared in ${prepared.proposed.view}`,
        committed === null ? null : `committed ${nameOf(setting, committed[0]?.digest ?? '')}`,
      ]
      return `${slot.index}: ${parts.filter((part) => part !== null).join(', ') || 'nothing'}`
    })
  const where = `${state.active ? 'in' : 'asks for'} view ${state.view}`
  return [where, ...slots].join('; ')
}
