/** A machine that tells what it executed: each command adds one, each result is the number it made. */
import type { StateMachine } from '../../../src/machine/state-machine.js'
import { demand } from '../../../src/machine/state-machine.js'

export class Counter implements StateMachine {
  count = 0
  executed: string[] = []
  /** Bytes added to each result. */
  padding = 0

  apply(command: Uint8Array): Uint8Array {
    this.executed.push(Buffer.from(command).toString('latin1'))
    return new Uint8Array(Buffer.from(`${++this.count}${' '.repeat(this.padding)}`))
  }

  query(): Uint8Array {
    return new Uint8Array(Buffer.from(String(this.count)))
  }

  *snapshot(): Iterable<Uint8Array> {
    yield Uint8Array.of(7)
    yield new Uint8Array(Buffer.from(String(this.count)))
  }

  restore(chunks: Iterable<Uint8Array>): void {
    const [first, second, ...rest] = [...chunks]
    demand(first?.[0] === 7 && second !== undefined && rest.length === 0, 'no counter')
    this.count = Number(Buffer.from(second).toString())
  }

  hash(): string {
    return String(this.count)
  }
}
