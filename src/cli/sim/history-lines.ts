/**
 * What the clients of one seed saw, as JSON lines in Jepsen's words. A process does one thing at a time, and a client
 * of the simulator many: so each operation gets the lowest process that is free, and one whose operation had no answer
 * is free for no other. Registers begin empty, which is `null`; a list is read as its items.
 */
import type { Recorded } from '../../sim/index.js'

interface Line {
  readonly at: number
  readonly event: object
}

export function historyLines(operations: readonly Recorded[]): string[] {
  const lines: Line[] = []
  /** By process: when it is free again. */
  const freeAt: number[] = []
  for (const recorded of operations) {
    let process = freeAt.findIndex((at) => at < recorded.invokedAt)
    if (process === -1) process = freeAt.length
    freeAt[process] = recorded.completedAt
    const { f, key, value } = asked(recorded)
    lines.push({
      at: recorded.invokedAt,
      event: { process, type: 'invoke', f, key, value, time: recorded.invokedAt },
    })
    if (recorded.outcome === 'pending') continue
    const type = completion(recorded)
    lines.push({
      at: recorded.completedAt,
      event: { process, type, f, key, value: type === 'ok' ? answered(recorded) : value },
    })
  }
  lines.sort((a, b) => (a.at === b.at ? 0 : a.at < b.at ? -1 : 1))
  return lines.map(({ event }) => JSON.stringify(event))
}

function asked({ operation }: Recorded): { f: string; key: string; value: unknown } {
  switch (operation.type) {
    case 'Get':
      return { f: 'read', key: `register-${operation.key}`, value: null }
    case 'Write':
      return { f: 'write', key: `register-${operation.key}`, value: operation.value }
    case 'Cas':
      return {
        f: 'cas',
        key: `register-${operation.key}`,
        value: [orNull(operation.expected), operation.value],
      }
    case 'Append':
      return { f: 'append', key: `list-${operation.key}`, value: operation.value }
    case 'List':
      return { f: 'read', key: `list-${operation.key}`, value: null }
  }
}

/** A swap that found another value did nothing. */
function completion({ operation, outcome, number }: Recorded): 'ok' | 'fail' | 'info' {
  if (outcome === 'unknown') return 'info'
  if (outcome === 'failed') return 'fail'
  return operation.type === 'Cas' && number !== operation.expected ? 'fail' : 'ok'
}

function answered(recorded: Recorded): unknown {
  const { operation, number, list } = recorded
  if (operation.type === 'Get') return orNull(number)
  return operation.type === 'List' ? list : asked(recorded).value
}

function orNull(value: number): number | null {
  return value === 0 ? null : value
}
