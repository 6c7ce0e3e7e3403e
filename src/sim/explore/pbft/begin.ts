/** To where a search begins: by the moves that are named, as a path would tell them. */
import type { PbftWorlds } from './worlds.js'

export function beginWith(worlds: PbftWorlds, moves: readonly string[]): Int32Array {
  let world = worlds.initial()
  for (const wanted of moves) {
    const found: Int32Array[] = []
    const others: string[] = []
    worlds.moves(world, (move, next, broken) => {
      const words = worlds.describeMove(move)
      if (broken === null && words === wanted) found.push(Int32Array.from(next))
      else others.push(words)
    })
    const [next] = found
    if (next === undefined) throw new Error(`no move "${wanted}", but:\n${others.join('\n')}`)
    world = next
  }
  return world
}
