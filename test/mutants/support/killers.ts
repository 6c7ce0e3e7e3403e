/** The tests that mutants must fail: those of the attack list, and those that a mutant names itself. */
import { ATTACKS } from './attacks.js'
import type { Named, NamedTest } from './mutant.js'

export interface Killer extends NamedTest {
  readonly mutant: string
}

export function killersOf(mutants: readonly Named[]): Killer[] {
  const own = mutants.flatMap(({ name, killer }) =>
    killer === undefined ? [] : [{ ...killer, mutant: name }],
  )
  return [...ATTACKS.filter(({ mutant }) => mutants.some(({ name }) => name === mutant)), ...own]
}
