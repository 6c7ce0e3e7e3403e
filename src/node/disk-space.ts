/**
 * Watches the room left for the log. Below the reserve a node takes no new commands and gives leadership away while it
 * still can: a write that fails for lack of room would stop it.
 */
import { statfs } from 'node:fs/promises'

const LOOK_MS = 1_000
/** How often want of room is told again. */
const LOW_AGAIN_MS = 10_000

export class DiskSpace {
  readonly #path: string
  readonly #reserveBytes: number
  readonly #onChange: (low: boolean, freeBytes: number) => void
  #timer: NodeJS.Timeout | null = null
  #low = false
  #toldAtMs = 0

  constructor(
    path: string,
    reserveBytes: number,
    onChange: (low: boolean, freeBytes: number) => void,
  ) {
    this.#path = path
    this.#reserveBytes = reserveBytes
    this.#onChange = onChange
  }

  async start(): Promise<void> {
    await this.#look()
    this.#timer = setInterval(() => void this.#look(), LOOK_MS)
    this.#timer.unref()
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
  }

  async #look(): Promise<void> {
    // A disk that cannot be asked will tell by its next error.
    const stats = await statfs(this.#path).catch(() => null)
    if (stats === null) return
    const freeBytes = stats.bavail * stats.bsize
    const low = freeBytes < this.#reserveBytes
    // Told again while it lasts, since the node may have been elected meanwhile, and has to give that away too. Not
    // at every look: where every disk is full, leadership would only go round and round.
    const again = low && performance.now() - this.#toldAtMs >= LOW_AGAIN_MS
    if (low === this.#low && !again) return
    this.#low = low
    this.#toldAtMs = performance.now()
    this.#onChange(low, freeBytes)
  }
}
