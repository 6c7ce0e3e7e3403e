/**
 * Which ranges hold one of some keys: a balanced tree of ranges by where they begin, each node of which knows the furthest
 * end at or below it (an interval tree, as etcd's pkg/adt). Nodes never change, so that a walk which pauses goes on over
 * the tree as it was when it began, whatever is added and removed meanwhile.
 */
import type { WatchRange } from './watcher.js'

export interface Ranged {
  /** Of more than a key: its end is not ''. */
  readonly range: WatchRange
}

export interface RangeNode<T extends Ranged> {
  readonly item: T
  readonly left: RangeTree<T>
  readonly right: RangeTree<T>
  readonly height: number
  /** Of all at or below this node; null: behind every key. */
  readonly furthest: string | null
}

export type RangeTree<T extends Ranged> = RangeNode<T> | null

export function findRange<T extends Ranged>(tree: RangeTree<T>, range: WatchRange): T | null {
  for (let node = tree; node !== null; ) {
    const order = compareRanges(range, node.item.range)
    if (order === 0) return node.item
    node = order < 0 ? node.left : node.right
  }
  return null
}

/** With an item whose range no other has. */
export function withRange<T extends Ranged>(tree: RangeTree<T>, added: T): RangeNode<T> {
  if (tree === null) return nodeOf(null, added, null)
  const { item, left, right } = tree
  return compareRanges(added.range, item.range) < 0
    ? balanced(withRange(left, added), item, right)
    : balanced(left, item, withRange(right, added))
}

export function withoutRange<T extends Ranged>(
  tree: RangeTree<T>,
  range: WatchRange,
): RangeTree<T> {
  if (tree === null) return null
  const { item, left, right } = tree
  const order = compareRanges(range, item.range)
  if (order < 0) return balanced(withoutRange(left, range), item, right)
  if (order > 0) return balanced(left, item, withoutRange(right, range))
  if (left === null || right === null) return left ?? right
  let next = right
  while (next.left !== null) next = next.left
  return balanced(left, next.item, withoutRange(right, next.item.range))
}

/**
 * Each item whose range holds one of the keys, which ascend. Null: a node was looked at that holds none; who walks may
 * have had enough for now.
 */
export function* holding<T extends Ranged>(
  tree: RangeTree<T>,
  keys: readonly string[],
): Generator<T | null, void> {
  const open = [{ node: tree, from: 0, to: keys.length }]
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    const { node, from } = part
    if (node === null) continue
    // No range from here down goes on to the keys at or behind the furthest end.
    const to = node.furthest === null ? part.to : lowerBound(keys, node.furthest, from, part.to)
    if (from >= to) continue
    const { key, end } = node.item.range
    // What lies to the right begins no sooner than this one.
    const first = lowerBound(keys, key, from, to)
    open.push({ node: node.left, from, to })
    if (first < to) open.push({ node: node.right, from: first, to })
    const candidate = first < to ? keys[first] : undefined
    yield candidate !== undefined && (end === null || candidate < end) ? node.item : null
  }
}

/** Of keys that ascend: where the first is that is not before `key`, within [from, to]. */
export function lowerBound(
  keys: readonly string[],
  key: string,
  from = 0,
  to = keys.length,
): number {
  let low = from
  let high = to
  while (low < high) {
    const middle = (low + high) >> 1
    if ((keys[middle] ?? '') < key) low = middle + 1
    else high = middle
  }
  return low
}

function nodeOf<T extends Ranged>(left: RangeTree<T>, item: T, right: RangeTree<T>): RangeNode<T> {
  let furthest = item.range.end
  for (const below of [left, right])
    if (below !== null) furthest = further(furthest, below.furthest)
  return { item, left, right, height: 1 + Math.max(heightOf(left), heightOf(right)), furthest }
}

/** One side may be higher by two, no more: then it is rotated (AVL). */
function balanced<T extends Ranged>(
  left: RangeTree<T>,
  item: T,
  right: RangeTree<T>,
): RangeNode<T> {
  const lean = heightOf(left) - heightOf(right)
  if (lean > 1 && left !== null) {
    const inner = left.right
    if (inner === null || heightOf(left.left) >= inner.height)
      return nodeOf(left.left, left.item, nodeOf(inner, item, right))
    const lower = nodeOf(left.left, left.item, inner.left)
    return nodeOf(lower, inner.item, nodeOf(inner.right, item, right))
  }
  if (lean < -1 && right !== null) {
    const inner = right.left
    if (inner === null || heightOf(right.right) >= inner.height)
      return nodeOf(nodeOf(left, item, inner), right.item, right.right)
    const upper = nodeOf(inner.right, right.item, right.right)
    return nodeOf(nodeOf(left, item, inner.left), inner.item, upper)
  }
  return nodeOf(left, item, right)
}

function heightOf(tree: RangeTree<Ranged>): number {
  return tree === null ? 0 : tree.height
}

function compareRanges(a: WatchRange, b: WatchRange): number {
  if (a.key !== b.key) return a.key < b.key ? -1 : 1
  if (a.end === b.end) return 0
  return further(a.end, b.end) === b.end ? -1 : 1
}

function further(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return null
  return a < b ? b : a
}
