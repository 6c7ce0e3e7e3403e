/** Messages and notes of a trace in few words. */
import type { Weight } from './diagram.js'

export interface Plain {
  readonly [name: string]: unknown
}

/** Of a message: its type, then what it is about. */
export function messageWords(message: Plain): { readonly label: string; readonly weight: Weight } {
  const type = String(message.type)
  const term = message.term === undefined ? '' : ` t${message.term}`
  const place = (name: string) => placeOf(message[name])
  switch (type) {
    case 'AppendEntries': {
      const entries = list(message.entries)
      const label = `${type}${term} ${entriesWords(entries)} after ${place('prev')} commit ${message.leaderCommit}`
      return { label, weight: entries.length > 0 ? 2 : 1 }
    }
    case 'AppendEntriesReply': {
      const accepted = message.accepted === true
      const what = accepted ? `has ${message.matchIndex}` : `refuses ${message.rejected}`
      return { label: `${type}${term} ${what}`, weight: 2 }
    }
    case 'PreVote':
    case 'RequestVote':
      return { label: `${type}${term} log ${place('lastLog')}`, weight: 2 }
    case 'PreVoteReply':
    case 'RequestVoteReply':
      return {
        label: `${type}${term} ${message.voteGranted === true ? 'yes' : 'no'}`,
        weight: 2,
      }
    default:
      return {
        label: `${type}${term}${restWords(message)}`,
        weight: /^(Forward|ReadIndex)/.test(type) ? 1 : 2,
      }
  }
}

/** Notes that somebody who looks for a mistake wants to see; null for the others. */
export function noteWords(note: Plain): { readonly label: string; readonly weight: Weight } | null {
  const event = String(note.event)
  const term = note.term === undefined ? '' : ` t${note.term}`
  const index = note.index === undefined ? '' : ` ${note.index}`
  const peer = note.peer === undefined ? '' : ` ${note.peer}`
  if (event === 'became-leader') return { label: `LEADER${term}`, weight: 3 }
  if (event.startsWith('became-')) return { label: `${event.slice(7)}${term}`, weight: 2 }
  if (event === 'committed') return { label: `commits${index}`, weight: 2 }
  const worth = /^(vote-|log-|snapshot|timeout-now|recover|damage|hole)/.test(event)
  return worth ? { label: `${event}${term}${index}${peer}`, weight: 2 } : null
}

/** What a batch puts on the disk. */
export function recordsWords(records: unknown): string {
  const words = list(records).map((record) => {
    const type = String(record.type)
    if (type === 'Append') return entriesWords(list(record.entries))
    return `${type}${restWords(record)}`
  })
  return `writes ${words.join(', ')}`
}

function entriesWords(entries: readonly Plain[]): string {
  const [first] = entries
  const final = entries.at(-1)
  if (first === undefined || final === undefined) return '[]'
  const from = `${first.index}/t${first.term}`
  return entries.length === 1 ? `[${from}]` : `[${from}..${final.index}/t${final.term}]`
}

function placeOf(value: unknown): string {
  const at = plain(value)
  return at === null ? '?' : `${at.index}/t${at.term}`
}

/** Numbers, names and truths of the first level. */
function restWords(value: Plain): string {
  const words = Object.entries(value).flatMap(([name, one]) => {
    if (['type', 'term', 'incarnation'].includes(name)) return []
    return ['number', 'string', 'boolean'].includes(typeof one) ? [`${name} ${String(one)}`] : []
  })
  return words.length === 0 ? '' : ` ${words.slice(0, 3).join(' ')}`
}

export function plain(value: unknown): Plain | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null
}

function list(value: unknown): readonly Plain[] {
  const out: Plain[] = []
  for (const one of Array.isArray(value) ? value : []) {
    const some = plain(one)
    if (some !== null) out.push(some)
  }
  return out
}
