// A stream that ends in a difference, made short: its end alone first, then parts of it left out.
import { startEtcd, startQuorate } from './targets.mjs'
import { Turns } from './turns.mjs'

const ATTEMPTS_MAX = 60

/** `{ requests, found }`, or null when it does not come again on fresh servers. */
export async function shrink(asked, nodes, askBoth) {
  let attempts = 0
  const differs = async (requests) => {
    if (++attempts > ATTEMPTS_MAX) return null
    const [etcd, ours] = await Promise.all([startEtcd(), startQuorate(nodes)])
    try {
      const turns = new Turns()
      for (const [i, request] of requests.entries()) {
        const found = await askBoth({ etcd, ours }, request, turns)
        if (!found.same && found.explained === null)
          return { requests: requests.slice(0, i + 1), found }
      }
      return null
    } finally {
      await Promise.all([etcd.close(), ours.close()])
    }
  }
  let best = null
  for (let length = 1; best === null; length *= 4) {
    best = await differs(asked.slice(-length))
    if (best === null && length >= asked.length) return null
  }
  for (let part = Math.ceil(best.requests.length / 2); part >= 1; part = Math.floor(part / 2))
    for (let at = 0; at < best.requests.length - 1; ) {
      const { requests } = best
      const without = [
        ...requests.slice(0, at),
        ...requests.slice(Math.min(at + part, requests.length - 1)),
      ]
      const smaller = await differs(without)
      if (smaller === null) at += part
      else best = smaller
    }
  return best
}
