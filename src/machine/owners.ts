/** Whose sessions there are: by the client's key, and by the nonce under which each was opened. */
import { toHex } from '../base/bytes.js'
import type { Owner } from './sessions.js'

export class Owners {
  /** Nonce to session, by key in hex. */
  readonly #byPrincipal = new Map<string, Map<number, number>>()

  find({ principal, nonce }: Owner): number | null {
    return this.#byPrincipal.get(toHex(principal))?.get(nonce) ?? null
  }

  sessionsOf(principal: Uint8Array): number[] {
    return [...(this.#byPrincipal.get(toHex(principal))?.values() ?? [])]
  }

  add({ principal, nonce }: Owner, session: number): void {
    const key = toHex(principal)
    const own = this.#byPrincipal.get(key)
    if (own === undefined) this.#byPrincipal.set(key, new Map([[nonce, session]]))
    else own.set(nonce, session)
  }

  remove({ principal, nonce }: Owner, session: number): void {
    const key = toHex(principal)
    const own = this.#byPrincipal.get(key)
    if (own?.get(nonce) !== session) return
    own.delete(nonce)
    if (own.size === 0) this.#byPrincipal.delete(key)
  }
}
