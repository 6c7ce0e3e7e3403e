/** A model made of one function that says what a correct system would do with one operation at a time. */
import type { Operation } from '../history.js'
import { IMPOSSIBLE, type Model, type Space } from '../model.js'
import { encodeValue, type Value } from '../value.js'

export interface Step {
  readonly state: Value
  /** What a correct system answers. */
  readonly output: Value
}

export interface StepModelOptions {
  readonly name?: string
  readonly initial: Value
  /** Depends on nothing but its arguments, and changes none of them. */
  readonly step: (state: Value, operation: Pick<Operation, 'f' | 'key' | 'input'>) => Step
  /** Operations of different partitions do not touch each other; default: all are in one. */
  readonly partitionOf?: (operation: Operation) => string
}

/** For `checkLinearizable`: slower than the models for registers and keys, and good for any system that is small. */
export function stepModel({ name = 'steps', initial, step, partitionOf }: StepModelOptions): Model {
  return {
    name,
    partitionOf: partitionOf ?? (() => 'all'),
    arrange: (operations) =>
      arranged(
        operations.filter(({ outcome }) => outcome !== 'fail'),
        initial,
        step,
      ),
  }
}

function arranged(
  operations: readonly Operation[],
  initial: Value,
  step: StepModelOptions['step'],
): Space {
  const states: Value[] = [initial]
  const numbers = new Map<string, number>([[encodeValue(initial), 0]])
  const intern = (state: Value): number => {
    const text = encodeValue(state)
    const known = numbers.get(text)
    if (known !== undefined) return known
    numbers.set(text, states.length)
    return states.push(state) - 1
  }
  // Whoever asked the same and was told the same is as good as the other.
  const first = new Map<string, number>()
  const classes = operations.map(({ f, key, input, outcome, output }, op) => {
    const text = encodeValue([f, key, input, outcome, output])
    const same = first.get(text)
    if (same === undefined) first.set(text, op)
    return same ?? op
  })
  const stepped = (from: number, op: number) => {
    const operation = operations[op]
    if (operation === undefined) return null
    return { operation, ...step(states[from] ?? null, operation) }
  }
  return {
    operations,
    initial: 0,
    classOf: (op) => classes[op] ?? op,
    observes: () => false,
    step: (from, op) => {
      const done = stepped(from, op)
      if (done === null) return IMPOSSIBLE
      const to = intern(done.state)
      // Without an answer it matters only where it changes something.
      if (done.operation.outcome === 'info') return to === from ? IMPOSSIBLE : to
      return encodeValue(done.output) === encodeValue(done.operation.output) ? to : IMPOSSIBLE
    },
    take: () => {},
    giveBack: () => {},
    hopeless: () => false,
    impossible: () => null,
    alike: (state) => state,
    needOf: () => null,
    isLost: () => false,
    serves: () => false,
    forced: () => [],
    hiddenBy: () => [],
    describe: (state) => encodeValue(states[state] ?? null),
    why: (state, op) => `it would answer ${encodeValue(stepped(state, op)?.output ?? null)}`,
  }
}
