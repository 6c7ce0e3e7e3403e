/** What the clients saw, held against what the replicas hold in the end. */
import type { Recorded } from '../checkers/history.js'
import { checkRegister } from '../checkers/linearizable.js'
import { checkList } from '../checkers/lists.js'
import { check } from '../checkers/violation.js'
import { decodeList, encodeQuery, type Ledger } from '../ledger.js'

/** Throws a Violation; else how many registers could not be judged within bounds. */
export function judge(operations: readonly Recorded[], final: Ledger): number {
  const registers = new Map<number, Recorded[]>()
  const lists = new Map<number, Recorded[]>()
  for (const recorded of operations) {
    const { type, key } = recorded.operation
    const map = type === 'Append' || type === 'List' ? lists : registers
    const some = map.get(key)
    if (some === undefined) map.set(key, [recorded])
    else some.push(recorded)
  }
  let undecided = 0
  for (const [key, some] of registers) {
    const verdict = checkRegister(some)
    if (verdict === 'unknown') undecided++
    check(
      verdict !== 'violated',
      'linearizable',
      () => `the history of register ${key} has no legal order`,
    )
  }
  for (const [key, some] of lists) {
    const wrong = checkList(some, decodeList(final.query(encodeQuery({ type: 'List', key }))))
    check(wrong === null, 'exactly-once', () => `list ${key}: ${wrong}`)
  }
  return undecided
}
