/** It says nothing at all: as if it were dead, but it hears everything. */
import type { Behaviour } from './liar.js'

export const silent = (): Behaviour => ({ send: () => [] })
