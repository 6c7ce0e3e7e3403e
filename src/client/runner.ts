/**
 * Runs a pure client (`core/`) in real time. Steps run one at a time: what a step leads to at once waits for its end. The
 * clock ticks while something is waited for.
 */
interface Run<Input> {
  step(input: Input): void
  /** Time has passed: it is fed to the core, and what else depends on it is done. */
  tick(): void
  /** Nothing is waited for any more. */
  idle(): boolean
  readonly tickMs: number
}

export class Runner<Input> {
  readonly #run: Run<Input>
  readonly #inputs: Input[] = []
  #stepping = false
  #timer: NodeJS.Timeout | null = null

  constructor(run: Run<Input>) {
    this.#run = run
  }

  feed(input: Input): void {
    this.#inputs.push(input)
    if (this.#stepping) return
    this.#stepping = true
    for (let i = 0; i < this.#inputs.length; i++) {
      const next = this.#inputs[i]
      if (next === undefined) break
      this.#run.step(next)
    }
    this.#inputs.length = 0
    this.#stepping = false
    if (this.#run.idle()) this.stopClock()
  }

  /** Behind what is waited for: without it the clock stops. The first tick is at once. */
  startClock(): void {
    if (this.#timer !== null) return
    this.#timer = setInterval(() => this.#run.tick(), this.#run.tickMs)
    this.#run.tick()
  }

  stopClock(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }
}

/** ms, monotonic, whole: the clock of the inputs. */
export function now(): number {
  return Math.floor(performance.now())
}
