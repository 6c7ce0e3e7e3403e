/**
 * Reads a plain Put without the generated decoder: the commonest command, and half of what it costs.
 * Whatever is not plain (a lease, an unknown field) is left to the generated decoder; a test holds the two
 * against each other.
 */
import { Reader } from '../../base/varint.js'

export class PutFields {
  keyFrom = 0
  keyTo = 0
  valueFrom = 0
  valueTo = 0
  prevKv = false
  ignoreValue = false
  ignoreLease = false

  /** False when the message, which starts at `from`, must be read otherwise. */
  read(bytes: Uint8Array, from: number): boolean {
    this.keyFrom = this.keyTo = this.valueFrom = this.valueTo = 0
    this.prevKv = this.ignoreValue = this.ignoreLease = false
    const reader = new Reader(bytes, from)
    while (reader.left > 0) {
      const tag = reader.byte()
      const number = reader.varint()
      if (!reader.ok) return false
      if (tag === 0x0a || tag === 0x12) {
        if (number > reader.left) return false
        const to = reader.at + number
        if (tag === 0x0a) {
          this.keyFrom = reader.at
          this.keyTo = to
        } else {
          this.valueFrom = reader.at
          this.valueTo = to
        }
        reader.at = to
        continue
      }
      if (number > 1) return false
      if (tag === 0x20) this.prevKv = number === 1
      else if (tag === 0x28) this.ignoreValue = number === 1
      else if (tag === 0x30) this.ignoreLease = number === 1
      else if (tag !== 0x18 || number !== 0) return false
    }
    return true
  }
}
