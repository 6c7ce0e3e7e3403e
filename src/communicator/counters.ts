/** What went out, what came in, and what was dropped and why; since the start. */

export class Counters {
  messagesSent = 0
  bytesSent = 0
  framesSent = 0
  messagesReceived = 0
  bytesReceived = 0
  /** Partition: the target was blocked when the message would have been written. */
  droppedBlocked = 0
  /** Faults: lost on purpose. */
  droppedLost = 0
  /** Faults: too many were delayed already. */
  droppedDelayed = 0
  /** Faults: held back for later, copies counted. */
  delayed = 0
  /** Faults: written or held back a second time. */
  duplicated = 0
  /** The queue of the peer was full. */
  droppedFull = 0
  /** No stream to the peer, or it broke with messages waiting. */
  droppedDisconnected = 0
  /** Before the cluster has formed. */
  droppedUnformed = 0
  droppedOversize = 0
  /** To or from nobody we know. */
  droppedUnknown = 0
  corruptFrames = 0
  dials = 0
  connects = 0
  refusals = 0
  snapshotsSent = 0
  snapshotBytesSent = 0

  /** Under the names that `status` and metrics show. */
  asMap(): Map<string, number> {
    const out = new Map<string, number>()
    for (const [key, value] of Object.entries(this))
      if (typeof value === 'number') out.set(`peer_${snake(key)}`, value)
    return out
  }
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
