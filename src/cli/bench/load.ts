/** A closed loop: so many operations are always under way, each followed by the next once its answer is here. */
import { ClientError } from '../../client/errors.js'

export interface LoadOptions {
  readonly concurrency: number
  readonly warmUpMs: number
  readonly measureMs: number
  /** The n-th operation; ends when its own result is back. Gives the revision it wrote, or null. */
  readonly operation: (n: number) => Promise<number | null>
}

export interface LoadResult {
  /** Of those that ended within the measured time. */
  readonly latenciesMs: Float64Array
  readonly elapsedMs: number
  /** Over the whole run, warm-up and tail included. */
  readonly acknowledged: number
  /** Of unknown outcome, over the whole run. */
  readonly unknown: number
  readonly errors: ReadonlyMap<string, number>
  /** Revisions that answers told, over the whole run. */
  readonly revisions: Float64Array
  /** Cores that this process used, 1 being a whole one. */
  readonly clientCpu: number
}

export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const samples = new Samples()
  const revisions = new Samples()
  const errors = new Map<string, number>()
  const began = performance.now() + options.warmUpMs
  const ends = began + options.measureMs
  let next = 0
  let acknowledged = 0
  let unknown = 0
  const worker = async () => {
    while (performance.now() < ends) {
      const n = next++
      const start = performance.now()
      try {
        const revision = await options.operation(n)
        acknowledged++
        if (revision !== null) revisions.add(revision)
        const end = performance.now()
        if (start >= began && end <= ends) samples.add(end - start)
      } catch (error) {
        const kind = error instanceof ClientError ? error.kind : 'Bug'
        if (kind === 'Indeterminate') unknown++
        errors.set(kind, (errors.get(kind) ?? 0) + 1)
        if (!(error instanceof ClientError)) throw error
      }
    }
  }
  const workers = Array.from({ length: options.concurrency }, worker)
  const cpu = measureCpu(began, ends)
  await Promise.all(workers)
  return {
    latenciesMs: samples.sorted(),
    elapsedMs: options.measureMs,
    acknowledged,
    unknown,
    errors,
    revisions: revisions.sorted(),
    clientCpu: await cpu,
  }
}

export function measureCpu(from: number, to: number): Promise<number> {
  return new Promise((resolve) => {
    setTimeout(
      () => {
        const before = process.cpuUsage()
        const at = performance.now()
        setTimeout(
          () => {
            const { user, system } = process.cpuUsage(before)
            resolve((user + system) / 1_000 / (performance.now() - at))
          },
          Math.max(0, to - performance.now()),
        )
      },
      Math.max(0, from - performance.now()),
    )
  })
}

/** Numbers, many, without an object each. */
export class Samples {
  #values = new Float64Array(1024)
  #count = 0

  add(value: number): void {
    if (this.#count === this.#values.length) {
      const more = new Float64Array(2 * this.#count)
      more.set(this.#values)
      this.#values = more
    }
    this.#values[this.#count++] = value
  }

  sorted(): Float64Array {
    return this.#values.slice(0, this.#count).sort()
  }
}

/** Of sorted values; 0 of none. */
export function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

/** Whether a value occurs twice in what is sorted. */
export function hasRepeats(sorted: Float64Array): boolean {
  for (let i = 1; i < sorted.length; i++) if (sorted[i] === sorted[i - 1]) return true
  return false
}
