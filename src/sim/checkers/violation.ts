/** A rule of the protocol was broken. `invariant` names it for statistics, the message tells what was seen. */
export class Violation extends Error {
  override readonly name = 'Violation'
  readonly invariant: string

  constructor(invariant: string, message: string) {
    super(message)
    this.invariant = invariant
  }
}

export function check(condition: boolean, invariant: string, message: () => string): void {
  if (!condition) throw new Violation(invariant, message())
}
