/** Runs seeds against a planted tree, in a process of its own, which may hang or die. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Ask, Report } from './child.js'
import type { SimProtocolName } from './mutant.js'

export type Outcome =
  | { readonly type: 'passed' }
  /** A check of the simulator saw it. */
  | { readonly type: 'caught'; readonly check: string; readonly message: string }
  /** The product itself ended in an error or an assertion; the process would stop, and no check was needed. */
  | { readonly type: 'thrown'; readonly error: string; readonly message: string }
  /** The step did not come back. */
  | { readonly type: 'hung' }

const SEED_MS_MAX = 60_000
/** Names of checks are lower case with dashes; classes of errors are not. */
const CHECK = /^[a-z][a-z-]*$/

export class Trial {
  readonly #root: string
  readonly #protocol: SimProtocolName
  #child: ChildProcess | null = null

  /** `root`: of a tree that is built. */
  constructor(root: string, protocol: SimProtocolName = 'raft') {
    this.#root = root
    this.#protocol = protocol
  }

  async run(of: Omit<Ask, 'protocol'>): Promise<Outcome> {
    const ask: Ask = { ...of, protocol: this.#protocol }
    this.#child ??= fork(fileURLToPath(new URL('./child.js', import.meta.url)), [this.#root])
    const child = this.#child
    const report = await new Promise<Report | null>((resolve) => {
      const timer = setTimeout(() => end(null), SEED_MS_MAX)
      const end = (result: Report | null): void => {
        clearTimeout(timer)
        child.removeAllListeners()
        resolve(result)
      }
      child.once('message', (message) => end(message as Report))
      child.once('exit', () => end(null))
      child.once('error', () => end(null))
      child.send(ask)
    })
    if (report !== null) return outcomeOf(report)
    this.close()
    return { type: 'hung' }
  }

  close(): void {
    this.#child?.kill('SIGKILL')
    this.#child = null
  }
}

/** The sources without a bug: what fails there as well shows nothing of a mutant. */
export class Baseline {
  readonly #root: string
  readonly #trials = new Map<SimProtocolName, Trial>()
  readonly #known = new Map<string, Promise<boolean>>()
  #last: Promise<unknown> = Promise.resolve()

  /** `root`: of a tree that carries no mutant. */
  constructor(root: string) {
    this.#root = root
  }

  passes(seed: number, protocol: SimProtocolName = 'raft'): Promise<boolean> {
    const key = `${protocol} ${seed}`
    let known = this.#known.get(key)
    if (known === undefined) {
      known = this.#last.then(async () => {
        const outcome = await this.#trial(protocol).run({ seed, faultFree: false })
        return outcome.type === 'passed'
      })
      this.#last = known
      this.#known.set(key, known)
    }
    return known
  }

  close(): void {
    for (const trial of this.#trials.values()) trial.close()
  }

  #trial(protocol: SimProtocolName): Trial {
    const trial = this.#trials.get(protocol) ?? new Trial(this.#root, protocol)
    this.#trials.set(protocol, trial)
    return trial
  }
}

function outcomeOf({ failure }: Report): Outcome {
  if (failure === null) return { type: 'passed' }
  const { invariant, message } = failure
  if (CHECK.test(invariant) && invariant !== 'thrown')
    return { type: 'caught', check: invariant, message }
  return { type: 'thrown', error: invariant, message }
}
