/** A multi-version store as a tree of pasts: one node for each revision, one branch for each way it may have come. */
import { present } from '../../base/assert.js'

export interface Version {
  readonly value: string
  readonly mod: number
  readonly create: number
  readonly version: number
}

/** What a revision did to each key: null, deleted. Values as encoded texts. */
export type Changes = ReadonlyMap<string, string | null>

interface Node {
  readonly parent: number
  readonly revision: number
  readonly changes: ReadonlyMap<string, Version | null>
  /** The whole store, in every so many nodes. */
  readonly whole: ReadonlyMap<string, Version> | null
  readonly children: Map<string, number>
}

const WHOLE_EVERY = 32

export class Versions {
  readonly #nodes: Node[]

  constructor(firstRevision: number) {
    this.#nodes = [
      {
        parent: -1,
        revision: firstRevision,
        changes: new Map(),
        whole: new Map(),
        children: new Map(),
      },
    ]
  }

  revisionOf(state: number): number {
    return this.#at(state).revision
  }

  /** The state as it was at an earlier revision; null before the first. */
  atRevision(state: number, revision: number): number | null {
    let at = state
    while (at >= 0 && this.#at(at).revision > revision) at = this.#at(at).parent
    return at < 0 ? null : at
  }

  get(state: number, key: string): Version | null {
    for (let at = state; ; at = this.#at(at).parent) {
      const { changes, whole } = this.#at(at)
      const change = changes.get(key)
      if (change !== undefined) return change
      if (whole !== null) return whole.get(key) ?? null
    }
  }

  /** Keys from `start` up to, not including, `end`, in order. */
  range(state: number, start: string, end: string): [string, Version][] {
    return [...this.#wholeOf(state)]
      .filter(([key]) => key >= start && key < end)
      .sort(([a], [b]) => (a < b ? -1 : 1))
  }

  /** The state after one more revision. */
  after(state: number, changes: Changes): number {
    const name = JSON.stringify([...changes].sort(([a], [b]) => (a < b ? -1 : 1)))
    const { children, revision } = this.#at(state)
    const known = children.get(name)
    if (known !== undefined) return known
    const next = new Map<string, Version | null>()
    for (const [key, value] of changes) {
      const old = this.get(state, key)
      next.set(
        key,
        value === null
          ? null
          : {
              value,
              mod: revision + 1,
              create: old?.create ?? revision + 1,
              version: (old?.version ?? 0) + 1,
            },
      )
    }
    const id = this.#nodes.length
    const node = {
      parent: state,
      revision: revision + 1,
      changes: next,
      whole: null,
      children: new Map(),
    }
    this.#nodes.push(node)
    if ((revision + 1) % WHOLE_EVERY === 0) this.#nodes[id] = { ...node, whole: this.#wholeOf(id) }
    children.set(name, id)
    return id
  }

  #wholeOf(state: number): Map<string, Version> {
    const path: Node[] = []
    let at = state
    while (this.#at(at).whole === null) {
      path.push(this.#at(at))
      at = this.#at(at).parent
    }
    const whole = new Map(this.#at(at).whole)
    for (const { changes } of path.reverse())
      for (const [key, version] of changes)
        if (version === null) whole.delete(key)
        else whole.set(key, version)
    return whole
  }

  #at(state: number): Node {
    return present(this.#nodes[state])
  }
}
