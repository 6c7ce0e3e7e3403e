/**
 * One call at a time on a connection, as Go's server has it. HTTP/1.1 lets a caller send the next request before he has
 * his answer, and Node hands out all of them; but of a caller who goes it tells only the one whose turn it is. Those
 * that had begun too would stay for ever: so they begin when it is their turn.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Of requests behind the one that is served; a connection with more is closed. */
const WAITING_MAX = 8

interface Turn {
  response: ServerResponse
  readonly waiting: { readonly request: IncomingMessage; readonly response: ServerResponse }[]
}

export class Pipeline {
  readonly #listener: RequestListener
  readonly #turns = new WeakMap<Socket, Turn>()

  constructor(listener: RequestListener) {
    this.#listener = listener
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    const turn = this.#turns.get(socket)
    if (turn === undefined) this.#begin(socket, { response, waiting: [] }, request)
    else if (turn.waiting.length < WAITING_MAX) turn.waiting.push({ request, response })
    else socket.destroy()
  }

  /** Nobody is served on it, or somebody who does not read what he was answered. */
  isStalled(socket: Socket): boolean {
    const turn = this.#turns.get(socket)
    return turn === undefined || turn.response.writableLength > 0 || socket.writableLength > 0
  }

  #begin(socket: Socket, turn: Turn, request: IncomingMessage): void {
    this.#turns.set(socket, turn)
    turn.response.once('close', () => {
      const next = turn.waiting.shift()
      // Behind an answer that closes the connection nobody is served.
      if (next === undefined || socket.destroyed || socket.writableEnded) {
        this.#turns.delete(socket)
        return
      }
      turn.response = next.response
      this.#begin(socket, turn, next.request)
    })
    this.#listener(request, turn.response)
  }
}
