/**
 * Bytes held for all callers together. Each call has bounds of its own, but there are many calls on a connection and many
 * connections: what half-sent requests and unread answers may hold in sum is counted here.
 */
export class Room {
  #left: number
  #short = false

  constructor(bytesMax: number) {
    this.#left = bytesMax
  }

  get left(): number {
    return this.#left
  }

  /** False: there is no room for them. */
  take(bytes: number): boolean {
    if (bytes > this.#left) {
      this.#short = true
      return false
    }
    this.#left -= bytes
    return true
  }

  /** Of those taken. */
  give(bytes: number): void {
    this.#left += bytes
  }

  /** Has somebody been turned away since this was last asked? */
  wasShort(): boolean {
    const short = this.#short
    this.#short = false
    return short
  }
}
