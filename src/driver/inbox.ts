/** What peers sent and no turn has taken yet: first come, first served, bounded in messages and in bytes. */
import type { NodeId } from '../consensus/ids.js'

export interface PeerMessage {
  readonly from: NodeId
  readonly bytes: Uint8Array
}

export class Inbox {
  readonly #messagesMax: number
  readonly #bytesMax: number
  #messages: PeerMessage[] = []
  #head = 0
  #bytes = 0

  constructor(max: { readonly messages: number; readonly bytes: number }) {
    this.#messagesMax = max.messages
    this.#bytesMax = max.bytes
  }

  get length(): number {
    return this.#messages.length - this.#head
  }

  get bytes(): number {
    return this.#bytes
  }

  /** False when a bound is reached: the message is lost, as on any network. */
  push(message: PeerMessage): boolean {
    if (this.length >= this.#messagesMax) return false
    if (this.length > 0 && this.#bytes + message.bytes.length > this.#bytesMax) return false
    this.#messages.push(message)
    this.#bytes += message.bytes.length
    return true
  }

  shift(): PeerMessage | undefined {
    const message = this.#messages[this.#head]
    if (message === undefined) return undefined
    this.#head++
    this.#bytes -= message.bytes.length
    if (this.#head === this.#messages.length) {
      this.#messages = []
      this.#head = 0
    } else if (this.#head >= 1_024 && this.#head * 2 >= this.#messages.length) {
      this.#messages = this.#messages.slice(this.#head)
      this.#head = 0
    }
    return message
  }
}
