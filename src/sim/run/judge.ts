/** What the clients saw, held against what the replicas hold in the end. */

import type { StateMachine } from '../../machine/state-machine.js'
import type { Recorded } from '../checkers/history.js'
import { checkRegister } from '../checkers/linearizable.js'
import { checkList, checkReads } from '../checkers/lists.js'
import { check } from '../checkers/violation.js'
import { decodeList, encodeQuery } from '../ledger.js'

/** Throws a Violation; else how many registers could not be judged within bounds. */
export function judge(operations: readonly Recorded[], final: Pick<StateMachine, 'query'>): number {
  for (const [key, some] of byKey(operations, true)) {
    const wrong = checkList(some, decodeList(final.query(encodeQuery({ type: 'List', key }))))
    check(wrong === null, 'exactly-once', () => `list ${key}: ${wrong}`)
  }
  return judgeRegisters(operations)
}

/** Where the replicas may have lost what they held: by the history alone. */
export function judgeHistory(operations: readonly Recorded[]): number {
  for (const [key, some] of byKey(operations, true)) {
    const wrong = checkReads(some)
    check(wrong === null, 'exactly-once', () => `list ${key}: ${wrong}`)
  }
  return judgeRegisters(operations)
}

function judgeRegisters(operations: readonly Recorded[]): number {
  let undecided = 0
  for (const [key, some] of byKey(operations, false)) {
    const verdict = checkRegister(some)
    if (verdict === 'unknown') undecided++
    check(
      verdict !== 'violated',
      'linearizable',
      () => `the history of register ${key} has no legal order`,
    )
  }
  return undecided
}

function byKey(operations: readonly Recorded[], lists: boolean): Map<number, Recorded[]> {
  const keys = new Map<number, Recorded[]>()
  for (const recorded of operations) {
    const { type, key } = recorded.operation
    if ((type === 'Append' || type === 'List') !== lists) continue
    const some = keys.get(key)
    if (some === undefined) keys.set(key, [recorded])
    else some.push(recorded)
  }
  return keys
}
