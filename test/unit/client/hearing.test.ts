import { describe, expect, it } from 'vitest'
import { Hearing } from '../../../src/client/pbft/hearing.js'

class Link {
  heard = true
  hear(on: boolean): void {
    this.heard = on
  }
}

function four() {
  const links = [new Link(), new Link(), new Link(), new Link()] as const
  const hearing = new Hearing<Link>(links, 1)
  const calm = (operations: number, by: readonly number[] = [1, 3]): void => {
    const of = new Set(by.map((i) => links[i] ?? new Link()))
    for (let i = 0; i < operations; i++) hearing.agreed(of)
  }
  return { links, hearing, calm, heard: () => links.map(({ heard }) => heard) }
}

const ALL = [true, true, true, true]

describe('who is heard', () => {
  it('all, and after 16 operations that ended well the f+1 that agreed first', () => {
    const { calm, heard } = four()
    calm(15)
    expect(heard()).toEqual(ALL)
    calm(1)
    expect(heard()).toEqual([false, true, false, true])
    calm(100, [0, 2])
    expect(heard()).toEqual([false, true, false, true])
  })

  it('all again at the first trouble, and longer each time', () => {
    const { calm, heard, hearing } = four()
    for (const needed of [16, 32, 64]) {
      calm(needed - 1)
      expect(heard()).toEqual(ALL)
      calm(1)
      expect(heard()).not.toEqual(ALL)
      hearing.troubled()
      expect(heard()).toEqual(ALL)
    }
  })

  it('trouble in between begins the count anew', () => {
    const { calm, heard, hearing } = four()
    calm(15)
    hearing.troubled()
    calm(15)
    expect(heard()).toEqual(ALL)
    calm(1)
    expect(heard()).not.toEqual(ALL)
  })

  it('all again when the stream to one of the few is gone, not when another is', () => {
    const { calm, heard, hearing, links } = four()
    calm(16)
    hearing.lost(links[0])
    expect(heard()).toEqual([false, true, false, true])
    hearing.lost(links[1])
    expect(heard()).toEqual(ALL)
  })

  it('never fewer than f+1 links: one may bring what others say', () => {
    const { calm, heard } = four()
    calm(1_000, [2])
    expect(heard()).toEqual(ALL)
  })
})
