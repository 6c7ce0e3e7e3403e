/** Who is behind, stream by stream: those whose stream takes more have their turns, and a full one is not looked at. */
import { Rota } from './rota.js'
import type { Watcher, WatchSink } from './watcher.js'

/** Of one stream, all that are behind. */
interface Queue {
  readonly sink: WatchSink
  readonly ready: Rota<Watcher>
  /** Of those that wait for what has to be fetched. */
  waiting: number
}

export class Behind {
  readonly #queues = new Map<WatchSink, Queue>()
  /** Somebody of them is ready, and the stream was not found full since it drained. */
  readonly #turns = new Rota<Queue>()
  /** What they want next has to be fetched first. */
  readonly #waiting = new Rota<Watcher>()
  /** So many of these may find it here by now. */
  #woken = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  /** May `take` give somebody? */
  get ready(): boolean {
    return this.#turns.size > 0 || this.#woken > 0
  }

  anyOf(sink: WatchSink): boolean {
    return this.#queues.has(sink)
  }

  add(watcher: Watcher): void {
    const { sink } = watcher
    let queue = this.#queues.get(sink)
    if (queue === undefined) {
      queue = { sink, ready: new Rota(), waiting: 0 }
      this.#queues.set(sink, queue)
    }
    this.#size++
    this.#makeReady(queue, watcher)
  }

  /** False: he was not behind. */
  remove(watcher: Watcher): boolean {
    const queue = this.#queues.get(watcher.sink)
    if (queue === undefined) return false
    if (this.#waiting.delete(watcher)) queue.waiting--
    else if (!queue.ready.delete(watcher)) return false
    this.#size--
    this.#settle(queue)
    return true
  }

  /** Whose turn it is; he stays where he is. Null: not now, but perhaps while `ready`. */
  take(): Watcher | null {
    this.#wakeOne()
    const queue = this.#turns.next()
    if (queue === undefined) return null
    if (queue.sink.writable) return queue.ready.next() ?? null
    this.#turns.delete(queue)
    return null
  }

  /** Until the next `wake`. */
  wait(watcher: Watcher): void {
    const queue = this.#queues.get(watcher.sink)
    if (queue === undefined || !queue.ready.delete(watcher)) return
    this.#waiting.add(watcher)
    queue.waiting++
    this.#settle(queue)
  }

  /** What somebody waits for may be here. */
  wake(): void {
    this.#woken = this.#waiting.size
  }

  drained(sink: WatchSink): void {
    const queue = this.#queues.get(sink)
    if (queue !== undefined && queue.ready.size > 0) this.#turns.add(queue)
  }

  #wakeOne(): void {
    if (this.#woken === 0) return
    this.#woken--
    const watcher = this.#waiting.next()
    const queue = watcher === undefined ? undefined : this.#queues.get(watcher.sink)
    if (watcher === undefined || queue === undefined) return
    this.#waiting.delete(watcher)
    queue.waiting--
    this.#makeReady(queue, watcher)
  }

  #makeReady(queue: Queue, watcher: Watcher): void {
    queue.ready.add(watcher)
    if (queue.sink.writable) this.#turns.add(queue)
  }

  #settle(queue: Queue): void {
    if (queue.ready.size > 0) return
    this.#turns.delete(queue)
    if (queue.waiting === 0) this.#queues.delete(queue.sink)
  }
}
