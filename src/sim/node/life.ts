/**
 * One life of a node after the other. What a life asked for ends with it; what comes while the process sleeps is done,
 * in order, when it wakes: so timers are stale and messages old, as after a SIGSTOP.
 */
export class Life {
  /** Changes at each start and each death. */
  #generation = 0
  #alive = false
  #paused = false
  #backlog: (() => void)[] = []

  get alive(): boolean {
    return this.#alive
  }

  get paused(): boolean {
    return this.#paused
  }

  begin(): void {
    this.#turn(true)
  }

  end(): void {
    this.#turn(false)
  }

  /** Tells, later, whether the life of now still goes on. */
  witness(): () => boolean {
    const generation = this.#generation
    return () => generation === this.#generation
  }

  pause(): void {
    if (this.#alive) this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    const backlog = this.#backlog
    this.#backlog = []
    for (const task of backlog) task()
  }

  /** The task runs in this life, or never. */
  guarded(task: () => void): () => void {
    const generation = this.#generation
    const run = () => {
      if (generation !== this.#generation) return
      if (this.#paused) this.#backlog.push(run)
      else task()
    }
    return run
  }

  /** Now, or when it wakes if it lives till then. */
  run(task: () => void): void {
    if (this.#paused) this.#backlog.push(this.guarded(task))
    else task()
  }

  /** For completions of the disk, which knows itself which life asked for them. */
  whenAwake(task: () => void): void {
    if (this.#paused) this.#backlog.push(task)
    else task()
  }

  #turn(alive: boolean): void {
    this.#generation++
    this.#alive = alive
    this.#paused = false
    this.#backlog = []
  }
}
